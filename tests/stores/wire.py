"""HTTP/1.1 messages as they stand on the wire: read, never rewritten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase

PIECE = 1 << 16


@dataclass(frozen=True)
class Head:
    """A message's first line and fields; `raw` is all of it, the empty line included."""

    raw: bytes
    first: list[str]
    fields: dict[str, str]

    @property
    def keeps_alive(self) -> bool:
        """Say whether the connection may carry a next message."""
        return "HTTP/1.1" in self.first and self.fields.get("connection", "").lower() != "close"


def read_head(stream: BufferedIOBase) -> Head | None:
    """Read up to the empty line; None where the stream ends before it."""
    lines = [stream.readline()]
    while lines[-1].strip():
        lines.append(stream.readline())
    if len(lines) == 1 or not lines[-1]:
        return None
    text = [line.decode("latin-1").strip() for line in lines]
    pairs = (line.partition(":") for line in text[1:-1])
    fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return Head(b"".join(lines), text[0].split(" ", 2), fields)


def body(stream: BufferedIOBase, head: Head) -> Iterator[bytes]:
    """Yield a message's body in pieces, with its chunks' own lines.

    An answer without a length lasts until the stream ends.

    Raises:
        ConnectionError: The stream ended, or made no sense, inside the body.
    """
    if head.fields.get("transfer-encoding", "").lower() == "chunked":
        yield from _chunks(stream)
    elif "content-length" in head.fields:
        yield from _exactly(stream, int(head.fields["content-length"]))
    elif head.first[0].startswith("HTTP/"):
        while piece := stream.read1(PIECE):
            yield piece


def is_bodiless(method: str, status: int) -> bool:
    """Say whether an answer has no body, whatever length it tells."""
    return method == "HEAD" or status in {204, 304}


def _exactly(stream: BufferedIOBase, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.read1(min(size, PIECE))
        if not piece:
            raise ConnectionError("the stream ended inside a body")
        size -= len(piece)
        yield piece


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    size = 1
    while size:
        line = stream.readline()
        if not re.match(rb"[0-9a-fA-F]+\s*(;|\r\n)", line):
            raise ConnectionError("the stream ended between two chunks")
        size = int(line.split(b";")[0], 16)
        yield line
        if size:
            yield from _exactly(stream, size + 2)
    while line := stream.readline():  # trailers, up to the empty line
        yield line
        if not line.strip():
            return
    raise ConnectionError("the stream ended inside the trailers")
