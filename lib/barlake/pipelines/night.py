"""All steps of a night in one Spark session."""

from collections.abc import Sequence

from barlake.landing import Batch
from barlake.pipelines.asking import fetched_rest, minutes_of, pending, planned
from barlake.pipelines.parity import run_comparisons
from barlake.pipelines.stages import (
    run_gold,
    run_ingest,
    run_optimize,
    run_silver,
)
from barlake.pipelines.underway import Night, Wanted
from barlake.sources.source import Source


def run(night: Night, source: Source, wanted: Wanted, universe: Sequence[str]) -> None:
    """Plan, fetch, ingest, silver, gold, reconcile, compare with the stream, optimize."""
    with night.progress.step("plan"):
        requests = planned(night, source, wanted, universe)
    with night.progress.step("fetch"):
        batches = minutes_of(fetched_rest(night, source, requests, wanted))
    waiting = pending(night.lake)
    run_ingest(night, [*batches, *_others(waiting, batches)])
    run_silver(night, [], is_new=bool(waiting))
    run_gold(night)
    run_comparisons(night)
    run_optimize(night)


def _others(batches: Sequence[Batch], known: Sequence[Batch]) -> list[Batch]:
    names = {batch.name for batch in known}
    return [batch for batch in batches if batch.name not in names]
