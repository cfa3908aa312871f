"""A lake in a folder of this machine."""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO

from barlake.io.listed import Listed
from barlake.model.errors import InputError


@dataclass(frozen=True, slots=True)
class Folder:
    """Files below one folder; names are relative to it, with slashes."""

    root: Path

    @classmethod
    def at(cls, root: str) -> "Folder":
        """Give the store below `root`.

        Raises:
            InputError: A file stands there.
        """
        for path in (Path(root), *Path(root).parents):
            if path.is_file():
                raise InputError(f"the lake {root} cannot be: {path} is a file; give a folder")
        return cls(Path(root).resolve())

    @property
    def access(self) -> None:
        """A folder is reached by its path alone."""

    @property
    def address(self) -> str:
        """The absolute path of the folder."""
        return str(self.root)

    def path(self, name: str) -> str:
        """Give the absolute path of an object, for Spark and DuckDB."""
        return str(self.root / name)

    def below(self, name: str) -> "Folder":
        """Give the store whose root is the folder `name` of this one."""
        return Folder(self.root / name)

    def names(self, folder: str) -> list[str]:
        """List the files below `folder` at any depth, sorted; none where it is absent."""
        found = (self.root / folder).rglob("*")
        return sorted(str(path.relative_to(self.root)) for path in found if path.is_file())

    def listed(self, folder: str) -> list[Listed]:
        """Give the files below `folder` as `names` has them, each with its size and time."""
        found = [(name, (self.root / name).stat()) for name in self.names(folder)]
        return [
            Listed(name, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
            for name, stat in found
        ]

    def exists(self, name: str) -> bool:
        """Tell whether the object, or a folder of that name, is there."""
        return (self.root / name).exists()

    def get(self, name: str) -> bytes:
        """Read an object."""
        return (self.root / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        """Open an object for reading."""
        return (self.root / name).open("rb")

    def put_once(self, name: str, content: bytes) -> bool:
        """Write an object whole or not at all; False where it is there already.

        The content is on disk before the name is: a crash leaves no half object behind a name.
        """
        target = self.root / name
        if target.exists():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with draft.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, target)  # unlike a rename, refuses a name that is taken meanwhile
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    def digest(self, folder: str) -> str:
        """Give the SHA-256 of the files below `folder`: their names and all they hold."""
        whole = sha256()
        for name in self.names(folder):
            with (self.root / name).open("rb") as file:
                whole.update(f"{name}\0{file_digest(file, 'sha256').hexdigest()}\0".encode())
        return whole.hexdigest()

    def put(self, name: str, content: bytes) -> bool:
        """Write an object in place of another, whole or not at all; False where it is the same."""
        target = self.root / name
        if target.is_file() and target.read_bytes() == content:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            draft.write_bytes(content)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return True

    def copy(self, folder: str, into: str) -> None:
        """Give the files below `folder` again below `into`; data files, never changed, as links."""
        origin = self.root / folder
        if origin.is_dir():
            shutil.copytree(origin, self.root / into, copy_function=_shared)

    def remove(self, name: str) -> None:
        """Remove an object, or a folder with all that is in it; nothing where it is absent."""
        target = self.root / name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)


def _shared(source: str, target: str) -> str:
    if source.endswith(".parquet") and "_delta_log" not in source:
        os.link(source, target)
        return target
    return shutil.copy2(source, target)
