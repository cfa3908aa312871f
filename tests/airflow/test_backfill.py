"""A backfill over sessions under a real scheduler, on programs that only note their calls."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from tests.airflow.on_stand_ins import DAG, OnStandIns, on_stand_ins

pytestmark = pytest.mark.drill

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
    with on_stand_ins(tmp_path_factory.mktemp("backfill")) as flow:
        yield lived(flow)


def lived(flow: OnStandIns) -> Nights:
    asked = {
        "dag_id": DAG,
        "from_date": "2026-03-05T00:00:00Z",
        "to_date": "2026-03-12T00:00:00Z",
        "max_active_runs": 1,
        "dag_run_conf": {"clock": "schedule"},
    }
    flow.client.call("POST", "backfills", asked)
    flow.client.unpause(DAG)
    runs = [run for run in flow.client.runs(DAG) if run.startswith("backfill__")]
    states = [flow.over(run) for run in runs]
    tasks = [task for run in flow.client.runs(DAG) for task in flow.client.tasks(DAG, run)]
    return Nights(states, tasks, flow.calls())


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
