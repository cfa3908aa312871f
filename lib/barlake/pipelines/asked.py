"""What of a plan need not be asked, in which order the rest is, and what brought no answer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

from barlake import landing
from barlake.landing import Batch
from barlake.model.landed import Facts, Outcome
from barlake.sources.source import Request

LOST = (Outcome.RATE_LIMITED, Outcome.ERROR)


def in_fair_order(requests: Iterable[Request], night: date) -> list[Request]:
    """Put what expires soonest first, and the tickers in an order that differs every night.

    So that it is not the same tickers that a vendor's patience does not last for.
    """

    def place(request: Request) -> tuple[str, str]:
        drawn = sha256(f"{night} {request.ticker}".encode()).hexdigest()
        return str(request.start), drawn

    return sorted(requests, key=place)


def unknown(requests: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Give the tickers that the vendor did not know when they were last asked for, and its words.

    Args:
        requests: Of ops.requests: `ticker`, `received_at`, `outcome`, `detail`, as far back as an
            unknown ticker is left alone.
    """
    last: dict[str, tuple[datetime, str, str]] = {}
    for row in requests:
        said = (row["received_at"], row["outcome"], row["detail"] or "")
        last[row["ticker"]] = max(last.get(row["ticker"], said), said)
    lost = Outcome.UNKNOWN_TICKER.value
    return {name: words for name, (_, outcome, words) in last.items() if outcome == lost}


def still_wanted(
    requests: Sequence[Request], landed: Iterable[Batch], since: datetime
) -> list[Request]:
    """Leave out what a run that did not live to ingest it has had answered.

    Args:
        requests: What is planned.
        landed: Landing files that no run has finished with.
        since: Answers from before it may lack bars that the vendor has by now; UTC.
    """
    held: dict[str, list[Facts]] = {}
    for fact in (fact for batch in landed for fact in batch.facts):
        if fact.ticker and fact.received_at >= since and fact.outcome not in LOST:
            held.setdefault(fact.ticker, []).append(fact)
    return [r for r in requests if not any(_answers(f, r) for f in held.get(r.ticker or "", ()))]


def with_refused(requests: Iterable[Request], landed: Iterable[Batch]) -> list[Request]:
    """Stretch each ticker's request over what was refused before, and not answered since.

    Args:
        requests: One a ticker.
        landed: All landing files of their kind.
    """
    facts = sorted((f for batch in landed for f in batch.facts), key=lambda fact: fact.received_at)
    refused: dict[str, list[Request]] = {}
    for fact in facts:
        name = fact.ticker or ""
        if fact.outcome in LOST:
            asked = Request(ticker=name, start=fact.range_start, end=fact.range_end)
            refused.setdefault(name, []).append(asked)
        else:
            refused[name] = [r for r in refused.get(name, ()) if not _answers(fact, r)]
    return [_stretched(request, refused.get(request.ticker or "", ())) for request in requests]


def settled_since(now: datetime, closes: Sequence[datetime], settle_minutes: int) -> datetime:
    """Give from when on an answer holds all that a vendor had to say of closed sessions."""
    final = timedelta(minutes=settle_minutes)
    return max((close + final for close in closes if close + final <= now), default=now)


def unanswered(batches: Iterable[Batch]) -> list[Facts]:
    """Give the requests of real vendors that brought nothing, and that must be asked again."""
    real = (batch for batch in batches if batch.source in landing.REAL)
    return [fact for batch in real for fact in batch.facts if fact.outcome in LOST]


def withheld(batches: Iterable[Batch], seen: Collection[str]) -> list[Facts]:
    """Give a real vendor's answers without a bar, where most tickers had none.

    A vendor that refuses with good manners says 200, and nothing: each answer may be true, all of
    them are not.

    Args:
        batches: Of minutes, of one run.
        seen: The tickers that had bars before: of the others to have none is no news.
    """
    facts = [f for b in batches if b.source in landing.REAL for f in b.facts if f.ticker in seen]
    asked = {fact.ticker for fact in facts}
    served = {fact.ticker for fact in facts if fact.outcome is not Outcome.EMPTY_UNEXPECTED}
    if 2 * len(asked - served) <= len(asked):
        return []
    return [fact for fact in facts if fact.outcome is Outcome.EMPTY_UNEXPECTED]


def _stretched(request: Request, over: Iterable[Request]) -> Request:
    both = [request, *over]
    start = min((r.start for r in both if r.start), default=None)
    end = max((r.end for r in both if r.end), default=None)
    return Request(ticker=request.ticker, start=start, end=end)


def _answers(fact: Facts, request: Request) -> bool:
    if not (fact.range_start and fact.range_end and request.start and request.end):
        return False
    return fact.range_start <= request.start and request.end <= fact.range_end
