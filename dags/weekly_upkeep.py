"""Keep the lake small and fast, each Saturday.

    optimize >> vacuum

**When it is red**, readers lose nothing but speed and room. Clear the red task; if it stays red,
its last log line says what to do.
"""

from airflow.sdk import DAG, CronTriggerTimetable

from tasks import EVERY_DAG, spark_job

with DAG(
    dag_id="weekly_upkeep",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("0 10 * * SAT", timezone="America/New_York"),
    tags=["upkeep"],
    **EVERY_DAG,
):
    optimize = spark_job(
        "optimize",
        doc_md="Lays out silver's days and gold's closed months anew. Red: clear it; it takes up "
        "what is left.",
    )
    vacuum = spark_job(
        "vacuum",
        doc_md="Deletes files that neither the last 30 days nor a label needs, removes labels that "
        "are too old, and hands the bucket its lifecycle rules. Red with exit code 2: a table keeps"
        " deleted files for too short a time; its last line names it.",
    )

    optimize >> vacuum
