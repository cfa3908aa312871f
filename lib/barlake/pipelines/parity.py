"""The sessions that the stream saw, held against the batch -> rows for ops.dq_results."""

from collections.abc import Sequence
from datetime import date

import structlog
from pyspark.sql import functions as F

from barlake.io import arrow, history
from barlake.io.lake import Lake
from barlake.model import gold
from barlake.model.streamed import VWAP_STREAM
from barlake.pipelines.stages import run_reconcile
from barlake.pipelines.underway import Night
from barlake.transforms.parity import parity

logger = structlog.get_logger()


def run_comparisons(night: Night) -> None:
    """Hold minutes against daily bars, and the stream against gold."""
    run_reconcile(night)
    run_parity(night)


def run_parity(night: Night) -> None:
    """Judge each session that the stream holds and that either side has changed since last time.

    Where the stream has never written, that is one look at its log.
    """
    lake = night.lake
    version, features = lake.version(VWAP_STREAM), lake.version(gold.FEATURES_1M)
    known = [d["parity"] for d in night.past if "parity" in d]
    last = max(known, key=lambda told: int(told["stream"]), default={"stream": 0, "gold": -1})
    if version <= 0 or (version, features) == (last["stream"], last["gold"]):
        return
    with night.progress.step("parity"):
        wanted = _changed(lake, int(last["stream"]), int(last["gold"]))
        if wanted:
            _judge(night, wanted)
        night.detail["parity"] = {"stream": version, "gold": features}


def _judge(night: Night, sessions: Sequence[date]) -> None:
    lake = night.lake
    these = F.col("session_date").isin(list(sessions))
    months = F.col("session_month").isin(sorted({f"{day:%Y-%m}" for day in sessions}))
    found = parity(lake.read(gold.FEATURES_1M, months & these), lake.read(VWAP_STREAM, these))
    rows = arrow.rows(found)
    night.findings += rows
    failed = sum(not row["passed"] for row in rows)
    logger.info("stream compared", sessions=len(rows), failed=failed)


def _changed(lake: Lake, stream: int, features: int) -> list[date]:
    """Give the sessions that the stream holds, but those of which nothing changed."""
    held = set(arrow.dates(lake.read(VWAP_STREAM), "session_date"))
    streamed = history.changed_since(lake.store, VWAP_STREAM, stream)
    batched = history.changed_since(lake.store, gold.FEATURES_1M, features)
    if streamed is None or batched is None:
        return sorted(held)
    days = {date.fromisoformat(str(value)) for (value,) in streamed}
    months = {str(value) for (value,) in batched}
    return sorted(day for day in held if day in days or f"{day:%Y-%m}" in months)
