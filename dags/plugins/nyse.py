"""When the New York Stock Exchange has traded: after each session, or every few minutes in it."""

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

EXCHANGE = "XNYS"
# The longest that it was closed since the calendar begins: six days, in September 2001.
NEAR = timedelta(days=10)
JUST_BEFORE = timedelta(seconds=1)


class MarketSessionTimetable(Timetable):
    """A run for each session, its open and close the interval, `delay_minutes` after the close.

    With `every_minutes` a run for each part of a session of that length, the last one cut at the
    close. Without catch-up the newest part that is over is run, and then each next one. A run that
    is started by hand is for the newest that is over.
    """

    description = "After each session of the New York Stock Exchange"

    def __init__(self, *, delay_minutes: int, every_minutes: int | None = None) -> None:
        self.delay_minutes = delay_minutes
        self.every_minutes = every_minutes

    def serialize(self) -> dict[str, Any]:
        """Give what `deserialize` needs."""
        return {"delay_minutes": self.delay_minutes, "every_minutes": self.every_minutes}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "MarketSessionTimetable":
        """Build the timetable again."""
        return cls(**data)

    @property
    def summary(self) -> str:
        """Say when, in a few words."""
        if self.every_minutes is None:
            return f"{EXCHANGE} close + {self.delay_minutes} min"
        return f"{EXCHANGE} every {self.every_minutes} min + {self.delay_minutes} min"

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """Take the newest part that is over."""
        return max(part for part in self._near(run_after) if part.end <= run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Take the part after the last one that was run."""
        last = last_automated_data_interval
        after = last.end if last else restriction.earliest
        if after is None:
            return None
        if not restriction.catchup:
            due = self.infer_manual_data_interval(run_after=now() - self._delay)
            after = max(after, due.end - JUST_BEFORE)
        part = min(part for part in self._near(after) if part.end > after)
        if restriction.latest and part.start > restriction.latest:
            return None
        return DagRunInfo(run_after=part.end + self._delay, data_interval=part)

    @property
    def _delay(self) -> timedelta:
        return timedelta(minutes=self.delay_minutes)

    def _near(self, moment: pendulum.DateTime) -> list[DataInterval]:
        return [part for session in _sessions_near(moment) for part in self._parts(session)]

    def _parts(self, session: DataInterval) -> list[DataInterval]:
        if self.every_minutes is None:
            return [session]
        step = timedelta(minutes=self.every_minutes)
        ends = [session.start + step]
        while ends[-1] < session.end:
            ends.append(ends[-1] + step)
        return [DataInterval(end - step, min(end, session.end)) for end in ends]


class NysePlugin(AirflowPlugin):
    """Makes the timetable known to Airflow, which takes notice when it starts."""

    name = "nyse"
    timetables = [MarketSessionTimetable]  # noqa: RUF012 - as the base class declares it


def now() -> pendulum.DateTime:
    """Give the time, UTC."""
    return pendulum.now("UTC")


def _sessions_near(moment: pendulum.DateTime) -> list[DataInterval]:
    calendar = _calendar(moment.year)
    days = calendar.sessions_in_range(f"{moment - NEAR:%Y-%m-%d}", f"{moment + NEAR:%Y-%m-%d}")
    return [
        DataInterval(_instant(calendar.session_open(day)), _instant(calendar.session_close(day)))
        for day in days
    ]


@lru_cache(maxsize=4)
def _calendar(year: int) -> "ExchangeCalendar":
    from exchange_calendars import get_calendar  # noqa: PLC0415 - slow, and every parse would pay

    return get_calendar(EXCHANGE, start=f"{year - 1}-12-01", end=f"{year + 1}-01-31")


def _instant(moment: Any) -> pendulum.DateTime:  # noqa: ANN401 - pandas is not to be imported
    instant: pendulum.DateTime = pendulum.instance(moment.to_pydatetime())
    return instant
