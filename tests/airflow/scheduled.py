"""A real scheduler beside an empty lake, and what a test asks of it."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from infra import airflow, airflow_run, processes
from infra.airflow import PROJECT, Ports
from infra.airflow_api import Client
from infra.airflow_run import Airflow
from tests.airflow.on_stand_ins import EVERY_DAG
from tests.few_rows import INTERPRETED

DAG = "daily_bars"
SETTINGS = {
    "BARLAKE_CLOCK": "schedule",
    "BARLAKE_SOURCE__HORIZON_DAYS": "1",
    "BARLAKE_RETRY_SECONDS": "5",
    "JAVA_TOOL_OPTIONS": " ".join(f"-D{key}={value}" for key, value in INTERPRETED.items()),
}
AFTER_CLOSE = timedelta(minutes=25)
MINUTES = 60.0
STEPS = ("plan", "ingest", "silver", "verdict", "gold", "reconcile", "pages", "complete")


@dataclass(frozen=True)
class Scheduler:
    """Airflow beside a lake; everything that it starts inherits this environment."""

    flow: Airflow
    client: Client
    lake: str

    def over(self, run: str, dag: str = DAG) -> str:
        """Wait until a run is over; give its state."""
        return self.client.wait(dag, run, 30 * MINUTES)

    def close(self, run: str) -> datetime:
        """Tell when the session of a run closed."""
        return datetime.fromisoformat(self.client.run(DAG, run)["data_interval_end"])

    def ended(self, run: str, dag: str = DAG) -> dict[tuple[str, int], str]:
        """Tell how each task ended, by its name and its number."""
        tasks = self.client.tasks(dag, run)
        return {(task["task_id"], task["map_index"]): task["state"] for task in tasks}

    def task(self, run: str, name: str, dag: str = DAG) -> dict[str, Any]:
        """Tell of one task that is not mapped: `state`, `try_number` and more."""
        [found] = [task for task in self.client.tasks(dag, run) if task["task_id"] == name]
        return found

    def clear(self, run: str, *tasks: str) -> None:
        """Let tasks that have ended run again, and all that follows them."""
        body = {
            "dry_run": False,
            "dag_run_id": run,
            "task_ids": [*tasks],
            "include_downstream": True,
            "only_failed": False,
        }
        self.client.call("POST", f"dags/{DAG}/clearTaskInstances", body)

    def approve(self, dag: str, run: str, task: str) -> None:
        """Answer a task that waits for somebody's approval."""
        path = f"dags/{dag}/dagRuns/{quote(run, safe='')}/taskInstances/{task}/-1/hitlDetails"
        self.client.call("PATCH", path, {"chosen_options": ["Approve"], "params_input": {}})

    def drivers(self) -> dict[int, str]:
        """Give the JVMs of the jobs that run at this moment: number, and name of the job."""
        found: dict[int, str] = {}
        for leader in self.flow.identities.values():
            for process in processes.family(leader):
                with suppress(psutil.Error):
                    found.update((process.pid, job) for job in _jobs(process))
        return found


@dataclass
class Writers:
    """Which jobs ran at once, while somebody watched."""

    together: list[dict[int, str]] = field(default_factory=list)

    @contextmanager
    def watching(self, scheduler: Scheduler) -> Iterator[None]:
        """Watch for as long as the block lasts."""
        enough = threading.Event()

        def watch() -> None:
            while not enough.wait(0.5):
                self.together.append(scheduler.drivers())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            enough.set()
            watcher.join()


@contextmanager
def scheduled(
    folder: Path, lake: str, settings: Mapping[str, str], store: Mapping[str, str] | None = None
) -> Iterator[Scheduler]:
    """Run Airflow beside a lake, and wait until it has read the DAGs."""
    variables = airflow.environment(
        folder / "airflow", PROJECT, lake, ports=Ports.free(), reach=store
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SETTINGS, **settings}.items():
            patch.setenv(name, value)
        with airflow_run.ready(PROJECT, variables) as flow:
            wait_for(lambda: {*flow.client.dags()} >= EVERY_DAG)
            assert not flow.client.import_errors()
            yield Scheduler(flow, flow.client, lake)


def wait_for(condition: Callable[[], bool], minutes: float = 5) -> None:
    """Wait until something is so."""
    until = time.monotonic() + minutes * MINUTES
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)


def _jobs(process: psutil.Process) -> list[str]:
    words = process.cmdline() if process.name() == "java" else []
    return [Path(word).stem for word in words if word.startswith(f"{PROJECT}/jobs/")]
