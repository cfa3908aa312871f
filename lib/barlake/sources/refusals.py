"""Requests that a simulated vendor answers without a bar, and those that it breaks off."""

from datetime import datetime
from fnmatch import fnmatchcase

from barlake.model.landed import Outcome
from barlake.sources.draws import chance
from barlake.sources.manners import Chance, Manners

Asked = tuple[str, datetime, datetime, datetime]  # ticker, start, end, when; all UTC
Verdict = tuple[Outcome, str]

DELISTED = "No data found, symbol may be delisted"
LIMITED = "Edge: Too Many Requests"
TOO_LONG = "Only {} days worth of 1m granularity data are allowed to be fetched per request."
TOO_OLD = "The requested range must be within the last {} days."


def refusal(asked: Asked, seed: int, manners: Manners) -> Verdict | None:
    """Give the outcome and the vendor's words where it refuses; None where it answers.

    A rate limit hits any request; the ticker is looked at before the range.
    """
    if _is_hit("rate limits", manners.rate_limits, asked, seed):
        return Outcome.RATE_LIMITED, LIMITED
    ticker, start, end, received_at = asked
    if any(fnmatchcase(ticker, pattern) for pattern in manners.unknown_tickers):
        return Outcome.UNKNOWN_TICKER, DELISTED
    if manners.window is not None and end - start > manners.window:
        return Outcome.ERROR, _unavailable(start, end, TOO_LONG.format(manners.window.days))
    if manners.horizon is not None and start < received_at - manners.horizon:
        return Outcome.ERROR, _unavailable(start, end, TOO_OLD.format(manners.horizon.days))
    return None


def rows_before_break(rows: int, asked: Asked, seed: int, manners: Manners) -> int:
    """Give how many rows of the payload arrive; all of them unless it breaks off."""
    if rows < 2 or not _is_hit("partial answers", manners.partial_answers, asked, seed):
        return rows
    return 1 + int((rows - 1) * chance(seed, "break", *asked))


def _is_hit(name: str, manner: Chance[str], asked: Asked, seed: int) -> bool:
    return chance(seed, name, *asked) < manner.rate or asked[0] in manner.at


def _unavailable(start: datetime, end: datetime, why: str) -> str:
    seconds = f"startTime={start.timestamp():.0f} and endTime={end.timestamp():.0f}"
    return f"1m data not available for {seconds}. {why}"
