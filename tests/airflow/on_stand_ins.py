"""A real scheduler whose tasks start programs that only note their calls."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import airflow, airflow_run
from infra.airflow import PROJECT, Ports
from infra.airflow_api import Client
from tests.airflow.stand_in import DAGS, StandIn, answer

DAG = "daily_bars"
EVERY_DAG = {path.stem for path in DAGS.glob("*.py")} - {"tasks", "work"}
MINUTES = 60.0
ANSWERS = {
    "plan": answer(told={"lake": "/lake", "minutes": 1, "lacks": [], "tickers": ["A"]}),
    "status": answer(told={"run": {"detail": {}}, "verdict": None}),
}


@dataclass(frozen=True)
class OnStandIns:
    """Airflow, and the folder of the programs that it starts."""

    client: Client
    home: Path

    def say(self, name: str, said: Mapping[str, Any]) -> None:
        """Let a job or a command answer so from now on."""
        (self.home / "answers" / f"{name}.json").write_text(json.dumps(said), "utf-8")

    def calls(self) -> list[dict[str, Any]]:
        """Give the calls of programs, in the order in which they were made."""
        return [json.loads(line) for line in (self.home / "calls").read_text().splitlines()]

    def over(self, run: str, dag: str = DAG) -> str:
        """Wait until a run is over; give its state."""
        return self.client.wait(dag, run, 10 * MINUTES)

    def task(self, dag: str, run: str, name: str) -> dict[str, Any]:
        """Tell of one task that is not mapped."""
        [found] = [task for task in self.client.tasks(dag, run) if task["task_id"] == name]
        return found


@contextmanager
def on_stand_ins(folder: Path, **more: str) -> Iterator[OnStandIns]:
    """Run Airflow until the block ends; `more` is added to its environment."""
    stand_in = StandIn(folder / "checkout")
    (stand_in.home / "calls").touch()
    variables = airflow.environment(
        folder / "airflow", PROJECT, str(folder / "lake"), ports=Ports.free()
    )
    ours = {"BARLAKE_HOME": str(stand_in.home), **more}
    with airflow_run.ready(PROJECT, variables | ours) as flow:
        found = OnStandIns(flow.client, stand_in.home)
        for name, said in ANSWERS.items():
            found.say(name, said)
        wait_for(lambda: {*flow.client.dags()} >= EVERY_DAG)
        yield found


def wait_for(condition: Callable[[], bool], minutes: float = 5) -> None:
    """Wait until something is so."""
    until = time.monotonic() + minutes * MINUTES
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)
