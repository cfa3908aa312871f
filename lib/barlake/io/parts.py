"""An object of a store as a file that can be read from anywhere."""

import os
from collections.abc import Callable
from io import RawIOBase


class Parts(RawIOBase):
    """A file of `size` bytes, whose bytes [start, end) `fetched` gives."""

    def __init__(self, fetched: Callable[[int, int], bytes], size: int) -> None:
        self._fetched = fetched
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Give where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a place, counted from the start, from here or from the end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Fill the buffer with what comes next; give how many bytes that were."""
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        found = self._fetched(self._at, end)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
