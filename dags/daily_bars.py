"""One session's bars, after each close of the New York Stock Exchange.

    plan >> fetch >> ingest >> silver >> verdict >> gold >> reconcile >> pages >> complete

Each step takes up what the ones before it left, so a red task may be cleared at any time: what is
there already is no news, and without news nothing is committed.

**When it is red**, look at the first red task; its last log line says what and what to do.
`complete` is red whenever the night is not whole. `verdict` red: the quality gate blocked the
batch, and readers still see the last good state. `warned` green: published, with a warning.
"""

import logging
import os
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, TriggerRule, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from nyse import MarketSessionTimetable
from tasks import (
    AFTER_CLOSE_MINUTES,
    CLOCK,
    EVERY_DAG,
    TICKERS,
    VENDOR_POOL,
    assets,
    batches,
    deadline,
    pages,
    run_of,
    spark_job,
)
from work import BAD_INPUT, BLOCKED, BarlakeCommand, command

log = logging.getLogger(__name__)

PARAMS = {
    "clock": Param(
        os.environ.get("BARLAKE_CLOCK") or "machine",
        enum=["machine", "schedule"],
        title="Clock",
        description="schedule: as if it were the time for which the run was planned. For simulated "
        "bars; a real vendor is asked now.",
    ),
    "tickers": TICKERS,
    "tickers_per_batch": Param(
        int(os.environ.get("BARLAKE_TICKERS_PER_BATCH") or 100),
        type="integer",
        minimum=1,
        maximum=1000,
        title="Tickers in a batch",
        description="Each batch is a task, and starts Spark once.",
    ),
}


@task(
    doc_md="Cuts the tickers into batches, what expires soonest first. Changes nothing. Red: a "
    "setting, or the list of tickers, is wrong; its last line says which."
)
def plan(tickers: str, size: str, clock: str) -> list[str]:
    """Give batches of tickers; every one is asked for, since corrections come late."""
    told = command("plan", tickers, clock)
    log.info("%s lacks %s minutes", told["lake"], told["minutes"])
    urgent = [row["ticker"] for row in told["lacks"] if row["requests"]]
    return batches(list(dict.fromkeys([*urgent, *told["tickers"]])), int(size))


@task(
    outlets=assets("silver"),
    doc_md="Tells what the quality gate said of the batch. Red: it blocked the batch, and nothing "
    "of it was published. The last line is the address of the report. Do what the runbook says of "
    "the rule, then clear `silver` with what follows it.",
)
def verdict(code: int, run: str) -> dict[str, Any]:
    """Give the verdict of silver's run, which ended with `code`."""
    told = command("status", f"--run={run}")
    found: dict[str, Any] = told["verdict"] or {"status": "passed", "failed": [], "report": None}
    if code == BLOCKED:
        why = told["run"]["detail"].get("fault", "the quality gate blocked the batch")
        raise AirflowFailException(f"{why.removeprefix('QualityError: ')}\n{found['report']}")
    log.info("the quality gate: %s, %s", found["status"], found["report"] or "nothing to judge")
    return found


@task(
    doc_md="Green: the batch was published although it broke a rule; the log names the rules and "
    "the report. Skipped: there is nothing to warn of."
)
def warned(found: dict[str, Any]) -> list[str]:
    """Give the rules that the batch broke."""
    if found["status"] != "warned":
        raise AirflowSkipException("there is nothing to warn of")
    for rule in found["failed"]:
        log.warning("%(rule)s: %(observed)s where %(expected)s is allowed", rule)
    log.warning("published with a warning; see %s", found["report"])
    return [rule["rule"] for rule in found["failed"]]


with DAG(
    dag_id="daily_bars",
    doc_md=__doc__,
    schedule=MarketSessionTimetable(delay_minutes=AFTER_CLOSE_MINUTES),
    deadline=deadline(),
    params=PARAMS,
    tags=["bars"],
    **EVERY_DAG,
):
    fetch = BarlakeCommand.partial(
        task_id="fetch",
        arguments=["fetch", CLOCK, f"--run-id={run_of('fetch')}.{{{{ ti.map_index }}}}"],
        # A vendor that did not answer may do so later: then the rest alone is asked for.
        final=[BAD_INPUT],
        pool=VENDOR_POOL,
        map_index_template="{{ task.label }}",
        doc_md="Asks the vendor for one batch of tickers. What came has landed, and is not asked "
        "for again. Red: it left requests without an answer; the steps below have published what "
        "came, and the next night asks for the rest. Clear the task to ask now.",
    ).expand(
        tickers=plan(
            tickers="{{ '--tickers=' ~ params.tickers if params.tickers else '' }}",
            size="{{ params.tickers_per_batch }}",
            clock=CLOCK,
        )
    )
    ingest = spark_job(
        "ingest",
        CLOCK,
        outlets=assets("ingest"),
        # What came is published, though one batch brought nothing.
        trigger_rule=TriggerRule.ALL_DONE,
        doc_md="Brings what landed into bronze. Red: see its last line; clear it, it goes on where "
        "it stopped.",
    )
    silver = spark_job(
        "silver",
        CLOCK,
        passed=[BLOCKED],
        doc_md="Works out the sessions anew, judges them, and publishes them unless the gate blocks"
        " that: then it is green, and `verdict` red. Red: see its last line, and clear it.",
    )
    gold = spark_job(
        "gold",
        CLOCK,
        outlets=assets("gold"),
        doc_md="Works out features and buckets of what changed in silver. Red: see its last line; "
        "clear it.",
    )
    reconcile = spark_job(
        "reconcile",
        CLOCK,
        doc_md="Holds minutes against the vendor's daily bars, and writes what it found to "
        "ops.dq_results. Red: what was published stays; see its last line, and clear it.",
    )
    judged = verdict(
        code=silver.output,  # type: ignore[arg-type]  # what the task gives, when it has run
        run=run_of("silver"),
    )
    published = pages(CLOCK, trigger_rule=TriggerRule.ALL_DONE)
    complete = EmptyOperator(
        task_id="complete",
        doc_md="Green when every batch was answered and every step published. Red: one of those "
        "above is; that one says what to do.",
    )

    fetch >> ingest >> silver >> judged >> gold >> reconcile >> published >> complete
    judged >> warned(judged)  # type: ignore[arg-type]  # likewise
    [fetch, reconcile] >> complete
