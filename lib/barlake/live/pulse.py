"""Whether the stream still writes: told from when it wrote last, and how often before."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

MISSED = 2  # triggers without a row, after which the page is stale


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the page says of the stream.

    `state` is waiting (no row yet), live, stale, or closed (the session's last minute is there).
    `age` and `limit` are seconds: since the stream wrote last, and after how many it is stale.
    """

    state: str
    age: float | None
    limit: float

    def told(self) -> dict[str, Any]:
        """Give it as the page takes it."""
        return {"state": self.state, "age": self.age, "limit": self.limit}


def pulse(emitted: Sequence[float], now: float, *, least: float, is_over: bool) -> Pulse:
    """Tell the stream's state.

    Args:
        emitted: When the last triggers wrote, in seconds since 1970, oldest first.
        now: The time, in the same unit.
        least: Seconds without a row that are never too long.
        is_over: Whether the session's last minute is there.
    """
    gaps = [later - former for former, later in pairwise(emitted)]
    usual = median(gaps) if gaps else least
    limit = round(max(least, (MISSED + 0.5) * usual), 1)
    if not emitted:
        return Pulse("waiting", None, limit)
    age = round(max(now - max(emitted), 0.0), 1)
    if is_over:
        return Pulse("closed", age, limit)
    return Pulse("stale" if age > limit else "live", age, limit)
