"""What every command takes, and the clock that goes with it."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What every command takes; None where it was not given."""

    lake: str | None = None
    environment: str | None = None
    as_of: datetime | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """The run's time, UTC: the machine's, or the one instant that was given."""

    as_of: datetime | None

    def now(self) -> datetime:
        """Give the time."""
        return self.as_of or datetime.now(UTC)
