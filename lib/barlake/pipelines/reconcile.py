"""Minutes held against daily bars -> rows for ops.dq_results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import structlog
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake import calendar, landing
from barlake.io import arrow
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import gold, ref, silver
from barlake.model.landed import Kind
from barlake.pipelines.ingest import keep_calendar
from barlake.pipelines.ledger import served
from barlake.settings import Settings
from barlake.transforms import daily
from barlake.transforms.around import around
from barlake.transforms.reconcile import Bounds, differences, with_reason, with_tolerance
from barlake.transforms.resample import DAY
from barlake.transforms.validity import refused
from barlake.transforms.verdicts import verdicts

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was held against daily bars.

    `findings` are rows of ops.dq_results without `run_id`. `counts` are how many values were
    compared, how many did not hold, how many differ by each reason, and how many daily bars were
    received and refused.
    """

    sessions: list[date]
    findings: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    commits: dict[str, Commit | None] = field(default_factory=dict)


def reconcile(
    lake: Lake, settings: Settings, changed: Sequence[date], new: Sequence[Batch] = ()
) -> Reconciled:
    """Hold sessions against the daily bars that landed, and refuse the daily bars that are wrong.

    Args:
        lake: Where; `gold.bars` must be up to date.
        settings: Of timing and tolerances.
        changed: Sessions whose minutes are to be compared; those without a daily bar are left out.
        new: Landing files of daily bars that no run has looked at: their rows are judged, and their
            sessions are compared too.
    """
    if not changed and not new:
        return Reconciled([])
    keep_calendar(lake)  # daily bars may be the first that a lake gets
    sessions = lake.read(ref.SESSIONS)
    zone = calendar.EXCHANGE_ZONE
    rows = served(lake, _reaching(landing.batches(lake.store, Kind.DAILY), settings, changed, new))
    known = daily.judged(rows, sessions, known_at=lake.now, zone=zone)
    judged = lake.stage("daily_judged", known)
    counts, commits = _refuse(lake, judged, new)
    splits = lake.read(ref.ACTIONS).where(F.col("kind") == "split")
    settle = settings.timing.settle_minutes
    believed = daily.believed_days(judged, splits, zone=zone, settle=settle)
    days = lake.stage("daily", believed)
    targets = _targets(days, judged, changed, new)
    if not targets:
        return Reconciled([], [], counts, commits)
    compared = _compared(lake, settings, days, targets)
    pairs = lake.read(silver.COVERAGE, F.col("session_date").isin(targets))
    findings = arrow.rows(verdicts(compared, pairs))
    found = counts | _counts(compared)
    logger.info("reconciled", sessions=len(targets), **found)
    return Reconciled(targets, findings, found, commits)


def _reaching(
    batches: Sequence[Batch], settings: Settings, changed: Sequence[date], new: Sequence[Batch]
) -> list[Batch]:
    """Leave out what a vendor served of sessions before all that will be looked at."""
    starts = [fact.range_start for batch in new for fact in batch.facts]
    days = [*changed, *(start.date() for start in starts if start)]
    if None in starts:
        return list(batches)  # a file does not say in advance which sessions it holds
    back = settings.reconcile.sessions_back
    first = min(*days, *calendar.sessions_before(min(days), back))
    return [
        batch
        for batch in batches
        if any(fact.range_end is None or fact.range_end.date() >= first for fact in batch.facts)
    ]


def _refuse(
    lake: Lake, judged: DataFrame, new: Sequence[Batch]
) -> tuple[dict[str, int], dict[str, Commit | None]]:
    fresh = judged.where(_of(new))
    bad = F.count(F.when(F.col("rule").isNotNull(), 1))
    [n] = arrow.rows(fresh.agg(F.count("*").alias("received"), bad.alias("quarantined")))
    counts = {name: int(count) for name, count in n.items()}
    if not counts["quarantined"]:
        return counts, {}
    fates = fresh.select("request_id", "row", "rule", "fate", "releases")
    rows = refused(fates, fresh.drop("fate", "releases"))
    return counts, {"silver.quarantine": lake.merge(silver.QUARANTINE, rows)}


def _targets(
    days: DataFrame, judged: DataFrame, changed: Sequence[date], new: Sequence[Batch]
) -> list[date]:
    """Those of the sessions changed, and of the new files, that have a daily bar."""
    fresh = judged.where(_of(new) & F.col("rule").isNull()).select("session_date")
    told = arrow.dates(fresh, "session_date") if new else []
    return sorted({*changed, *told}.intersection(arrow.dates(days, "session_date")))


def _compared(
    lake: Lake, settings: Settings, days: DataFrame, targets: Sequence[date]
) -> DataFrame:
    bounds = settings.reconcile
    first = min(targets[0], *calendar.sessions_before(targets[0], bounds.sessions_back))
    is_near = F.col("session_date").between(F.lit(first), F.lit(targets[-1]))
    these = F.col("session_date").isin(list(targets))
    rows = with_tolerance(
        differences(_held(lake, is_near, first, targets[-1]), days.where(is_near)),
        price=Bounds(**bounds.price.model_dump()),
        volume=Bounds(**bounds.volume.model_dump()),
        sessions_back=bounds.sessions_back,
        sessions_min=bounds.sessions_min,
        deviations=bounds.deviations,
    )
    beside = around(
        lake.read(silver.BARS_1M, these),
        lake.read(ref.SESSIONS),
        usual_minutes=calendar.USUAL_MINUTES,
    )
    return lake.stage("compared", with_reason(rows.where(these), beside))


def _held(lake: Lake, is_near: Column, first: date, last: date) -> DataFrame:
    """The lake's own daily bars, and a row without values where a session was asked for in vain."""
    months = F.col("session_month").between(f"{first:%Y-%m}", f"{last:%Y-%m}")
    own = lake.read(gold.BARS, months & is_near).where(F.col("interval") == DAY)
    bars = own.select("ticker", "session_date", "open", "high", "low", "close", "volume")
    pairs = lake.read(silver.COVERAGE, is_near).select("ticker", "session_date")
    return pairs.join(bars, ["ticker", "session_date"], how="left")


def _counts(compared: DataFrame) -> dict[str, int]:
    why = F.coalesce("reason", F.lit("none"))
    rows = compared.groupBy(why.alias("reason"), "passed").count()
    told = arrow.rows(rows)
    by_reason: Mapping[str, int] = {
        reason: sum(r["count"] for r in told if r["reason"] == reason)
        for reason in sorted({r["reason"] for r in told} - {"none"})
    }
    failed = sum(r["count"] for r in told if not r["passed"])
    return {"compared": sum(r["count"] for r in told), "failed": failed, **by_reason}


def _of(batches: Sequence[Batch]) -> Column:
    return F.col("request_id").isin([f.request_id for batch in batches for f in batch.facts])
