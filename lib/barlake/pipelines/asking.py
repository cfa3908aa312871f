"""What is asked for, and what waits: requests -> landing/."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from pyspark.sql import functions as F

from barlake import calendar, landing, releases
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import ops
from barlake.model.landed import RELEASE_SOURCE, Facts, Kind, Outcome, Release
from barlake.pipelines.asked import (
    settled_since,
    still_wanted,
    unanswered,
    with_refused,
    withheld,
)
from barlake.pipelines.fetch import fetch, whole_range
from barlake.pipelines.plan import plan, plan_in_reach, plan_range, seen_before, set_aside
from barlake.pipelines.underway import Night, Wanted
from barlake.sources.source import ActionsSource, DailySource, Request, Source

BEFORE_ALL = datetime(1900, 1, 1, tzinfo=UTC)


def planned(night: Night, source: Source, wanted: Wanted, universe: Sequence[str]) -> list[Request]:
    """Give the requests for a range, or for whatever the lake lacks; none for files."""
    lake, settings = night.lake, night.settings.source
    if source.name == "files":
        return []
    if wanted.start and wanted.end:
        return _of_range(night, source, universe, (wanted.start, wanted.end), wanted)
    aside = set_aside(lake, settings)
    night.detail["set_aside"] = [
        {"ticker": name, "reason": aside[name]} for name in sorted({*universe}) if name in aside
    ]
    return plan(lake, settings, [name for name in universe if name not in aside])


def fetched(
    night: Night, source: Source, requests: Sequence[Request], wanted: Wanted
) -> list[Batch]:
    """Land the answers to some requests, and remember those that brought none.

    Beside the minutes: daily bars of the same sessions where a vendor has them, with those that
    were refused before, and the splits and dividends of each ticker's whole history, once; minutes
    bring those that come later.
    """
    return _all_landed(night, source, _of_each_kind(night, source, requests, wanted))


def fetched_rest(
    night: Night, source: Source, requests: Sequence[Request], wanted: Wanted
) -> list[Batch]:
    """Do the same, but for what has landed already.

    Of each kind, what a run has landed since the last session was final, and did not live to
    ingest, is not asked for again.
    """
    asked = _of_each_kind(night, source, requests, wanted)
    return _all_landed(night, source, _left(night, asked) if requests else asked)


def _of_each_kind(
    night: Night, source: Source, requests: Sequence[Request], wanted: Wanted
) -> dict[Kind, Sequence[Request]]:
    asked: dict[Kind, Sequence[Request]] = {} if wanted.is_daily else {Kind.MINUTES: requests}
    is_vendor = isinstance(source, DailySource) and source.name != "files"
    if wanted.is_daily or (is_vendor and night.settings.source.daily):
        told = [] if wanted.start else landing.batches(night.lake.store, Kind.DAILY)
        asked[Kind.DAILY] = with_refused(whole_range(requests), told)
    if isinstance(source, ActionsSource) and not wanted.is_daily:
        asked[Kind.ACTIONS] = _untold(night.lake, requests)
    return asked


def _all_landed(night: Night, source: Source, asked: dict[Kind, Sequence[Request]]) -> list[Batch]:
    batches = [b for kind, each in asked.items() for b in _landed(night, source, each, kind)]
    night.missing += unanswered(batches) + _withheld(night.lake, minutes_of(batches))
    return batches


def _of_range(
    night: Night, source: Source, universe: Sequence[str], days: tuple[date, date], wanted: Wanted
) -> list[Request]:
    """Ask a real vendor for what it still has of a range; daily bars are had without end."""
    if source.name not in landing.REAL or wanted.is_daily:
        return plan_range(night.settings.source, universe, *days)
    reach = plan_in_reach(night.lake, night.settings.source, universe, *days)
    night.detail["lost"] = reach.lost
    return reach.requests


def _left(night: Night, asked: dict[Kind, Sequence[Request]]) -> dict[Kind, Sequence[Request]]:
    lake = night.lake
    closes = [day.close_utc for day in calendar.closed_before(lake.now, 2)]
    since = settled_since(lake.now, closes, night.settings.timing.settle_minutes)
    landed = pending(lake, *asked)
    return {
        kind: still_wanted(each, [b for b in landed if landing.kind_of(b) is kind], since)
        for kind, each in asked.items()
    }


def _withheld(lake: Lake, batches: Sequence[Batch]) -> list[Facts]:
    outcomes = {fact.outcome for batch in batches for fact in batch.facts}
    seen = seen_before(lake) if Outcome.EMPTY_UNEXPECTED in outcomes else set()
    return withheld(batches, seen)


def minutes_of(batches: Iterable[Batch]) -> list[Batch]:
    """Keep the landing files that hold minutes."""
    return [batch for batch in batches if landing.kind_of(batch) is Kind.MINUTES]


def _landed(night: Night, source: Source, asked: Sequence[Request], kind: Kind) -> list[Batch]:
    return fetch(
        night.lake.store,
        source,
        asked,
        per_batch=night.settings.requests_per_batch(source.name),
        progress=night.progress,
        kind=kind,
    )


def _untold(lake: Lake, requests: Sequence[Request]) -> list[Request]:
    """Ask for the whole history of each ticker whose actions nobody has told yet."""
    landed = landing.batches(lake.store, Kind.ACTIONS)
    facts = [fact for batch in landed for fact in batch.facts]
    told = {fact.ticker for fact in facts if fact.outcome is Outcome.OK}
    names = dict.fromkeys(request.ticker for request in requests)
    return [
        Request(ticker=name, start=BEFORE_ALL, end=lake.now) for name in names if name not in told
    ]


def unread(night: Night, kind: Kind, seen: Iterable[str]) -> list[Batch]:
    """Give the landing files of a kind whose names are not `seen`."""
    names = {*seen}
    known = landing.batches(night.lake.store, kind)
    return [batch for batch in known if batch.name not in names]


def pending(lake: Lake, *kinds: Kind) -> list[Batch]:
    """Give the landing files that ops.requests does not name: no run has finished with them.

    Of minutes, where no kind is given. Files of daily bars are never named there.
    """
    landed = [b for kind in kinds or (Kind.MINUTES,) for b in landing.batches(lake.store, kind)]
    named = [b for b in landed if b.source != "files" or landing.kind_of(b) is Kind.MINUTES]
    if not named:
        return []
    known = lake.read(ops.REQUESTS).select("request_id").distinct()
    recorded = {row["request_id"] for row in arrow.rows(known)}
    return [batch for batch in named if batch.facts[0].request_id not in recorded]


def undone(lake: Lake) -> list[Release]:
    """Give the releases that ops.requests does not name: no run has finished with them."""
    taken = releases.landed(lake.store)
    if not taken:
        return []
    known = lake.read(ops.REQUESTS, F.col("source") == RELEASE_SOURCE).select("request_id")
    recorded = {row["request_id"] for row in arrow.rows(known)}
    return [decision for decision in taken if decision.release_id not in recorded]
