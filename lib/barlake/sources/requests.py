"""Sessions -> what a vendor is asked at once."""

from collections.abc import Sequence

from barlake.calendar import Session
from barlake.sources.source import Request

DAYS_MAX = 7  # Yahoo serves eight at once; its edge is never asked for


def requests_over(ticker: str, days: Sequence[Session], per_request: int) -> list[Request]:
    """Ask for sessions, given in order, `per_request` of them at once, and 7 days.

    A request starts at the pre-market, so that a vendor's first-row fault touches no wanted bar.
    """
    parts = chunks(days, per_request)
    return [Request(ticker=ticker, start=c[0].first, end=c[-1].last) for c in parts]


def chunks(days: Sequence[Session], per_request: int) -> list[list[Session]]:
    """Cut sessions, given in order, into those that one request brings."""
    parts: list[list[Session]] = []
    for day in days:
        fits = (
            parts
            and len(parts[-1]) < per_request
            and (day.session_date - parts[-1][0].session_date).days < DAYS_MAX
        )
        if fits:
            parts[-1].append(day)
        else:
            parts.append([day])
    return parts
