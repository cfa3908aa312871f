"""What people do to Airflow under a real scheduler: approve, kill, start twice, clear; no Spark."""

import itertools
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from tests.airflow.on_stand_ins import DAG, OnStandIns, on_stand_ins, wait_for
from tests.airflow.stand_in import answer

pytestmark = pytest.mark.drill

RELEASE, BACKFILL = "release_quarantine", "backfill"
WRITERS = {"ingest", "silver", "gold", "reconcile", "run", "release"}
REFUSED = answer(told={"rows": 2, "released": 0, "rules": [], "quarantine": []})


@dataclass(frozen=True)
class Story:
    """What became of it all.

    Attributes:
        killed: State and tries of the night in which silver's driver was killed.
        others: States of the runs that were started at once, and of the night, cleared meanwhile.
        waiting: Jobs that were submitted for the release before somebody approved.
        released: State of the release.
        tasks: Of all runs.
        calls: Of programs, in order.
    """

    killed: tuple[str, int]
    others: list[str]
    waiting: list[str]
    released: str
    tasks: list[dict[str, Any]]
    calls: list[dict[str, Any]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("by_hand")
    with on_stand_ins(folder, BARLAKE_RETRY_SECONDS="1") as flow:
        flow.say("quarantine", REFUSED)
        for dag in (DAG, BACKFILL, RELEASE):
            flow.client.unpause(dag)
        night, killed = kill(flow)
        others = at_once(flow, night)
        waiting, released = release(flow)
        runs = [(dag, run) for dag in (DAG, BACKFILL, RELEASE) for run in flow.client.runs(dag)]
        tasks = [task for dag, run in runs for task in flow.client.tasks(dag, run)]
        yield Story(killed, others, waiting, released, tasks, flow.calls())


def kill(flow: OnStandIns) -> tuple[str, tuple[str, int]]:
    """Kill silver's driver in the night that begins by itself; name that, and say how it ended."""
    flow.say("silver", {"hangs": True})
    wait_for(lambda: bool(submitted(flow, "silver")))
    flow.say("silver", answer())
    [driver] = [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if f"{flow.home}/jobs/silver.py" in (process.info["cmdline"] or ())
    ]
    os.kill(driver, signal.SIGKILL)
    [night] = flow.client.runs(DAG)
    return night, (flow.over(night), flow.task(DAG, night, "silver")["try_number"])


def at_once(flow: OnStandIns, night: str) -> list[str]:
    """Start two nights and a backfill, and clear a task of a night that is over; give the ends."""
    again = [flow.client.trigger(DAG) for _ in range(2)]
    by_hand = flow.client.trigger(BACKFILL)
    body = {
        "dry_run": False,
        "dag_run_id": night,
        "task_ids": ["gold"],
        "include_downstream": True,
        "only_failed": False,
    }
    flow.client.call("POST", f"dags/{DAG}/clearTaskInstances", body)
    return [*map(flow.over, again), flow.over(by_hand, BACKFILL), flow.over(night)]


def release(flow: OnStandIns) -> tuple[list[str], str]:
    """Ask for a release and approve it; give what was submitted before, and how it ended."""
    run = flow.client.trigger(RELEASE, {"by": "ann", "why": "so it was"})
    wait_for(lambda: flow.task(RELEASE, run, "approve")["state"] == "awaiting_input")
    waiting = submitted(flow, "release")
    path = f"dags/{RELEASE}/dagRuns/{quote(run, safe='')}/taskInstances/approve/-1/hitlDetails"
    flow.client.call("PATCH", path, {"chosen_options": ["Approve"], "params_input": {}})
    return waiting, flow.over(run, RELEASE)


def submitted(flow: OnStandIns, job: str) -> list[str]:
    return [call["job"] for call in flow.calls() if call["job"] == job]


def test_a_night_whose_driver_was_killed_is_green_at_the_second_try(story: Story) -> None:
    assert story.killed == ("success", 2)


def test_what_was_started_at_once_and_cleared_ends_well(story: Story) -> None:
    assert story.others == ["success"] * 4


def test_no_two_tasks_that_write_run_at_once(story: Story) -> None:
    spans = sorted(
        (datetime.fromisoformat(task["start_date"]), datetime.fromisoformat(task["end_date"]))
        for task in story.tasks
        if task["task_id"] in WRITERS and task["end_date"]
    )

    assert len(spans) == 3 * 4 + 2
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_rows_are_let_in_only_when_somebody_approved_and_who_is_told(story: Story) -> None:
    [words] = [call["words"] for call in story.calls if call["job"] == "release"]

    assert story.waiting == []
    assert story.released == "success"
    assert "--by=ann" in words
    assert "--why=so it was (approved by admin)" in words
