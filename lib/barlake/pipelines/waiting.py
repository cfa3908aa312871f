"""What runs before this one have ingested, and nobody has brought to silver."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import functions as F

from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.model import ops
from barlake.model.landed import OF_MINUTES
from barlake.pipelines.delivery import sessions_of
from barlake.pipelines.underway import Night


def waiting_runs(night: Night) -> tuple[list[date], list[str]]:
    """Give the sessions, and the runs, that were ingested and not yet brought to silver."""
    details = night.past
    done = {run for d in details for run in d.get("silver", {}).get("ingested_by", [])}
    ingests = [d["run_id"] for d in details if d["job"] == "ingest" and d["run_id"] not in done]
    waiting = _without_refused_ones(night.lake, ingests)
    if not waiting:
        return [], []
    requests = night.lake.read(ops.REQUESTS).where(OF_MINUTES)
    return sessions_of(requests.where(requests.run_id.isin(waiting))), waiting


def _without_refused_ones(lake: Lake, runs: Sequence[str]) -> list[str]:
    """Leave out ingests without a good row that the gate has judged: once is enough."""
    if not runs:
        return []
    audit = lake.read(ops.INGEST_AUDIT, F.col("run_id").isin(list(runs)))
    is_whole = F.sum("received") == F.sum("quarantined")
    of_runs = audit.groupBy("run_id").agg(is_whole.alias("whole"), F.max("report").alias("report"))
    judged = {row["run_id"] for row in arrow.rows(of_runs) if row["whole"] and row["report"]}
    return [run for run in runs if run not in judged]
