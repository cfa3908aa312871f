"""The quality gate: between what is staged and what is published."""

from collections.abc import Sequence
from datetime import date, timedelta

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake import calendar
from barlake.checks.judgement import Batch, Judgement, judgement
from barlake.io import arrow
from barlake.io.frozen import frozen
from barlake.io.lake import Lake
from barlake.model import gold, ref, silver
from barlake.pipelines.received import Received
from barlake.settings import Settings
from barlake.transforms.facts import marked, session_facts
from barlake.transforms.neighbours import with_neighbours
from barlake.transforms.refusals import (
    FACTS_DDL,
    batch_facts,
    sessions_behind,
    with_batch,
    with_refusals,
)
from barlake.transforms.resample import DAY

logger = structlog.get_logger()

FOLDER = "pages/quality"
# Twenty sessions and the holidays between them.
LOOK_BACK = timedelta(days=45)
# How many sessions a batch may be found to be behind: a month says enough.
SESSIONS_BEHIND = 20


def judge_batch(
    lake: Lake,
    settings: Settings,
    staged: DataFrame | None,
    received: Received,
    sessions: Sequence[date],
) -> Judgement:
    """Hold a batch against every limit, and write the report; nothing is raised.

    Args:
        lake: Where.
        settings: Of quality and timing.
        staged: Rows of `states.states`; None where no row was good enough to stage one.
        received: What the batch brought.
        sessions: Its session dates, in order.
    """
    newest = sessions[-1] if sessions else lake.now.date()
    rows = None if staged is None else _marked(staged, settings)
    facts = frozen(_facts(lake, settings, rows, received, sessions))
    batch = batch_facts(
        received.counts,
        asked=0 if received.due is None else received.due.count(),
        received_min=settings.quality.received_min,
    ) | _behind(lake, settings, facts)
    whole = with_batch(facts, lake.spark.range(1), batch, newest=newest)
    told = judgement(
        whole,
        rows,
        _named(facts, received),
        settings.quality,
        Batch(run_id=lake.run_id, now=lake.now, newest=newest),
    )
    name = f"{FOLDER}/{lake.run_id}/index.html"
    lake.store.put(name, told.html.encode())
    verdict = told.verdict
    logger.info("judged", verdict=verdict.status, broken=len(verdict.failed), report=name)
    return told.at(name)


def _marked(staged: DataFrame, settings: Settings) -> DataFrame:
    return marked(staged, zone=calendar.EXCHANGE_ZONE, unit_ratio=settings.quality.unit_ratio)


def _facts(
    lake: Lake,
    settings: Settings,
    rows: DataFrame | None,
    received: Received,
    sessions: Sequence[date],
) -> DataFrame:
    conf = settings.quality
    if rows is None:
        return lake.spark.createDataFrame([], FACTS_DDL)
    settle = settings.timing.settle_minutes
    facts = session_facts(rows, now=lake.now, settle_minutes=settle)
    beside = with_neighbours(
        facts,
        _held(lake, sessions),
        lake.read(ref.ACTIONS).where(F.col("kind") == "split"),
        unit_ratio=conf.unit_ratio,
        history_min=conf.history_min,
    )
    return with_refusals(beside, received.audit, received.refused, received_min=conf.received_min)


def _behind(lake: Lake, settings: Settings, facts: DataFrame) -> dict[str, float | None]:
    """Hold the batch's newest bar of a vendor against the sessions that are over."""
    newest = _newest(facts.where(F.col("vendor_ts").isNotNull()))
    settled = lake.now - timedelta(minutes=settings.timing.settle_minutes)
    closed = [day.session_date for day in calendar.closed_before(settled, SESSIONS_BEHIND)]
    is_current = newest is None or not closed or newest >= closed[-1]
    published = None if is_current else _newest(lake.read(silver.COVERAGE, F.col("observed") > 0))
    return sessions_behind(newest, published, closed)


def _newest(rows: DataFrame) -> date | None:
    [row] = arrow.rows(rows.agg(F.max("session_date").alias("newest")))
    newest: date | None = row["newest"]
    return newest


def _named(facts: DataFrame, received: Received) -> dict[str, DataFrame]:
    """Give what stands behind the facts of the batch, each by name and time."""
    newest = facts.where(F.col("vendor_ts").isNotNull()).select(
        "ticker", F.col("vendor_ts").alias("ts")
    )
    named = {"batch_sessions_behind": newest.orderBy(F.desc("ts"), "ticker")}
    if received.refused is not None:
        refused = received.refused.orderBy("ticker", "ts")
        named |= {"batch_refused_share": refused, "batch_refused_all": refused}
    if received.due is not None:
        due = received.due.select("ticker", F.col("range_start").alias("ts"))
        named["batch_empty"] = due.orderBy("ticker", "ts")
    return named


def _held(lake: Lake, sessions: Sequence[date]) -> DataFrame:
    """Give the sessions published before these, and between them: a row each."""
    first, last = sessions[0] - LOOK_BACK, sessions[-1]
    days = F.col("session_date").between(F.lit(first), F.lit(last))
    month = F.col("session_month").between(F.lit(f"{first:%Y-%m}"), F.lit(f"{last:%Y-%m}"))
    return lake.read(gold.BARS, month & days & (F.col("interval") == DAY)).select(
        "ticker",
        "session_date",
        F.col("open").alias("first_open"),
        F.col("close").alias("last_close"),
        "volume",
    )
