"""What Yahoo is asked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from barlake.model.errors import InputError
from barlake.model.landed import ENDS_ID, Kind
from barlake.sources.source import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question: a ticker's bars, or events, over [start, end), asked at an instant; all UTC."""

    ticker: str
    start: datetime
    end: datetime
    at: datetime
    kind: Kind

    @property
    def request_id(self) -> str:
        """Give the name of the question; its end tells its kind."""
        names = ("yahoo", self.ticker, self.start, self.end, self.at)
        digest = sha256("/".join(map(str, names)).encode()).hexdigest()[:32]
        return digest + ENDS_ID[self.kind]


def asked_of(request: Request, now: datetime, kind: Kind) -> Asked:
    """Make a question of a request.

    Raises:
        InputError: The request names no ticker or no range.
    """
    if request.ticker is None or request.start is None or request.end is None:
        raise InputError(f"a vendor is asked for a ticker and a range, not for {request}")
    start, end = request.start.astimezone(UTC), request.end.astimezone(UTC)
    at = now.astimezone(UTC)
    return Asked(ticker=request.ticker, start=start, end=end, at=at, kind=kind)
