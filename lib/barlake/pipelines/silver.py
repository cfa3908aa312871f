"""bronze.bars -> silver.bars_1m, silver.coverage."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import structlog
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.model import ref, silver
from barlake.model.errors import QualityError
from barlake.pipelines.ledger import confirmations, held_revisions, requests_of
from barlake.settings import Settings
from barlake.sources.source import DAILY_REQUEST
from barlake.transforms.belief import has_unconfirmed, with_confirmations
from barlake.transforms.coverage import coverage
from barlake.transforms.delivered import per_session
from barlake.transforms.fill import EXTENDED, FILLED, OBSERVED
from barlake.transforms.served import instant
from barlake.transforms.states import belief, counts, pairs, states

logger = structlog.get_logger()

Gate = Callable[[DataFrame], None]
# What of the staged is merged: silver.bars_1m is the one, silver.coverage both.
STAGED = ("states", "counts")


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: the sessions looked at, and the commits made."""

    sessions: list[date]
    commits: dict[str, Commit | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Staged:
    """What is to be published of some sessions: every minute, and counts for the coverage."""

    minutes: DataFrame
    counts: DataFrame


def build_silver(
    lake: Lake,
    settings: Settings,
    sessions: Sequence[date],
    *,
    requests: DataFrame | None = None,
    gate: Gate | None = None,
) -> Published:
    """Work out some sessions anew from the ledger, and merge what differs.

    Args:
        lake: Where.
        settings: Of timing and coverage.
        sessions: Session dates.
        requests: Requests that ops.requests does not name yet.
        gate: Called with what is staged, before anything is published; it stops the run by raising
            QualityError.
    """
    if not sessions:
        return Published([])
    staged = stage_silver(lake, settings, sessions, requests=requests)
    if gate is not None:
        judge_staged(lake, staged.minutes, gate, STAGED)
    these = F.col("session_date").isin(list(sessions))
    minutes = staged.minutes.where(F.col("state") != EXTENDED)
    rows = staged.minutes.where(F.col("state").isin(OBSERVED, FILLED, EXTENDED))
    commits = {
        "silver.bars_1m": lake.merge(silver.BARS_1M, rows, these),
        "silver.coverage": lake.merge(silver.COVERAGE, coverage(minutes, staged.counts), these),
    }
    logger.info("published", table="silver.bars_1m", sessions=len(sessions))
    return Published(list(sessions), commits)


def stage_silver(
    lake: Lake, settings: Settings, sessions: Sequence[date], *, requests: DataFrame | None
) -> Staged:
    """Work out some sessions anew from the ledger; nothing is published.

    The arguments are those of `build_silver`.
    """
    days = lake.read(ref.SESSIONS).where(F.col("session_date").isin(list(sessions)))
    revisions = _revisions(lake, settings, sessions)
    refused = _refused(lake)
    asked = _requests(lake, sessions, requests)
    timing = {"settle_minutes": settings.timing.settle_minutes}
    zone = calendar.EXCHANGE_ZONE
    bars = lake.stage("belief", belief(revisions, asked, days, zone=zone, **timing))
    known = lake.stage("pairs", pairs(per_session(asked, days, **timing), revisions, days))
    minutes = lake.stage("states", states(bars, known, refused, **settings.coverage.model_dump()))
    counted = lake.stage("counts", counts(revisions, refused, days, zone=zone))
    return Staged(minutes, counted)


def judge_staged(lake: Lake, staged: DataFrame, gate: Gate, names: Sequence[str]) -> None:
    """Pass what is staged through the gate, so that what is merged afterwards are the same bytes.

    Args:
        lake: Where.
        staged: What is judged.
        gate: See `build_silver`.
        names: Of all that is staged and will be merged.

    Raises:
        QualityError: By the gate, or because the staged files changed meanwhile.
    """
    judged = [lake.staged_digest(name) for name in names]
    gate(staged)
    if [lake.staged_digest(name) for name in names] != judged:
        raise QualityError("what is staged changed after it was judged; run it again")


def is_minute() -> Column:
    """Hold for a row of silver.quarantine that did not come as a daily bar."""
    return ~F.col("request_id").rlike(rf"{DAILY_REQUEST}(/[0-9]+)?$")


def _revisions(lake: Lake, settings: Settings, sessions: Sequence[date]) -> DataFrame:
    """The ledger of some sessions; the landing files are asked only for bars not yet final."""
    held = held_revisions(lake, sessions)
    settle = settings.timing.settle_minutes
    if has_unconfirmed(held, settle_minutes=settle).isEmpty():
        return held.withColumn("confirmed_at", F.col("fetched_at"))
    told = confirmations(lake, settings, sessions)
    return lake.stage("revisions", with_confirmations(held, told))


def _requests(lake: Lake, sessions: Sequence[date], new: DataFrame | None) -> DataFrame:
    known = requests_of(lake, sessions)
    if new is None:
        return known
    keys = ["request_id", "ticker", "received_at"]
    return known.join(new, keys, how="left_anti").unionByName(new.select(*known.columns))


def _refused(lake: Lake) -> DataFrame:
    rows = lake.read(silver.QUARANTINE).where(F.col("released_at").isNull() & is_minute())
    return rows.select("ticker", instant("ts_text").alias("ts")).where(F.col("ts").isNotNull())
