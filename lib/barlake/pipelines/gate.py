"""The quality gate: between what is staged and what is published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake import calendar
from barlake.checks.judgement import Batch, judgement
from barlake.checks.verdict import Verdict
from barlake.io.lake import Lake
from barlake.model import gold, ops, ref
from barlake.model.landed import Outcome
from barlake.pipelines.ingest import Ingested
from barlake.settings import Settings
from barlake.transforms.facts import marked, session_facts
from barlake.transforms.neighbours import with_neighbours
from barlake.transforms.refusals import FACTS_DDL, batch_facts, with_batch, with_refusals
from barlake.transforms.resample import DAY

logger = structlog.get_logger()

FOLDER = "pages/quality"
# Twenty sessions and the holidays between them.
LOOK_BACK = timedelta(days=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What a batch received, where something was: rows by fate, in all and by session.

    `asked` counts the answered requests that should have brought rows.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    audit: DataFrame | None = None
    asked: int = 0


def judge_batch(
    lake: Lake,
    settings: Settings,
    staged: DataFrame | None,
    received: Received,
    sessions: Sequence[date],
) -> Verdict:
    """Hold a batch against every limit, and write the report; nothing is raised.

    Args:
        lake: Where.
        settings: Of quality and timing.
        staged: Rows of `states.states`; None where no row was good enough to stage one.
        received: What the batch brought.
        sessions: Its session dates, in order.
    """
    conf = settings.quality
    newest = sessions[-1] if sessions else lake.now.date()
    rows = None if staged is None else _marked(staged, settings)
    facts = _facts(lake, settings, rows, received, sessions, newest)
    batch = Batch(run_id=lake.run_id, now=lake.now, newest=newest)
    told, html = judgement(facts, rows, conf, batch)
    name = f"{FOLDER}/{lake.run_id}/index.html"
    lake.store.put(name, html.encode())
    logger.info("judged", verdict=told.status, broken=len(told.failed), report=name)
    return told.at(name)


def received_by(lake: Lake, ingested: Ingested | None, runs: Sequence[str]) -> Received:
    """Tell what an ingest of this run, and those of earlier `runs`, received."""
    audit = lake.read(ops.INGEST_AUDIT, F.col("run_id").isin(list(runs)))
    counted = audit.select("ticker", "session_date", "received", "quarantined")
    if ingested is None:
        return Received(audit=counted)
    asked = 0
    if ingested.counts["received"] == 0:
        brings = [Outcome.OK.value, Outcome.EMPTY_UNEXPECTED.value]
        asked = ingested.requests.where(F.col("outcome").isin(brings)).count()
    both = counted.unionByName(ingested.audit.select(*counted.columns))
    return Received(counts=ingested.counts, audit=both, asked=asked)


def _marked(staged: DataFrame, settings: Settings) -> DataFrame:
    return marked(staged, zone=calendar.EXCHANGE_ZONE, unit_ratio=settings.quality.unit_ratio)


def _facts(
    lake: Lake,
    settings: Settings,
    rows: DataFrame | None,
    received: Received,
    sessions: Sequence[date],
    newest: date,
) -> DataFrame:
    conf = settings.quality
    batch = batch_facts(received.counts, asked=received.asked, received_min=conf.received_min)
    one = lake.spark.range(1)
    if rows is None:
        return with_batch(lake.spark.createDataFrame([], FACTS_DDL), one, batch, newest=newest)
    settle = settings.timing.settle_minutes
    facts = session_facts(rows, now=lake.now, settle_minutes=settle)
    beside = with_neighbours(
        facts,
        _held(lake, sessions),
        lake.read(ref.ACTIONS).where(F.col("kind") == "split"),
        unit_ratio=conf.unit_ratio,
        history_min=conf.history_min,
    )
    audit = received.audit
    if audit is None:
        audit = lake.read(ops.INGEST_AUDIT, F.lit(False))
    known = with_refusals(beside, audit, received_min=conf.received_min)
    return with_batch(known, one, batch, newest=newest)


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
