"""Objects below a lake's root: put, put once, get, list; in a folder or in a bucket."""

from typing import BinaryIO, Protocol

from barlake.io.access import Access
from barlake.io.folder import Folder
from barlake.io.listed import Listed
from barlake.model.errors import InputError

BUCKET_SCHEME = "s3a://"


class Store(Protocol):
    """What holds a lake; names are relative to its root, with slashes."""

    def __hash__(self) -> int:
        """Tell stores apart."""

    @property
    def access(self) -> Access | None:
        """How the store is reached; None for a folder."""

    @property
    def address(self) -> str:
        """Where it is, as a user names it: an absolute path, or s3a://bucket/prefix."""

    def path(self, name: str) -> str:
        """Give the whole address of an object, for Spark and DuckDB."""

    def below(self, name: str) -> "Store":
        """Give the store whose root is the folder `name` of this one."""

    def names(self, folder: str) -> list[str]:
        """List the files below `folder` at any depth, sorted; none where it is absent."""

    def listed(self, folder: str) -> list[Listed]:
        """Give the files below `folder` as `names` has them, each with its size and time."""

    def exists(self, name: str) -> bool:
        """Tell whether the object, or a folder of that name, is there."""

    def get(self, name: str) -> bytes:
        """Read an object."""

    def open(self, name: str) -> BinaryIO:
        """Open an object for reading, of which only the parts that are read are fetched."""

    def put_once(self, name: str, content: bytes) -> bool:
        """Write an object whole or not at all; False where it is there already."""

    def put(self, name: str, content: bytes) -> bool:
        """Write an object in place of another, whole or not at all; False where it is the same."""

    def digest(self, folder: str) -> str:
        """Give a SHA-256 that changes with the files below `folder`, their names or contents."""

    def copy(self, folder: str, into: str) -> None:
        """Give the files below `folder` again below the folder `into`; none where it is absent."""

    def remove(self, name: str) -> None:
        """Remove an object, or a folder with all that is in it; nothing where it is absent."""


def open_store(root: str, access: Access) -> Store:
    """Give the store below `root`: a folder's path, or s3a://bucket/prefix.

    Raises:
        InputError: `root` is neither, or a file stands there.
    """
    if not root:
        raise InputError("the lake has no name; give a folder, or s3a://bucket/prefix")
    if root.startswith(BUCKET_SCHEME):
        from barlake.io.bucket import Bucket  # noqa: PLC0415 - a lake in a folder needs no boto3

        return Bucket.at(root, access)
    if "://" in root:
        raise InputError(f"the lake {root} is no folder; give one, or s3a://bucket/prefix")
    return Folder.at(root)
