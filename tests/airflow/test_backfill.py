"""A backfill over sessions under a real scheduler, on programs that only note their calls."""

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra import airflow, airflow_run
from infra.airflow import PROJECT, Ports
from infra.airflow_api import Client
from tests.airflow.stand_in import StandIn, answer

pytestmark = pytest.mark.drill

DAG = "daily_bars"
# Over a weekend and a change of the clock: each is 25 minutes after a close.
CLOCKS = (
    "2026-03-05T21:25:00+00:00",
    "2026-03-06T21:25:00+00:00",
    "2026-03-09T20:25:00+00:00",
    "2026-03-10T20:25:00+00:00",
    "2026-03-11T20:25:00+00:00",
)
STEPS = ("plan", "fetch", "ingest", "silver", "gold", "reconcile", "pages")
WRITERS = {"ingest", "silver", "gold", "reconcile"}
MINUTES = 60.0
ANSWERS = {
    "plan": answer(told={"lake": "/lake", "minutes": 1, "lacks": [], "tickers": ["A"]}),
    "status": answer(told={"run": {"detail": {}}, "verdict": None}),
}


@dataclass(frozen=True)
class Nights:
    """What became of the sessions' runs, and of the scheduled one beside them.

    Attributes:
        states: Of each run of the backfill.
        tasks: Of all runs.
        calls: Of programs, in the order in which they were made.
    """

    states: list[str]
    tasks: list[dict[str, Any]]
    calls: list[dict[str, Any]]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    folder = tmp_path_factory.mktemp("backfill")
    stand_in = StandIn(folder / "checkout")
    for name, said in ANSWERS.items():
        (stand_in.home / "answers" / f"{name}.json").write_text(json.dumps(said), "utf-8")
    (stand_in.home / "calls").touch()
    variables = airflow.environment(
        folder / "airflow", PROJECT, str(folder / "lake"), ports=Ports.free()
    )
    with airflow_run.ready(PROJECT, {**variables, "BARLAKE_HOME": str(stand_in.home)}) as flow:
        yield lived(flow.client, stand_in.home / "calls")


def lived(client: Client, calls: Path) -> Nights:
    asked = {
        "dag_id": DAG,
        "from_date": "2026-03-05T00:00:00Z",
        "to_date": "2026-03-12T00:00:00Z",
        "max_active_runs": 1,
        "dag_run_conf": {"clock": "schedule"},
    }
    until = time.monotonic() + 5 * MINUTES
    while DAG not in client.dags():
        assert time.monotonic() < until, client.import_errors()
        time.sleep(0.2)
    client.call("POST", "backfills", asked)
    client.unpause(DAG)
    runs = [run for run in client.runs(DAG) if run.startswith("backfill__")]
    states = [client.wait(DAG, run, 10 * MINUTES) for run in runs]
    tasks = [task for run in client.runs(DAG) for task in client.tasks(DAG, run)]
    return Nights(states, tasks, [json.loads(line) for line in calls.read_text().splitlines()])


def test_every_session_of_the_range_is_run_and_green(nights: Nights) -> None:
    assert nights.states == ["success"] * len(CLOCKS)


def test_one_session_is_over_before_the_next_begins(nights: Nights) -> None:
    found = [
        (word.removeprefix("--as-of="), call["job"])
        for call in nights.calls
        for word in call["words"]
        if word.startswith("--as-of=")
    ]

    assert found == list(itertools.product(CLOCKS, STEPS))


def test_no_two_tasks_that_write_run_at_once(nights: Nights) -> None:
    spans = sorted(
        (datetime.fromisoformat(task["start_date"]), datetime.fromisoformat(task["end_date"]))
        for task in nights.tasks
        if task["task_id"] in WRITERS and task["end_date"]
    )

    assert len(spans) >= len(CLOCKS) * len(WRITERS)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
