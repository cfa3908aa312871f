"""A lake in a bucket as files on local disk, so that it can be held against one in a folder."""

from pathlib import Path

from barlake.io.store import Store


def mirrored(store: Store, folder: Path) -> Path:
    """Copy every object below the lake's root into a folder, which must be new."""
    for name in store.names(""):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.get(name))
    return folder
