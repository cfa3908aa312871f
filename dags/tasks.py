"""The two ways in which a DAG starts work, and what all DAGs have in common."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import (  # type: ignore[attr-defined]  # its stubs leave deadlines out
    Asset,
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
    Param,
)

from work import HOME, PROGRAMS, BarlakeCommand, SparkJob

LAKE_POOL, STREAM_POOL, VENDOR_POOL = "lake", "stream", "yahoo"
START = datetime(2026, 1, 1, tzinfo=UTC)
# A bar is final 20 minutes after its minute (timing.settle_minutes), and the closing auction's
# minute begins at the close.
AFTER_CLOSE_MINUTES = 25
DEFAULTS: dict[str, Any] = {
    "owner": "barlake",
    "retries": 3,
    # A bucket's table is free a minute after its writer was killed.
    "retry_delay": timedelta(seconds=int(os.environ.get("BARLAKE_RETRY_SECONDS") or 90)),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=30),
    # A slow machine must not lose a healthy job.
    "execution_timeout": timedelta(hours=3),
}
EVERY_DAG: dict[str, Any] = {
    "start_date": START,
    # One run asks for whatever the lake lacks, of missed sessions too.
    "catchup": False,
    "max_active_runs": 1,
    "default_args": DEFAULTS,
}
# A session is due timing.settle_minutes + freshness.deadline_minutes after its close.
DEADLINE_MINUTES = 140 - AFTER_CLOSE_MINUTES
# What each job alone writes; a test holds it to the jobs' own declaration.
WRITES = {
    "ingest": ("bronze.bars", "silver.quarantine", "ref.sessions", "ref.actions"),
    "silver": ("silver.bars_1m", "silver.coverage"),
    "gold": ("gold.features_1m", "gold.bars"),
    "stream": ("gold.vwap_stream", "gold.alerts", "silver.quarantine_stream"),
}
# spark-defaults.conf names them relative to the checkout, and Airflow runs elsewhere.
JAR_SETS = ("core", "logstore", "s3", "kafka")
CLASS_PATH = ":".join(f"{HOME}/jars/{jars}/*" for jars in JAR_SETS)

RUN = "{{ run_id.replace('~', '-')[:150] }}"
CLOCK = (
    "{% if params.clock == 'schedule' %}--as-of={{ ("
    "dag_run.data_interval_end + macros.timedelta(minutes="
    + str(AFTER_CLOSE_MINUTES)
    + ") if dag_run.data_interval_end else dag_run.run_after).isoformat() }}{% endif %}"
)
TICKERS = Param(
    os.environ.get("BARLAKE_TICKERS") or None,
    type=["null", "string"],
    title="Tickers",
    description="AAPL,MSFT or @file; empty: conf/tickers.txt.",
)
DATE: dict[str, Any] = {"type": ["null", "string"], "format": "date"}


def spark_job(
    name: str,
    *arguments: str,
    task_id: str | None = None,
    pool: str = LAKE_POOL,
    kind: type[SparkJob] = SparkJob,
    **kwargs: Any,  # noqa: ANN401 - the operator's own
) -> SparkJob:
    """Submit jobs/<name>.py, as the only one of its pool; the task is named after the job.

    What the job needs besides its arguments (credentials, where the lake is) it has from the
    environment: the command line shows in process lists and logs.
    """
    return kind(
        task_id=task_id or name,
        name=f"barlake.{name}",
        application=str(HOME / "jobs" / f"{name}.py"),
        application_args=[*arguments, f"--run-id={run_of(task_id or name)}", "--json"],
        conn_id="spark_default",
        spark_binary=str(PROGRAMS / "spark-submit"),
        properties_file=str(HOME / "spark-defaults.conf"),
        driver_class_path=CLASS_PATH,
        conf={"spark.sql.warehouse.dir": str(HOME / "spark-warehouse")},
        pool=pool,
        **kwargs,
    )


def pages(*arguments: str, **kwargs: Any) -> BarlakeCommand:  # noqa: ANN401 - the operator's own
    """Make the pages anew."""
    return BarlakeCommand(
        task_id="pages",
        arguments=["pages", *arguments],
        doc_md="Makes the pages from the tables. Red: nothing is lost; run it again.",
        **kwargs,
    )


def run_of(task: str) -> str:
    """Give the template of the run id that a task gives its job."""
    return f"{RUN}.{task}"


def deadline() -> DeadlineAlert | None:
    """Give the alert of a run that is not over in time after it was queued; None: without one.

    `airflow dags test` does not run a DAG that has one.
    """
    minutes = int(os.environ.get("BARLAKE_DEADLINE_MINUTES") or DEADLINE_MINUTES)
    if minutes == 0:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=AsyncCallback("deadlines.late"),
        name="session",
    )


def option(name: str, param: str | None = None) -> str:
    """Give the template of `--name=value` from the form; of nothing, where that is empty."""
    value = f"params.{param or name}"
    return f"{{{{ '--{name}=' ~ {value} if {value} else '' }}}}"


def assets(*jobs: str) -> list[Asset]:
    """Name the tables that some jobs write as assets, such as "gold.bars"."""
    return [asset(table) for job in jobs for table in WRITES[job]]


def asset(table: str) -> Asset:
    """Name a table as an asset."""
    return Asset(name=table, uri=f"barlake://lake/{table.replace('.', '/')}")


def batches(tickers: Sequence[str], size: int) -> list[str]:
    """Cut tickers into batches of a size, each as --tickers takes it."""
    return [",".join(tickers[at : at + size]) for at in range(0, len(tickers), size)]
