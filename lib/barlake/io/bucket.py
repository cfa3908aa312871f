"""A lake in a bucket of an object store."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from hashlib import sha256
from io import BufferedReader
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError

from barlake.io.access import Access
from barlake.io.listed import Listed
from barlake.io.parts import Parts
from barlake.io.s3_errors import told
from barlake.model.errors import InputError

# What AWS allows as a name, which every other store does as well.
_ADDRESS = re.compile(r"s3a://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9_=+-][\w.=+-]*)*)/?")
_CONTENT = "barlake-sha256"
_DELETED_AT_ONCE = 1000
_READ_AT_ONCE = 65536


class TakenError(Exception):
    """An object of that name is there already."""


class CrossedError(Exception):
    """Another put of that name was under way."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Objects of one bucket below a prefix, which is empty or ends in a slash."""

    access: Access
    bucket: str
    prefix: str

    @classmethod
    def at(cls, address: str, access: Access) -> "Bucket":
        """Give the store at s3a://bucket/prefix.

        Raises:
            InputError: The address is malformed.
        """
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise InputError(f"the lake {address} names no bucket; write s3a://bucket/prefix")
        prefix = found[2].strip("/")
        return cls(access, found[1], f"{prefix}/" if prefix else "")

    @property
    def address(self) -> str:
        """The address that it was opened by, without a slash at its end."""
        return self.path("").rstrip("/")

    def path(self, name: str) -> str:
        """Give the whole address of an object, for Spark."""
        return f"s3a://{self.bucket}/{self.prefix}{name}"

    def below(self, name: str) -> "Bucket":
        """Give the store whose root is the folder `name` of this one."""
        return Bucket(self.access, self.bucket, f"{self.prefix}{name}/")

    def names(self, folder: str) -> list[str]:
        """List the objects below `folder` at any depth, sorted; none where it is absent.

        What Hadoop puts where a folder is empty, a name that ends in a slash, is none.
        """
        return [found.name for found in self.listed(folder)]

    def listed(self, folder: str) -> list[Listed]:
        """Give the objects below `folder` as `names` has them, each with its size and time."""
        found = [
            Listed(
                str(entry["Key"]).removeprefix(self.prefix), entry["Size"], entry["LastModified"]
            )
            for entry in self._listed(folder)
        ]
        return sorted((f for f in found if not f.name.endswith("/")), key=lambda f: f.name)

    def exists(self, name: str) -> bool:
        """Tell whether the object, or one in a folder of that name, is there."""
        return self._head(name) is not None or next(self._listed(name), None) is not None

    def get(self, name: str) -> bytes:
        """Read an object.

        Raises:
            FileNotFoundError: It is not there.
        """
        return bytes(self._object("get_object", name)["Body"])

    def open(self, name: str) -> BinaryIO:
        """Open an object for reading, of which only the parts that are read are fetched.

        Raises:
            FileNotFoundError: It is not there.
        """
        size = int(self._object("head_object", name)["ContentLength"])
        return cast("BinaryIO", BufferedReader(Parts(self._part(name), size), _READ_AT_ONCE))

    def put_once(self, name: str, content: bytes) -> bool:
        """Write an object; False where it is there already: the store decides, at once for all."""
        try:
            self._object("put_object", name, Body=content, IfNoneMatch="*")
        except TakenError:
            return False
        except CrossedError:  # S3's word for two puts that met, of which it may have done neither
            return self.put_once(name, content)
        return True

    def put(self, name: str, content: bytes) -> bool:
        """Write an object in place of another; False where it is the same."""
        digest = sha256(content).hexdigest()
        head = self._head(name)
        if head is not None and head["Metadata"].get(_CONTENT) == digest:
            return False
        self._object("put_object", name, Body=content, Metadata={_CONTENT: digest})
        return True

    def digest(self, folder: str) -> str:
        """Give the SHA-256 of the names and ETags of the objects below `folder`."""
        known = sorted((entry["Key"], entry["ETag"]) for entry in self._listed(folder))
        return sha256(repr(known).encode()).hexdigest()

    def copy(self, folder: str, into: str) -> None:
        """Give the objects below `folder` again below `into`: the store copies by itself."""
        for name in self.names(folder):
            source = {"Bucket": self.bucket, "Key": f"{self.prefix}{name}"}
            self._object("copy_object", into + name.removeprefix(folder), CopySource=source)

    def write(self, name: str, content: bytes) -> None:
        """Write an object, whatever was there."""
        self._object("put_object", name, Body=content)

    def delete(self, name: str) -> None:
        """Remove one object; nothing where it is absent."""
        self._object("delete_object", name)

    def remove(self, name: str) -> None:
        """Remove an object, or a folder with all that is in it; nothing where it is absent.

        Raises:
            OSError: The store keeps one of them.
        """
        keys = [f"{self.prefix}{name}", *(entry["Key"] for entry in self._listed(name))]
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            doomed = [{"Key": key} for key in keys[start : start + _DELETED_AT_ONCE]]
            done = self._call("delete_objects", Delete={"Objects": doomed, "Quiet": True})
            if kept := done.get("Errors"):
                raise OSError(f"{self.path(name)} is not removed: {kept[0]['Message']}")

    def age(self, name: str) -> float | None:
        """Give for how many seconds, by the store's own clock, the object has been there as it is.

        None where it is absent.
        """
        head = self._head(name)
        if head is None:
            return None
        now = parsedate_to_datetime(head["ResponseMetadata"]["HTTPHeaders"]["date"])
        return float((now - head["LastModified"]).total_seconds())

    def _part(self, name: str) -> Callable[[int, int], bytes]:
        def fetched(start: int, end: int) -> bytes:
            span = f"bytes={start}-{end - 1}"
            return bytes(self._object("get_object", name, Range=span)["Body"])

        return fetched

    def _listed(self, folder: str) -> Iterator[dict[str, Any]]:
        prefix = f"{self.prefix}{folder}/" if folder else self.prefix
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=prefix, **more)
            yield from page.get("Contents", [])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _head(self, name: str) -> dict[str, Any] | None:
        try:
            return self._object("head_object", name)
        except FileNotFoundError:
            return None

    def _object(self, operation: str, name: str, **arguments: object) -> dict[str, Any]:
        return self._call(operation, Key=f"{self.prefix}{name}", **arguments)

    def _call(self, operation: str, **arguments: object) -> dict[str, Any]:
        try:
            call = getattr(self.access.client(), operation)
            done = dict(call(Bucket=self.bucket, **arguments))
            if "Body" in done:
                done["Body"] = done["Body"].read()
            return done
        except ClientError as error:
            where = f"s3a://{self.bucket}/{arguments.get('Key', self.prefix)}"
            code = error.response.get("Error", {}).get("Code")
            if code in ("404", "NoSuchKey"):
                raise FileNotFoundError(where) from None
            if code in ("412", "PreconditionFailed"):
                raise TakenError(where) from None
            if code in ("409", "ConditionalRequestConflict"):
                raise CrossedError(where) from None
            raise told(error, where) from error
        except BotoCoreError as error:
            raise told(error, self.address) from error
