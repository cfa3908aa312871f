"""What the calendar says about an answer: whether it should have held bars, and whether it did."""

from collections.abc import Collection
from datetime import datetime, timedelta

from barlake.calendar import Session, between
from barlake.model.landed import Outcome


def sessions_over(start: datetime, end: datetime) -> list[Session]:
    """Give the sessions that may have bars in [start, end): in UTC, one ends on the next day."""
    return between(start.date() - timedelta(days=1), end.date())


def empty(start: datetime, end: datetime) -> Outcome:
    """Give the outcome of an answer without a bar; `end` is not after the answer came."""
    is_expected = all(
        max(start, session.open_utc) >= min(end, session.close_utc)
        for session in sessions_over(start, end)
    )
    return Outcome.EMPTY_EXPECTED if is_expected else Outcome.EMPTY_UNEXPECTED


def unserved(start: datetime, end: datetime, served: Collection[datetime]) -> list[Session]:
    """Give the sessions that lie in [start, end) as a whole, and of which nothing was served."""
    return [
        session
        for session in sessions_over(start, end)
        if start <= session.open_utc
        and session.close_utc <= end
        and not any(session.open_utc <= ts < session.close_utc for ts in served)
    ]
