"""Prints, as JSON, what Airflow makes of every DAG file; run by Airflow's own Python."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization


def main() -> None:
    output, sys.stdout = sys.stdout, sys.stderr  # Airflow writes its log there
    folder = Path(conf.get_mandatory_value("core", "dags_folder"))
    began = time.monotonic()
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    import tasks  # noqa: PLC0415 - Airflow knows where, once it has filled the bag

    told = {
        "errors": bag.import_errors,
        "seconds": {stat.file: stat.duration.total_seconds() for stat in bag.dagbag_stats},
        "in_all": time.monotonic() - began,
        "dags": {name: of_dag(dag) for name, dag in bag.dags.items()},
        "class_path": tasks.CLASS_PATH,
        "writes": tasks.WRITES,
        "after_close": tasks.AFTER_CLOSE_MINUTES,
    }
    json.dump(told, output)


def of_dag(dag: Any) -> dict[str, Any]:
    stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
    again = DagSerialization.from_dict(stored)
    return {
        "doc": dag.doc_md,
        "catchup": dag.catchup,
        "active": dag.max_active_runs,
        "deadlines": [alert.interval.total_seconds() / 60 for alert in dag.deadline or []],
        "paused": dag.is_paused_upon_creation,
        "params": {name: param.schema for name, param in dag.params.items()},
        "schedule": again.timetable.summary,
        "survives": shape(again) == shape(dag),
        "stored": json.dumps(stored),
        "tasks": {task.task_id: of_task(task) for task in dag.tasks},
    }


def shape(dag: Any) -> dict[str, Any]:
    return {
        "params": dag.params.dump(),
        "doc": dag.doc_md,
        "tasks": {
            task.task_id: [
                sorted(task.downstream_task_ids),
                str(task.trigger_rule).rpartition(".")[2].lower(),
                task.pool,
                task.retries,
                task.retry_exponential_backoff,
                task.retry_delay,
                task.doc_md,
            ]
            for task in dag.tasks
        },
    }


def of_task(task: Any) -> dict[str, Any]:
    delay, longest = task.retry_delay, task.max_retry_delay
    timeout = task.execution_timeout
    return {
        "owner": task.owner,
        "doc": task.doc_md,
        "retries": task.retries,
        "delay": delay.total_seconds(),
        "longest": longest.total_seconds() if longest else None,
        "backoff": task.retry_exponential_backoff,
        "timeout": timeout.total_seconds() if timeout else None,
        "pool": task.pool,
        "outlets": [asset.name for asset in task.outlets],
        "uris": [asset.uri for asset in task.outlets],
        "next": sorted(task.downstream_task_ids),
        "label": getattr(task, "map_index_template", None),
    }


if __name__ == "__main__":
    main()
