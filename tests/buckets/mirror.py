"""A lake in a bucket as files on local disk, and the other way round."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from barlake.io.store import Store
from tests.object_stores import Place


def mirrored(store: Store, folder: Path) -> Path:
    """Copy every object below the lake's root into a folder, which must be new."""
    for name in store.names(""):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.get(name))
    return folder


def uploaded(folder: Path, place: Place, days: float) -> None:
    """Put a folder's lake into a bucket of MinIO, as if it had been written so many days ago."""
    # What MinIO takes from another MinIO that it is a copy of.
    written = datetime.now(UTC) - timedelta(days=days)
    headers = {
        "X-Minio-Source-Replication-Request": "true",
        "X-Minio-Source-Mtime": f"{written:%Y-%m-%dT%H:%M:%S}.000Z",
    }

    def dated(params: dict[str, Any], **_: object) -> None:
        params["headers"].update(headers)

    client = place.server.client()
    client.meta.events.register("before-call.s3.PutObject", dated)
    prefix = place.address.removeprefix(f"s3a://{place.bucket}/")
    for path in folder.rglob("*"):
        if path.is_file():
            key = f"{prefix}/{path.relative_to(folder)}"
            client.put_object(Bucket=place.bucket, Key=key, Body=path.read_bytes())
    client.close()
