"""The ledger of a replay: which of its messages the broker has acknowledged, and where they lie."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from barlake.model.errors import BusyError, InputError


class Head(NamedTuple):
    """What a ledger is of; its first line.

    `replay` names the replay in the headers of its messages, `digest` is of its events, and `start`
    gives for each partition of the topic the offset from which they may lie.
    """

    replay: str
    topic: str
    digest: str
    events: int
    start: dict[int, int]


@dataclass(slots=True)
class Acknowledged:
    """An open ledger: a line a message, its number among the events, its partition and offset."""

    head: Head
    file: BinaryIO
    numbers: set[int] = field(default_factory=set)
    ends: dict[int, int] = field(default_factory=dict)

    def note(self, number: int, partition: int, offset: int) -> None:
        """Keep that a message was acknowledged."""
        self.file.write(f"{number} {partition} {offset}\n".encode())
        self._count(number, partition, offset)

    def keep(self) -> None:
        """Hand what was noted to the system, so that it outlives this process."""
        self.file.flush()

    def _count(self, number: int, partition: int, offset: int) -> None:
        self.numbers.add(number)
        known = self.ends.get(partition, self.head.start.get(partition, 0))
        self.ends[partition] = max(known, offset + 1)


@contextmanager
def ledger(path: Path, head: Head, *, is_resumed: bool) -> Iterator[Acknowledged]:
    """Open the ledger at `path`: a new one, or where it is resumed the one that is there, if any.

    Raises:
        BusyError: Another replay writes it.
        InputError: It cannot be written, or what is there is of other events, or of another topic.
    """
    with _opened(path) as file:
        _take(file, path)
        lines = _whole_lines(file) if is_resumed else []
        found = _resumed(lines, path, head, file) if lines else Acknowledged(head, file)
        found.ends = {**head.start, **found.head.start, **found.ends}
        if not lines:
            file.truncate(0)
            file.write(json.dumps(head._asdict()).encode() + b"\n")
        try:
            yield found
        finally:
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise InputError(f"the ledger {path} cannot be written: {error.strerror}") from None
    with file:
        yield file


def _take(file: BinaryIO, path: Path) -> None:
    """Hold the ledger; the system lets go of it when this process ends, however it does."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BusyError(
            f"another replay writes {path}; wait for it, or name another --ledger"
        ) from None


def _whole_lines(file: BinaryIO) -> list[bytes]:
    """Give the lines, and cut off what a killed process left of its last one."""
    file.seek(0)
    text = file.read()
    end = text.rfind(b"\n") + 1
    file.truncate(end)
    return text[:end].splitlines()


def _resumed(lines: list[bytes], path: Path, head: Head, file: BinaryIO) -> Acknowledged:
    known = _head(lines[0], path)
    if (known.topic, known.digest, known.events) != (head.topic, head.digest, head.events):
        raise InputError(
            f"{path} is of another replay: of other options, another topic, or bars that were "
            "changed since; give the same again, or begin anew without --resume"
        )
    found = Acknowledged(known, file)
    for at, line in enumerate(lines[1:], start=2):
        try:
            number, partition, offset = map(int, line.split())
        except ValueError:
            raise InputError(_spoiled(path, at)) from None
        found._count(number, partition, offset)
    return found


def _head(line: bytes, path: Path) -> Head:
    try:
        known = Head(**json.loads(line))
        return known._replace(start={int(p): int(o) for p, o in known.start.items()})
    except (ValueError, TypeError, AttributeError):
        raise InputError(_spoiled(path, 1)) from None


def _spoiled(path: Path, line: int) -> str:
    return f"line {line} of {path} is no line of a replay's ledger; begin anew without --resume"
