"""What a lake asks of a bucket, one question a function; each leaves nothing but its objects."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from barlake.io.s3_errors import code_of

RIVALS = 8
PART_BYTES = 5 * 1024 * 1024  # no part but the last may be smaller
SKEW_SECONDS = 300
_LOST = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
_CONDITION = "two writers of a table would overwrite each other's commits"
_REPLACE = "use a store that honours If-None-Match on PUT, such as MinIO, SeaweedFS or AWS S3"


class Finding(NamedTuple):
    """What was found of one need of a lake, as `doctor` shows it."""

    name: str
    found: bool
    detail: str
    remedy: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the probes work: keys of `bucket` below `prefix`, which ends in a slash."""

    client: Any
    bucket: str
    prefix: str

    def ask(self, operation: str, name: str, **arguments: object) -> dict[str, Any]:
        """Do one operation on one object."""
        key = f"{self.prefix}{name}"
        return dict(getattr(self.client, operation)(Bucket=self.bucket, Key=key, **arguments))

    def put(self, name: str, content: bytes, **arguments: object) -> None:
        """Write an object."""
        self.ask("put_object", name, Body=content, **arguments)

    def get(self, name: str) -> bytes:
        """Read an object."""
        return bytes(self.ask("get_object", name)["Body"].read())

    def names(self) -> list[str]:
        """List what is below the prefix."""
        found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix)
        return [entry["Key"].removeprefix(self.prefix) for entry in found.get("Contents", [])]

    def is_refused(self, request: Callable[[], object]) -> bool:
        """Tell whether the store refuses a request because the object is there already."""
        try:
            request()
        except ClientError as error:
            if code_of(error) not in _LOST:
                raise
            return True
        return False


def clock(answer: dict[str, Any]) -> Finding:
    """Hold the store's clock, which each answer tells, against this machine's."""
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if said is None:
        return Finding("clock", False, "the store does not tell its time", "set it up to")
    ahead = (_now() - parsedate_to_datetime(said)).total_seconds()
    if abs(ahead) <= SKEW_SECONDS:
        return Finding("clock", True, "this machine's and the store's agree", "")
    word = "ahead of" if ahead > 0 else "behind"
    return Finding(
        "clock",
        False,
        f"this machine's is {abs(ahead) / 60:.0f} minutes {word} the store's, and at 15 the store "
        "refuses all requests",
        "set both by NTP",
    )


def write(ground: Ground) -> Finding:
    """Write an object."""
    ground.put("plain", b"first")
    return Finding("write", True, "objects can be written", "")


def read(ground: Ground) -> Finding:
    """Read an object, and again once it is overwritten."""
    ground.put("read", b"first")
    first = ground.get("read")
    ground.put("read", b"second")
    found = (first, ground.get("read")) == (b"first", b"second")
    detail = "what was written is read" if found else "what is read is not what was written last"
    return Finding("read after write", found, detail, "use a store that is consistent")


def listed(ground: Ground) -> Finding:
    """List what was just written."""
    ground.put("listed", b"")
    found = "listed" in ground.names()
    state = "shows" if found else "does not show"
    detail = f"a list {state} what was just written"
    return Finding("list after write", found, detail, "use a store that is consistent")


def conditional_put(ground: Ground) -> Finding:
    """Write an object once, and again: the second must be refused."""

    def once() -> None:
        ground.put("once", b"", IfNoneMatch="*")

    is_first_kept = not ground.is_refused(once)
    return _decides("conditional put", is_first_kept and ground.is_refused(once), "overwrites")


def rivals(ground: Ground) -> Finding:
    """Let many write one object at one time: one of them must win."""

    def loses(number: int) -> bool:
        body = str(number).encode()
        return ground.is_refused(lambda: ground.put("rivals", body, IfNoneMatch="*"))

    with ThreadPoolExecutor(RIVALS) as pool:
        lost = list(pool.map(loses, range(RIVALS)))
    winners = [number for number in range(RIVALS) if not lost[number]]
    found = [str(number).encode() for number in winners] == [ground.get("rivals")]
    return _decides(f"{RIVALS} rivals on one name", found, f"let {len(winners)} win: it overwrites")


def multipart(ground: Ground) -> Finding:
    """Write an object in two parts."""
    _upload(ground, "parts", b"a" * PART_BYTES, b"z")
    found = int(ground.ask("head_object", "parts")["ContentLength"]) == PART_BYTES + 1
    detail = "large objects are written in parts" if found else "parts of an object are lost"
    return Finding("multipart upload", found, detail, "use a store that has multipart uploads")


def conditional_multipart(ground: Ground) -> Finding:
    """Complete a multipart upload onto an object that is there: that must be refused."""
    ground.put("whole", b"first")
    found = ground.is_refused(lambda: _upload(ground, "whole", b"second", is_once=True))
    found = found and ground.get("whole") == b"first"
    return _decides("conditional multipart upload", found, "overwrites")


def renamed(ground: Ground) -> Finding:
    """Rename an object as S3A does: copy, then delete."""
    ground.put("old", b"content")
    source = {"Bucket": ground.bucket, "Key": f"{ground.prefix}old"}
    ground.ask("copy_object", "new", CopySource=source)
    ground.ask("delete_object", "old")
    found = "old" not in ground.names() and ground.get("new") == b"content"
    detail = "copy and delete work" if found else "a renamed object is in both places, or in none"
    return Finding("rename", found, detail, "use a store that copies within a bucket")


def bulk_delete(ground: Ground) -> Finding:
    """Delete all that the probes wrote in one request."""
    doomed = [{"Key": f"{ground.prefix}{name}"} for name in ground.names()]
    done = ground.client.delete_objects(Bucket=ground.bucket, Delete={"Objects": doomed})
    refused = [entry["Code"] for entry in done.get("Errors", [])]
    if refused:
        detail = f"the store keeps {len(refused)} of {len(doomed)} objects ({refused[0]})"
        remedy = "give these credentials s3:DeleteObject, or VACUUM and old runs' files stay"
        return Finding("bulk delete", False, detail, remedy)
    kept = len(ground.names())
    detail = f"{len(doomed)} objects in one request" if not kept else f"{kept} are listed still"
    return Finding("bulk delete", not kept, detail, "use a store that is consistent")


def _upload(ground: Ground, name: str, *parts: bytes, is_once: bool = False) -> None:
    upload = {"UploadId": ground.ask("create_multipart_upload", name)["UploadId"]}
    try:
        made = [
            ground.ask("upload_part", name, PartNumber=number, Body=part, **upload)["ETag"]
            for number, part in enumerate(parts, start=1)
        ]
        listed = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(made, start=1)]
        condition = {"IfNoneMatch": "*"} if is_once else {}
        whole = {"MultipartUpload": {"Parts": listed}}
        ground.ask("complete_multipart_upload", name, **upload, **whole, **condition)
    except ClientError:
        ground.ask("abort_multipart_upload", name, **upload)
        raise


def _now() -> datetime:
    return datetime.now(UTC)


def _decides(name: str, found: bool, instead: str) -> Finding:  # noqa: FBT001
    if found:
        return Finding(name, True, "what is there is not overwritten", "")
    return Finding(name, False, f"the store {instead}: {_CONDITION}", _REPLACE)
