"""What a failed question to Yahoo means: an exception -> an outcome, and whether to ask again."""

from dataclasses import dataclass

from yfinance.exceptions import (
    YFDataException,
    YFPricesMissingError,
    YFRateLimitError,
)

from barlake.model.landed import Outcome
from barlake.sources.pace import SpentError
from barlake.sources.yahoo_session import SAID_MAX, RefusedError

TOO_MANY = 429
NOT_FOUND = "Not Found"
BAD_REQUEST = "Bad Request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why there is no payload; `is_passing` where asking again may help.

    An answer without a price is `EMPTY_UNEXPECTED`: the calendar is not asked here.
    """

    outcome: Outcome
    said: str
    is_passing: bool

    @property
    def is_refusal(self) -> bool:
        """Whether Yahoo gave no answer at all: what leaves it alone after a while."""
        is_lost = self.outcome is Outcome.ERROR and self.is_passing
        return is_lost or self.outcome is Outcome.RATE_LIMITED

    @property
    def is_outage(self) -> bool:
        """Whether Yahoo gave no answer, and may give one when it was left alone for a while."""
        return self.is_refusal and self.is_passing


class FailedError(Exception):
    """A question that brought no payload; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.said)
        self.fault = fault


def judged(cause: Exception, *, status: int | None) -> Fault:
    """Tell what an exception out of yfinance means, by its type and what Yahoo gave as reason.

    Args:
        cause: What was raised.
        status: HTTP status of the newest chart; None where there was none.
    """
    said = f"{type(cause).__name__}: {cause}".strip()[:SAID_MAX]
    match cause:
        case RefusedError():
            return _refused(cause)
        case YFPricesMissingError():
            return _missing(cause, status)
        case SpentError() | YFRateLimitError():
            is_passing = isinstance(cause, YFRateLimitError)
            return Fault(outcome=Outcome.RATE_LIMITED, said=said, is_passing=is_passing)
    # A broken connection, text that is no JSON, or JSON of another shape: all three come and go.
    # What yfinance says on purpose, other than that Yahoo is down, stays.
    is_odd = isinstance(cause, OSError | ValueError | LookupError | TypeError | YFDataException)
    return Fault(outcome=Outcome.ERROR, said=said, is_passing=is_odd)


def _refused(cause: RefusedError) -> Fault:
    said = f"{cause.status} {cause.said}".strip()
    if cause.status == TOO_MANY:
        return Fault(outcome=Outcome.RATE_LIMITED, said=said, is_passing=True)
    if cause.code == NOT_FOUND:
        return Fault(outcome=Outcome.UNKNOWN_TICKER, said=said, is_passing=False)
    if cause.code == BAD_REQUEST:
        # "Data doesn't exist for startDate": before a listing, or nothing yet.
        return Fault(outcome=Outcome.EMPTY_UNEXPECTED, said=said, is_passing=False)
    is_final = bool(cause.code) and cause.status < 500
    return Fault(outcome=Outcome.ERROR, said=said, is_passing=not is_final)


def _missing(cause: YFPricesMissingError, status: int | None) -> Fault:
    """A chart that holds no prices: with status 200 there are none, else it was no chart."""
    if status is not None and status >= 400:
        said = f"{status} {cause.yahoo_reason or 'no chart'}"
        return Fault(outcome=Outcome.ERROR, said=said[:SAID_MAX], is_passing=True)
    reason = cause.yahoo_reason or "no price in the answer"
    return Fault(outcome=Outcome.EMPTY_UNEXPECTED, said=str(reason)[:SAID_MAX], is_passing=True)
