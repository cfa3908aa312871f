"""Runs DAGs without a scheduler and prints, as JSON, what became of them; by Airflow's own Python.

Standard input holds the runs by name: `{"dag", "at", "conf", "answers"}`, the last being what the
stand-ins for barlake and spark-submit are to answer.
"""

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any

from airflow.cli.commands.pool_command import pool_import_helper
from airflow.configuration import conf
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.utils.db import initdb

HOME = Path(os.environ["BARLAKE_HOME"])
PATIENCE = 30.0
REASONS: list[str] = []


def main() -> None:
    output, sys.stdout = sys.stdout, sys.stderr  # Airflow writes its log there
    initdb()
    folder = Path(conf.get_mandatory_value("core", "dags_folder"))
    _, failed = pool_import_helper(folder / "pools.json")  # type: ignore[no-untyped-call]
    told = {name: night(folder, case) for name, case in json.load(sys.stdin).items()}
    ended = {"killed": killed(), "beside": beside()}
    json.dump({"pools_refused": failed, "nights": told, **ended}, output)


def night(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    for path in (HOME / "answers").glob("*"):
        path.unlink()
    for name, answer in case["answers"].items():
        (HOME / "answers" / f"{name}.json").write_text(json.dumps(answer), "utf-8")
    (HOME / "calls").write_text("", "utf-8")
    REASONS.clear()
    # Anew each time: a run leaves its form in the DAG.
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    dag = bag.dags[case["dag"]]
    for task in dag.tasks:
        task.on_failure_callback = [note]
    run = dag.test(logical_date=datetime.fromisoformat(case["at"]), run_conf=case["conf"])
    found = run.get_task_instances()
    return {
        "run_id": run.run_id,
        "state": str(run.state),
        "states": {of(ti): str(ti.state) for ti in found},
        "tries": {of(ti): ti.try_number for ti in found},
        "labels": [ti.rendered_map_index for ti in found if ti.map_index >= 0],
        "reasons": list(REASONS),
        "calls": called(),
    }


def note(context: Any) -> None:
    """Keep what a task failed of, after its last try."""
    REASONS.append(f"{type(context['exception']).__name__}: {context['exception']}")


def called() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HOME / "calls").read_text("utf-8").splitlines()]


def killed() -> int:
    """Give the exit code of a command that was killed while it did nothing."""
    from work import Program  # noqa: PLC0415 - Airflow knows where, once it has filled the bag

    (HOME / "calls").write_text("", "utf-8")
    (HOME / "answers" / "fetch.json").write_text(json.dumps({"hangs": True}), "utf-8")
    program, codes = Program(["fetch"]), list[int]()
    thread = Thread(target=lambda: codes.append(program.run().code))
    thread.start()
    until = time.monotonic() + PATIENCE
    while not called() and time.monotonic() < until:
        time.sleep(0.01)
    program.kill()
    thread.join(PATIENCE)
    return codes[0]


class Watched:
    """A task of a run, whose other task is seen over at the third look."""

    dag_id, run_id, looks = "replay_vwap", "r", 0

    def get_task_states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> Any:
        self.looks += 1
        state = "success" if self.looks == 3 else "running"
        return {run: dict.fromkeys(task_ids, state) for run in run_ids if dag_id == self.dag_id}


def beside() -> dict[str, int]:
    """Give how a job ended that runs beside another task, and how often it looked at that."""
    from tasks import spark_job  # noqa: PLC0415 - Airflow knows where, once it has filled the bag
    from work import JobBeside  # noqa: PLC0415 - likewise

    (HOME / "answers" / "stream.json").write_text(json.dumps({"follows": True}), "utf-8")
    job, watched = spark_job("stream", kind=JobBeside, beside="replay"), Watched()
    return {"gave": job.execute({"ti": watched}), "looks": watched.looks}  # type: ignore[typeddict-item]


def of(ti: Any) -> str:
    return ti.task_id if ti.map_index < 0 else f"{ti.task_id}.{ti.map_index}"


if __name__ == "__main__":
    main()
