"""Bars of sessions that are over, by hand: a range that the vendor still has, or files of any age.

    run

The form says what. A range needs both ends; without a range, the vendor is asked for whatever the
lake lacks. Files are taken whole, and their bars may be of any age.

**When it is red**, its last log line says why. Exit code 2: the form is wrong; start another run.
Exit code 3: the quality gate blocked the batch, and the line ends with the report; or the vendor
did not answer for all, and what came is kept. Otherwise clear the task: it goes on.
"""

from airflow.sdk import DAG, Param

from tasks import DATE, EVERY_DAG, TICKERS, assets, option, spark_job

PARAMS = {
    "start": Param(None, **DATE, title="First session"),
    "end": Param(None, **DATE, title="Last session", description="Inclusive."),
    "tickers": TICKERS,
    "files": Param(
        None,
        type=["null", "string"],
        title="Files",
        description="A CSV or Parquet file, or a folder of them, where Spark runs. Instead of a "
        "range.",
    ),
    "interval": Param(
        "1m",
        enum=["1m", "1d"],
        title="Interval",
        description="1d: daily bars, to hold minutes against.",
    ),
    "as_of": Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Clock",
        description="For simulated bars: as if it were then.",
    ),
}

with DAG(
    dag_id="backfill",
    doc_md=__doc__,
    schedule=None,
    params=PARAMS,
    tags=["bars"],
    **EVERY_DAG,
):
    spark_job(
        "run",
        option("start"),
        option("end"),
        option("tickers"),
        option("from", "files"),
        option("interval"),
        option("as-of", "as_of"),
        outlets=assets("ingest", "silver", "gold"),
        doc_md="Asks or reads, ingests, judges and publishes in one Spark session. Red: its last "
        "line says why; after exit codes 1 and 4 clear it.",
    )
