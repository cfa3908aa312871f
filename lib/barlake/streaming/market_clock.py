"""A line for a person who watches a replay: the market's time, how fast, how far behind."""

import sys
import time
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import structlog

from barlake.calendar import EXCHANGE_ZONE
from barlake.streaming.events import Event
from barlake.streaming.schedule import Schedule

logger = structlog.get_logger()

AT_TERMINAL_SECONDS = 0.2
IN_A_LOG_SECONDS = 30.0


@dataclass(slots=True)
class MarketClock:
    """Tells of a replay on standard error: a line that changes, or one in a log now and then."""

    schedule: Schedule
    events: int
    acknowledged: Sized
    clock: Callable[[], float] = time.monotonic
    _told: float | None = None

    @contextmanager
    def shown(self) -> Iterator[Callable[[Event, int], None]]:
        """Give what is to be called for each event, with its number among all."""
        if not sys.stderr.isatty():
            yield lambda event, number: self._tell(
                lambda: logger.info("replaying", told=self.line(event, number)), IN_A_LOG_SECONDS
            )
            return
        from rich.console import Console  # noqa: PLC0415 - only where somebody looks

        with Console(stderr=True).status("replaying") as status:
            yield lambda event, number: self._tell(
                lambda: status.update(self.line(event, number)), AT_TERMINAL_SECONDS
            )

    def line(self, event: Event, number: int) -> str:
        """Say where a replay is, by the event that was sent last."""
        local = event.at.astimezone(ZoneInfo(EXCHANGE_ZONE))
        speed = f"{self.schedule.speed:g}x" if self.schedule.speed else "unpaced"
        waiting = number + 1 - len(self.acknowledged)
        return (
            f"market time {local:%Y-%m-%d %H:%M}, {speed}, {self.schedule.behind:.1f} s behind, "
            f"{number + 1:,} of {self.events:,} sent, {max(waiting, 0):,} not acknowledged yet"
        )

    def _tell(self, tell: Callable[[], object], every_seconds: float) -> None:
        now = self.clock()
        if self._told is None or now - self._told >= every_seconds:
            self._told = now
            tell()
