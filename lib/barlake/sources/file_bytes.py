"""Which files a path means, and their content: looked at before it is trusted."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from barlake.model.errors import InputError

SUFFIXES = (".csv", ".csv.gz", ".parquet")
MAX_BYTES = 1_000_000_000


def files_at(path: Path) -> list[Path]:
    """Give the file, or the folder's files by name; what begins with . or _ is no delivery.

    Raises:
        InputError: Nothing is there, or something else than CSV and Parquet files; or a link that
            leads outside the folder, which is never opened.
    """
    with _readable(str(path)):
        if not path.is_dir():
            return [_checked(path)]
        entries = sorted(path.iterdir(), key=lambda entry: entry.name)
        files = [_inside(e, path.resolve()) for e in entries if not e.name.startswith((".", "_"))]
    if not files:
        raise InputError(
            f"the folder {str(path)!r} holds no file that ends in {_known()}; check --from"
        )
    return files


def content(path: Path) -> bytes:
    """Read a file once, whole, unpacked where its name ends in .gz.

    Raises:
        InputError: The file is empty, too large, unreadable, or no sound gzip.
    """
    with _readable(path.name):
        _check_size(path.stat().st_size, path.name)
        served = path.read_bytes()
    if path.name.lower().endswith(".gz") and served:
        served = _unpacked(served, path.name)
    if not served:
        raise InputError(f"{path.name} is empty (0 bytes); deliver it again or leave it out")
    return served


def _checked(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"there is no file or folder {str(path)!r}; check --from")
    if not path.name.isprintable():
        raise InputError(f"the file name {path.name!r} holds control characters; rename the file")
    if not path.is_file():
        raise InputError(f"{path.name} is not a regular file; give files or one folder of files")
    if not path.name.lower().endswith(SUFFIXES):
        raise InputError(f"{path.name} is no file of bars; its name must end in {_known()}")
    return path


def _inside(entry: Path, root: Path) -> Path:
    if entry.is_symlink():
        if not entry.exists():
            raise InputError(f"{entry.name!r} is a link that leads nowhere; remove it")
        if not entry.resolve().is_relative_to(root):
            raise InputError(
                f"{entry.name!r} is a link that leads outside the folder; copy the file"
            )
    return _checked(entry)


def _unpacked(packed: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=BytesIO(packed)) as file:
            served = file.read(MAX_BYTES + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{name} is truncated or no sound gzip file; deliver it again") from error
    _check_size(len(served), name)
    return served


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise InputError(f"{name} holds more than {MAX_BYTES:,} bytes; split it")


def _known() -> str:
    return f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


@contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{name!r} cannot be read: {error.strerror}; check --from") from error
