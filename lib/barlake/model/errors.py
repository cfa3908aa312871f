"""What we raise on purpose."""

from collections.abc import Iterable
from typing import Any, ClassVar


class BarlakeError(Exception):
    """Base of every error raised on purpose; anything else reaching the top is a bug."""

    exit_code: ClassVar[int] = 1


class InputError(BarlakeError):
    """What was asked for or handed in is wrong; asking again will not help."""

    exit_code = 2


class QualityError(BarlakeError):
    """The data broke a rule that blocks; readers still see the last good state.

    `verdict` is what the gate says of the batch, where it came to one.
    """

    exit_code = 3

    def __init__(self, sentence: str, verdict: dict[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.verdict = verdict


class BusyError(BarlakeError):
    """Another run holds a table; try again later."""

    exit_code = 4

    @classmethod
    def of(cls, what: str, holder: dict[str, Any]) -> "BusyError":
        """Say that `holder` (its `run_id` and `process`, where known) writes `what`."""
        return cls(
            f"{what} is being written by run {holder.get('run_id', 'unknown')} "
            f"(process {holder.get('process', 'unknown')}); wait for it, or end it, and run again"
        )


class TableDeclarationError(BarlakeError):
    """A table's declaration contradicts itself."""


class MissingColumnsError(BarlakeError):
    """A frame lacks columns that a transform or a table needs."""

    def __init__(self, *, where: str, missing: Iterable[str], present: Iterable[str]) -> None:
        super().__init__(f"{where} needs {sorted(missing)}; the frame has {sorted(present)}")
