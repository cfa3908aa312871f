"""The quality gate alone: on stored sessions, or on what landed and waits."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake.io.lake import STAGING, Lake
from barlake.model import gold, ref, silver
from barlake.model.errors import InputError
from barlake.model.landed import FOLDER
from barlake.model.tables import TABLES
from barlake.pipelines.asking import pending
from barlake.pipelines.gate import judge_batch
from barlake.pipelines.ingest import ingest
from barlake.pipelines.received import received_by
from barlake.pipelines.silver import stage_silver
from barlake.pipelines.stages import keep_judgement
from barlake.pipelines.underway import Night
from barlake.transforms.fill import BEFORE_FIRST, EXTENDED, FILLED, OBSERVED

# What the ingest of a batch, its staging and the gate read and write; not the big tables.
_NEEDED = [table for table in TABLES if table not in (silver.BARS_1M, gold.FEATURES_1M)]


def check(night: Night, sessions: Sequence[date], tickers: Sequence[str] | None) -> None:
    """Judge stored sessions; without any, what landed and waits, else the newest one stored.

    Args:
        night: The run.
        sessions: Session dates.
        tickers: Only these; None for all.

    Raises:
        InputError: There is nothing to judge.
        QualityError: A critical rule is broken, or was not evaluated.
    """
    waits = not sessions and bool(pending(night.lake))
    with night.progress.step("check"):
        if waits:
            _check_waiting(night, tickers)
        else:
            _check_stored(night, sessions or _newest(night.lake), tickers)


def _check_stored(night: Night, sessions: Sequence[date], tickers: Sequence[str] | None) -> None:
    lake = night.lake
    night.sessions = list(sessions)
    rows = _only(_stored(lake, sessions), tickers)
    if rows.isEmpty():
        raise InputError("the lake holds nothing of these tickers and sessions; look at status")
    keep_judgement(
        night, judge_batch(lake, night.settings, rows, received_by(lake, None, []), sessions)
    )


def _check_waiting(night: Night, tickers: Sequence[str] | None) -> None:
    """Ingest into a copy of the ledger, which is thrown away with the run's staging."""
    lake, settings = night.lake, night.settings
    copy = _copy(lake)
    done = ingest(copy, settings, pending(lake))
    night.sessions = done.sessions
    staged = None
    if done.sessions:
        found = stage_silver(copy, settings, done.sessions, requests=done.requests)
        staged = _only(found.minutes, tickers)
    received = received_by(copy, done, [])
    told = judge_batch(copy, settings, staged, received, done.sessions)
    lake.store.put(told.verdict.report, copy.store.get(told.verdict.report))
    keep_judgement(night, told)


def _copy(lake: Lake) -> Lake:
    """Give another lake with the same ledger; data files, which never change, are shared."""
    root = f"{STAGING}/{lake.run_id}/lake"
    for path in (FOLDER, *(table.path for table in _NEEDED)):
        lake.store.copy(path, f"{root}/{path}")
    copy = replace(lake, store=lake.store.below(root))
    copy.create(TABLES)
    return copy


def _stored(lake: Lake, sessions: Sequence[date]) -> DataFrame:
    """Give what is published in the form of what is staged; sessions without a bar as well."""
    these = F.col("session_date").isin(list(sessions))
    times = lake.read(ref.SESSIONS, these).select(
        "session_date", "open_utc", F.col("minutes").alias("session_minutes")
    )
    kind = F.when(F.col("segment") != "regular", EXTENDED)
    state = kind.when(F.col("is_filled"), FILLED).otherwise(OBSERVED)
    bars = lake.read(silver.BARS_1M, these).withColumn("state", state)
    empty = lake.read(silver.COVERAGE, these & (F.col("observed") == 0)).select(
        "ticker", "session_date", F.lit(BEFORE_FIRST).alias("state")
    )
    return bars.unionByName(empty, allowMissingColumns=True).join(
        F.broadcast(times), "session_date", how="left"
    )


def _newest(lake: Lake) -> list[date]:
    newest = lake.read(silver.COVERAGE).agg(F.max("session_date").alias("d")).first()
    if newest is None or newest["d"] is None:
        raise InputError("the lake holds no session, and nothing that landed waits")
    return [newest["d"]]


def _only(rows: DataFrame, tickers: Sequence[str] | None) -> DataFrame:
    return rows if tickers is None else rows.where(F.col("ticker").isin(list(tickers)))
