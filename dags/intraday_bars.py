"""The running session, every fifteen minutes, in one Spark session. Off until it is switched on.

    run

Bars are provisional until 20 minutes after their minute; the night after reads them again.

**When it is red**, nothing needs to be done: the next run takes up the rest. If several are red,
the last log line says why. Exit code 3 is the quality gate, or a vendor that did not answer.
"""

from airflow.sdk import DAG

from nyse import MarketSessionTimetable
from tasks import EVERY_DAG, TICKERS, assets, option, spark_job

with DAG(
    dag_id="intraday_bars",
    doc_md=__doc__,
    schedule=MarketSessionTimetable(delay_minutes=1, every_minutes=15),
    is_paused_upon_creation=True,
    params={"tickers": TICKERS},
    tags=["bars"],
    **EVERY_DAG,
):
    spark_job(
        "run",
        option("tickers"),
        outlets=assets("ingest", "silver", "gold"),
        doc_md="Asks, ingests, judges and publishes. Red: the last line says why; the next run "
        "takes up the rest.",
    )
