"""Whether a store is one that a lake can lie in: each need found or missing, in one sentence."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

from botocore.exceptions import ClientError

from barlake.io import probes
from barlake.io.bucket import Bucket
from barlake.io.probes import Finding, Ground
from barlake.io.s3_errors import REFUSALS, StoreError, code_of, explained
from barlake.io.store import Store

FOLDER = "_probe"
CONDITIONAL = f"{FOLDER}/conditional-put"
_DENIED = ("AccessDenied", "403")
_RIGHTS = {
    "write": "s3:PutObject",
    "multipart upload": "s3:PutObject and s3:AbortMultipartUpload",
    "rename": "s3:GetObject, s3:PutObject and s3:DeleteObject",
    "bulk delete": "s3:DeleteObject",
}

# After `write`: each may count on being allowed to.
_WRITING: dict[str, Callable[[Ground], Finding]] = {
    "read after write": probes.read,
    "list after write": probes.listed,
    "conditional put": probes.conditional_put,
    f"{probes.RIVALS} rivals on one name": probes.rivals,
    "multipart upload": probes.multipart,
    "conditional multipart upload": probes.conditional_multipart,
    "rename": probes.renamed,
    "bulk delete": probes.bulk_delete,
}


def examine(store: Store) -> list[Finding]:
    """Look at every need of a lake; what cannot be looked at is not told of.

    What it writes is below the lake's `_probe/`, about 5 MB, and it removes that again; of a folder
    it only looks whether it can be written.
    """
    if not isinstance(store, Bucket):
        return [_folder(Path(store.address))]
    prefix = f"{store.prefix}{FOLDER}/{uuid4().hex}/"
    ground = Ground(store.access.client(), store.bucket, prefix)
    return list(_examined(ground, store))


def require_conditional_put(store: Store) -> None:
    """Refuse a bucket whose store overwrites what it is asked to write once.

    One request, but for the first time: the object that it asks for stays.

    Raises:
        StoreError: The store ignores the condition, or refuses or does not answer.
    """
    if store.access is None:
        return
    # The second time, since the first makes it: the object must then be there.
    if store.put_once(CONDITIONAL, b"") and store.put_once(CONDITIONAL, b""):
        raise StoreError(
            f"{store.address}: the store ignores If-None-Match on PUT, so two writers would "
            "overwrite each other's commits: use MinIO, SeaweedFS or AWS S3, and see "
            "`barlake doctor --lake`",
            "IgnoresCondition",
        )


def _examined(ground: Ground, store: Bucket) -> Iterator[Finding]:
    style = "bucket in the path" if store.access.is_path_style else "bucket in the host's name"
    where = f"{store.access.endpoint or 'AWS'}, {store.access.region}, {style}"
    try:
        answer = ground.client.list_objects_v2(Bucket=ground.bucket, MaxKeys=1)
    except REFUSALS as error:
        yield from _unreached(error, store)
        return
    yield Finding("bucket", True, f"{store.address} at {where}", "")
    yield probes.clock(answer)
    may_write = _asked(ground, store, "write", probes.write)
    yield may_write
    if not may_write.found:
        return
    try:
        for name, probe in _WRITING.items():
            yield _asked(ground, store, name, probe)
    finally:
        _clear(ground)


def _unreached(error: Exception, store: Bucket) -> Iterator[Finding]:
    """Tell why the bucket is out of reach, and of the clock where that is why."""
    detail, remedy = explained(error, store.address)
    if not store.access.is_path_style and code_of(error) == "EndpointConnectionError":
        remedy += "; most stores but AWS need BARLAKE_LAKE__PATH_STYLE=true"
    yield Finding("bucket", False, detail, remedy or "see the store's log")
    if isinstance(error, ClientError) and code_of(error) == "RequestTimeTooSkewed":
        yield probes.clock(error.response)


def _asked(ground: Ground, store: Bucket, name: str, probe: Callable[[Ground], Finding]) -> Finding:
    try:
        return probe(ground)
    except REFUSALS as error:
        detail, remedy = explained(error, store.path(FOLDER))
        if code_of(error) in _DENIED and name in _RIGHTS:
            remedy = f"give these credentials {_RIGHTS[name]}; docs/object-store.md has all"
        return Finding(name, False, detail, remedy or "use another store")


def _clear(ground: Ground) -> None:
    """Remove what a probe that broke has left, as far as the store lets it."""
    for name in ground.names():
        try:
            ground.ask("delete_object", name)
        except ClientError as error:
            if code_of(error) not in _DENIED:
                raise


def _folder(root: Path) -> Finding:
    """Look whether a folder can be written, or made."""
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    found = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    state = "can be" if found else "cannot be"
    detail = f"{root} {state} {'written' if there == root else 'made'}"
    return Finding("lake", found, detail, "make it writable, or name another in --lake")
