"""Runs DAGs without a scheduler and prints, as JSON, what became of them; by Airflow's own Python.

Standard input holds the runs: `{"dag", "at", "conf", "answers"}`, the last being what the stand-ins
for barlake and spark-submit are to answer.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.cli.commands.pool_command import pool_import_helper
from airflow.configuration import conf
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.utils.db import initdb

HOME = Path(os.environ["BARLAKE_HOME"])


def main() -> None:
    output, sys.stdout = sys.stdout, sys.stderr  # Airflow writes its log there
    initdb()
    folder = Path(conf.get_mandatory_value("core", "dags_folder"))
    _, failed = pool_import_helper(folder / "pools.json")  # type: ignore[no-untyped-call]
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    told = [night(bag, case) for case in json.load(sys.stdin)]
    json.dump({"pools_refused": failed, "nights": told}, output)


def night(bag: BundleDagBag, case: dict[str, Any]) -> dict[str, Any]:
    for path in (HOME / "answers").glob("*"):
        path.unlink()
    for name, answer in case["answers"].items():
        (HOME / "answers" / f"{name}.json").write_text(json.dumps(answer), "utf-8")
    calls = HOME / "calls"
    calls.write_text("", "utf-8")
    run = bag.dags[case["dag"]].test(
        logical_date=datetime.fromisoformat(case["at"]), run_conf=case["conf"]
    )
    found = run.get_task_instances()
    return {
        "run_id": run.run_id,
        "state": str(run.state),
        "states": {of(ti): str(ti.state) for ti in found},
        "tries": {of(ti): ti.try_number for ti in found},
        "labels": [ti.rendered_map_index for ti in found if ti.map_index >= 0],
        "calls": [json.loads(line) for line in calls.read_text("utf-8").splitlines()],
    }


def of(ti: Any) -> str:
    return ti.task_id if ti.map_index < 0 else f"{ti.task_id}.{ti.map_index}"


if __name__ == "__main__":
    main()
