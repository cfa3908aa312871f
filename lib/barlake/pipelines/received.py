"""What a batch received, for the quality gate: of this run's ingest, and of runs before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.model import ops, silver
from barlake.model.landed import Outcome
from barlake.pipelines.ingest import Ingested
from barlake.pipelines.silver import is_minute
from barlake.transforms.refusals import refused_at

COUNTED = ("ticker", "session_date", "received", "quarantined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a batch received, where something was: rows by fate, in all and by session.

    `refused` are the rows that were refused: ticker, session_date, ts. `due` are the answered
    requests that should have brought rows (ticker, range_start), where nothing came.
    """

    audit: DataFrame
    counts: Mapping[str, int] = field(default_factory=dict)
    refused: DataFrame | None = None
    due: DataFrame | None = None


def received_by(lake: Lake, ingested: Ingested | None, runs: Sequence[str]) -> Received:
    """Tell what an ingest of this run, and those of earlier `runs`, received."""
    before = _received_before(lake, runs)
    if ingested is None:
        return before
    counts = {name: n + before.counts.get(name, 0) for name, n in ingested.counts.items()}
    due = None
    if counts["received"] == 0:
        brings = [Outcome.OK.value, Outcome.EMPTY_UNEXPECTED.value]
        due = ingested.requests.where(F.col("outcome").isin(brings))
    refused = [r for r in (before.refused, ingested.refused) if r is not None]
    return Received(
        counts=counts,
        audit=before.audit.unionByName(ingested.audit.select(*COUNTED)),
        refused=reduce(DataFrame.unionByName, refused) if counts["quarantined"] else None,
        due=due,
    )


def _received_before(lake: Lake, runs: Sequence[str]) -> Received:
    of_runs = F.col("run_id").isin(list(runs))
    audit = lake.read(ops.INGEST_AUDIT, of_runs).select(*COUNTED)
    if not runs:
        return Received(audit=audit)
    sums = [F.sum(name).alias(name) for name in ("received", "quarantined")]
    [counts] = arrow.rows(audit.agg(*sums))
    stored = lake.read(silver.QUARANTINE, of_runs & is_minute())
    refused = refused_at(stored, zone=calendar.EXCHANGE_ZONE)
    return Received(
        counts={name: int(n or 0) for name, n in counts.items()}, audit=audit, refused=refused
    )
