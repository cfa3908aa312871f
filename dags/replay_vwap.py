"""A session's bars again, at 60 times the market's pace, and the live VWAP beside them. By hand.

    replay >> rest

`stream` runs beside `replay`, from its start to its end; `rest` then reads what is still in the
topic. A broker must run, and the form may choose the session.

**When it is red**: `replay`: its last line says why; tried again, it goes on where it stopped.
`stream` or `rest` red: no broker answers, or another stream writes its tables (exit code 4). What
was read is kept: clear `rest`.
"""

from airflow.sdk import DAG, Param, TriggerRule

from tasks import DATE, EVERY_DAG, STREAM_POOL, assets, option, spark_job
from work import BarlakeCommand, JobBeside

PARAMS = {
    "session": Param(
        None, **DATE, title="Session", description="Empty: the newest that was published."
    ),
    "speed": Param(
        60,
        type="number",
        minimum=0,
        title="Speed",
        description="Times the market's pace: at 60 a session takes seven minutes, and under 3 "
        "longer than a task may. 0 waits for nothing.",
    ),
}

with DAG(
    dag_id="replay_vwap",
    doc_md=__doc__,
    schedule=None,
    is_paused_upon_creation=True,
    params=PARAMS,
    tags=["bars", "live"],
    **EVERY_DAG,
):
    replay = BarlakeCommand(
        task_id="replay",
        arguments=[
            "replay",
            option("session"),
            "--speed={{ params.speed }}",
            "{{ '--resume' if ti.try_number > 1 else '' }}",
        ],
        doc_md="Sends a session's bars into Kafka. Red: its last line says why; clear it, and it "
        "begins anew.",
    )
    stream = spark_job(
        "stream",
        pool=STREAM_POOL,
        kind=JobBeside,
        beside="replay",
        outlets=assets("stream"),
        doc_md="Reads the topic into gold.vwap_stream and gold.alerts until `replay` has ended. "
        "Red: its last line says why; clear `rest`, which reads what is left.",
    )
    rest = spark_job(
        "stream",
        "--available-now",
        task_id="rest",
        pool=STREAM_POOL,
        outlets=assets("stream"),
        # The topic is to be read, whatever became of who read it before.
        trigger_rule=TriggerRule.ALL_DONE,
        doc_md="Reads what is left in the topic, and ends. Red: its last line says why; clear it.",
    )

    [replay, stream] >> rest
