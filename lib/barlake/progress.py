"""Progress of long work, on standard error, for people at a terminal."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.status import Status

Item = TypeVar("Item")


@dataclass(slots=True)
class Progress:
    """Shows what goes on, and keeps how long each step took, in seconds."""

    is_shown: bool = field(default_factory=sys.stderr.isatty)
    seconds: dict[str, float] = field(default_factory=dict)
    _inner: float = 0.0
    _status: "Status | None" = None

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step; a spinner turns meanwhile where somebody looks.

        A step inside another counts for itself alone, so that all of them add up.
        """
        began, outer = time.monotonic(), self._inner
        self._inner = 0.0
        try:
            with self._spinning(name):
                yield
        finally:
            took = time.monotonic() - began
            own = took - self._inner
            self.seconds[name] = round(self.seconds.get(name, 0.0) + own, 3)
            self._inner = outer + took

    def each(self, name: str, items: Sequence[Item]) -> Iterator[Item]:
        """Go through `items`, counting beside the spinner where somebody looks."""
        for at, item in enumerate(items, start=1):
            if self._status is not None:
                self._status.update(f"{name} {at} of {len(items)}")
            yield item

    @contextmanager
    def _spinning(self, name: str) -> Iterator[None]:
        if not self.is_shown:
            yield
            return
        from rich.console import Console  # noqa: PLC0415 - only where somebody looks

        with Console(stderr=True).status(name) as self._status:
            yield
        self._status = None
