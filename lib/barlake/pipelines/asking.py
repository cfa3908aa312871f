"""What is asked for, and what waits: requests -> landing/."""

from collections.abc import Sequence

from pyspark.sql import functions as F

from barlake import calendar, landing, releases
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import ops
from barlake.model.landed import RELEASE_SOURCE, Release
from barlake.pipelines.asked import settled_since, still_wanted, unanswered
from barlake.pipelines.fetch import fetch, whole_range
from barlake.pipelines.plan import plan, plan_range, set_aside
from barlake.pipelines.underway import Night, Wanted
from barlake.sources.source import DailySource, Request, Source


def planned(night: Night, source: Source, wanted: Wanted, universe: Sequence[str]) -> list[Request]:
    """Give the requests for a range, or for whatever the lake lacks; none for files.

    What a run has landed since the last session was final, and did not live to ingest, is not
    asked for again.
    """
    lake, settings = night.lake, night.settings.source
    if source.name == "files":
        return []
    if wanted.start and wanted.end:
        requests = plan_range(settings, universe, wanted.start, wanted.end)
    else:
        aside = set_aside(lake, settings)
        night.detail["set_aside"] = sorted(aside.intersection(universe))
        requests = plan(lake, settings, [name for name in universe if name not in aside])
    closes = [day.close_utc for day in calendar.closed_before(lake.now, 2)]
    since = settled_since(lake.now, closes, night.settings.timing.settle_minutes)
    return still_wanted(requests, pending(lake), since)


def fetched(night: Night, source: Source, requests: Sequence[Request]) -> list[Batch]:
    """Land the answers to some requests, and remember those that brought none."""
    batches = fetch(
        night.lake.store,
        source,
        requests,
        per_batch=night.settings.requests_per_batch(source.name),
        progress=night.progress,
    )
    night.missing += unanswered(batches)
    return batches


def fetched_daily(
    night: Night, source: Source, requests: Sequence[Request], wanted: Wanted
) -> list[Batch]:
    """Land daily bars: those asked for, or those of the same sessions where a vendor has them."""
    is_vendor = isinstance(source, DailySource) and source.name != "files"
    if not wanted.is_daily and not (is_vendor and night.settings.source.daily):
        return []
    return fetch(
        night.lake.store,
        source,
        whole_range(requests),
        per_batch=night.settings.source.requests_per_batch,
        progress=night.progress,
        is_daily=True,
    )


def pending(lake: Lake) -> list[Batch]:
    """Give the landing files that ops.requests does not name: no run has finished with them."""
    known = lake.read(ops.REQUESTS).select("request_id").distinct()
    recorded = {row["request_id"] for row in arrow.rows(known)}
    return [b for b in landing.batches(lake.store) if b.facts[0].request_id not in recorded]


def undone(lake: Lake) -> list[Release]:
    """Give the releases that ops.requests does not name: no run has finished with them."""
    taken = releases.landed(lake.store)
    if not taken:
        return []
    known = lake.read(ops.REQUESTS, F.col("source") == RELEASE_SOURCE).select("request_id")
    recorded = {row["request_id"] for row in arrow.rows(known)}
    return [decision for decision in taken if decision.release_id not in recorded]
