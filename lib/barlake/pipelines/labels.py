"""Label the state of the lake after a session's close."""

import os
from datetime import date, timedelta

import structlog
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow, history, labels
from barlake.io.labels import Label
from barlake.io.lake import Lake
from barlake.io.lease import lease
from barlake.model import jobs, silver
from barlake.model.errors import BusyError
from barlake.pipelines.underway import Night

logger = structlog.get_logger()

# What brings news all the way to gold, and so leaves the tables in step with one another.
LABELLING = {job.name: job for job in (jobs.RUN, jobs.GOLD, jobs.RELEASE)}


def label_close(night: Night, job: str) -> None:
    """Name the versions of all tables after the newest session that is over, the first time.

    Called by a run that ended well and has written its books. Where another run is writing, so that
    the tables may not be in step, it is left to the next one.
    """
    if job not in LABELLING or "gold" not in night.detail:
        return
    newest = _newest(night.lake, night.settings.timing.settle_minutes)
    if newest is None or labels.is_there(night.lake.store, name_of(newest)):
        return
    others = [table for table in jobs.RUN.writes if table not in LABELLING[job].writes]
    holder = {"run_id": night.lake.run_id, "process": os.getpid()}
    try:
        with lease(night.lake.store, others, holder):
            _label(night, name_of(newest))
    except BusyError as busy:
        logger.info("not labelled", label=name_of(newest), reason=str(busy))


def name_of(session: date) -> str:
    """Give the label of a session's close."""
    return f"close-{session}"


def _label(night: Night, name: str) -> None:
    lake = night.lake
    changed = history.changed_since(
        lake.store, silver.BARS_1M, night.detail["gold"]["silver_version"]
    )
    if changed is None or changed:
        return  # gold was made of another silver: the run that brings it up to date labels
    versions = {table: version for table, version in night.versions().items() if version >= 0}
    made = Label(label=name, made_at=lake.now, run_id=lake.run_id, versions=versions)
    if labels.make(lake.store, made):
        logger.info("labelled", label=name)


def _newest(lake: Lake, settle_minutes: int) -> date | None:
    """Give the newest session whose last minute is final and of which silver holds a bar."""
    over = calendar.closed_before(lake.now - timedelta(minutes=settle_minutes), 1)
    if not over:
        return None
    is_over = F.col("session_date") <= F.lit(over[0].session_date)
    shown = lake.read(silver.COVERAGE, is_over & (F.col("observed") > 0))
    [found] = arrow.rows(shown.agg(F.max("session_date").alias("newest")))
    newest: date | None = found["newest"]
    return newest
