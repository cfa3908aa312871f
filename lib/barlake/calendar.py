"""exchange_calendars -> sessions: which minutes exist."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from barlake.model.errors import InputError

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

EXCHANGE = "XNYS"
EXCHANGE_ZONE = "America/New_York"
USUAL_MINUTES = 390  # of a session that does not close early
PRE_HOUR, POST_HOUR = 4, 20
FIRST = date(1990, 1, 1)
LAST_YEAR = 2199
CALENDAR_VERSION = f"exchange_calendars {version('exchange_calendars')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading session: `session_date` is exchange-local, [open_utc, close_utc) its minutes."""

    session_date: date
    open_utc: datetime
    close_utc: datetime
    is_early_close: bool

    @property
    def minutes(self) -> int:
        """Regular minutes: 390, 210 on an early close."""
        return int((self.close_utc - self.open_utc) / timedelta(minutes=1))

    @property
    def first(self) -> datetime:
        """04:00 exchange time, UTC: where the pre-market starts."""
        return _local(self.session_date, PRE_HOUR)

    @property
    def last(self) -> datetime:
        """20:00 exchange time, UTC, exclusive: where the post-market ends, early closes too."""
        return _local(self.session_date, POST_HOUR)


def horizon(moment: datetime) -> date:
    """Give the last day that the lake's calendar knows: the end of next year.

    So the table changes once a year, and always knows a year ahead.

    Raises:
        InputError: The moment is beyond what the calendar can tell.
    """
    if moment.year > LAST_YEAR:
        raise InputError(f"the calendar ends in {LAST_YEAR}; {moment.date()} is beyond it")
    return date(moment.year + 1, 12, 31)


@lru_cache(maxsize=4)
def sessions(through: date) -> tuple[Session, ...]:
    """Give every session from 1990 through the day `through`, in order."""
    schedule = _calendar(through).schedule
    early = {day.date() for day in _calendar(through).early_closes}
    days = zip(schedule.index, schedule["open"], schedule["close"], strict=True)
    return tuple(
        Session(
            session_date=day.date(),
            open_utc=opened.to_pydatetime().astimezone(UTC),
            close_utc=closed.to_pydatetime().astimezone(UTC),
            is_early_close=day.date() in early,
        )
        for day, opened, closed in days
    )


def between(start: date, end: date) -> list[Session]:
    """Give the sessions of [start, end], both inclusive."""
    last = horizon(datetime(max(end, FIRST).year, 1, 1, tzinfo=UTC))
    return [day for day in sessions(last) if start <= day.session_date <= end]


def closed_before(moment: datetime, count: int) -> list[Session]:
    """Give the last `count` sessions that had closed at `moment`, in order."""
    known = sessions(horizon(max(moment, datetime(FIRST.year, 1, 1, tzinfo=UTC))))
    closed = [day for day in known if day.close_utc <= moment]
    return closed[len(closed) - min(count, len(closed)) :]


def sessions_before(day: date, count: int) -> list[date]:
    """Give the last `count` sessions before a date, in order."""
    first, _ = day_bounds(day)
    return [session.session_date for session in closed_before(first, count)]


def next_session(session_date: date) -> date:
    """Give the session after a date."""
    ahead = between(session_date + timedelta(days=1), session_date + timedelta(days=14))
    return ahead[0].session_date


def running_at(moment: datetime) -> date | None:
    """Give the session that was open before and at a moment, UTC; None outside of sessions."""
    today = moment.astimezone(ZoneInfo(EXCHANGE_ZONE)).date()
    return next(
        (d.session_date for d in between(today, today) if d.open_utc < moment < d.close_utc), None
    )


def day_bounds(session_date: date) -> tuple[datetime, datetime]:
    """Give 04:00 and 20:00 exchange time of a date, UTC: all that a session's day may hold."""
    return _local(session_date, PRE_HOUR), _local(session_date, POST_HOUR)


def _local(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), ZoneInfo(EXCHANGE_ZONE)).astimezone(UTC)


def _calendar(through: date) -> "ExchangeCalendar":
    from exchange_calendars import get_calendar  # noqa: PLC0415 - brings pandas; --help must not

    return get_calendar(EXCHANGE, start=FIRST.isoformat(), end=through.isoformat())
