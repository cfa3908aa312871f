"""One writer under a real scheduler: a driver killed, runs started at once, a task cleared."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from barlake.io import history
from barlake.io.folder import Folder
from infra.airflow import PROJECT
from tests.airflow.scheduled import AFTER_CLOSE, DAG, Scheduler, Writers, scheduled, wait_for
from tests.lake.invariants import (
    DATA,
    assert_equal,
    assert_files_are_there,
    assert_keys_are_unique,
    assert_log_is_sane,
    contents,
    versions,
)

pytestmark = pytest.mark.drill

TICKER = "AAPL"


@dataclass(frozen=True)
class Night:
    """A night whose driver was killed in silver."""

    scheduler: Scheduler
    folder: Path
    writers: Writers
    run: str
    ended: str
    tries: int

    @property
    def root(self) -> Path:
        """The lake."""
        return Path(self.scheduler.lake)


@dataclass(frozen=True)
class Crowd:
    """Two runs and a cleared task at once: how they ended, and what the tables were before."""

    by_hand: list[str]
    cleared: str
    before: dict[str, int]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder, writers = tmp_path_factory.mktemp("writers"), Writers()
    settings = {"BARLAKE_TICKERS": TICKER, "BARLAKE_DEADLINE_MINUTES": "1"}
    with (
        scheduled(folder, str(folder / "lake"), settings) as scheduler,
        writers.watching(scheduler),
    ):
        client = scheduler.client
        client.unpause(DAG)
        wait_for(lambda: bool(client.runs(DAG)))
        [run] = client.runs(DAG)
        kill(scheduler, folder / "lake" / "_runs", f"{run}.silver.json")
        ended = scheduler.over(run)
        tries = scheduler.task(run, "silver")["try_number"]
        yield Night(scheduler, folder, writers, run, ended, tries)


@pytest.fixture(scope="module")
def crowd(night: Night) -> Crowd:
    scheduler, client = night.scheduler, night.scheduler.client
    before = versions(night.root)
    client.unpause("backfill")
    clock = (scheduler.close(night.run) + AFTER_CLOSE).isoformat()
    runs = [client.trigger("backfill", {"as_of": clock}) for _ in range(2)]
    scheduler.clear(night.run, "gold")
    by_hand = [scheduler.over(run, "backfill") for run in runs]
    return Crowd(by_hand, scheduler.over(night.run), before)


def kill(scheduler: Scheduler, records: Path, name: str) -> None:
    """Kill a job's JVM at once when the job has begun, that is holds its tables."""
    wait_for((records / name).exists, minutes=10)
    [pid] = [pid for pid, job in scheduler.drivers().items() if job == "silver"]
    os.kill(pid, signal.SIGKILL)


def test_a_night_whose_driver_was_killed_ends_well_when_it_is_tried_again(night: Night) -> None:
    assert night.tries > 1
    assert night.ended == "success"
    [silver] = [
        row for row in contents(night.root)["ops.runs"] if row["run_id"] == f"{night.run}.silver"
    ]
    assert silver["status"] == "ok"


def test_no_two_jobs_wrote_at_once(night: Night, crowd: Crowd) -> None:
    seen = night.writers.together
    assert {job for jobs in seen for job in jobs.values()} == {
        *("ingest", "silver", "gold", "reconcile"),
        "run",
    }
    assert [jobs for jobs in seen if len(jobs) > 1] == []
    assert (crowd.by_hand, crowd.cleared) == (["success", "success"], "success")


def test_what_was_started_at_once_found_nothing_left_but_the_layout(
    night: Night, crowd: Crowd
) -> None:
    """A backfill is a whole run, which lays out what the night's steps wrote."""
    store = Folder.at(str(night.root))
    since = {
        str(table): history.commit(store, table, version).operation
        for table in DATA
        for version in history.versions(store, table)
        if version > crowd.before[str(table)]
    }
    assert set(since.values()) <= {"OPTIMIZE"}, since


def test_the_lake_is_what_barlake_run_makes(night: Night) -> None:
    root = night.folder / "by_hand"
    command = [str(PROJECT / ".venv" / "bin" / "barlake"), "run", "--lake", str(root), "--json"]
    moment = night.scheduler.close(night.run) + AFTER_CLOSE
    command += ["--tickers", TICKER, "--as-of", moment.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    found, expected = contents(night.root), contents(root)
    assert len(expected["silver.bars_1m"]) > 200
    assert_equal(found, expected, DATA)
    assert_log_is_sane(night.root)
    assert_files_are_there(night.root)
    assert_keys_are_unique(found)


def test_a_missed_deadline_leaves_one_line_that_says_which_run_and_what_to_do(night: Night) -> None:
    words = (night.folder / "airflow" / "logs" / "triggerer.log").read_text("utf-8", "replace")
    lines = [line for line in words.splitlines() if "was not over at" in line]
    assert len([line for line in lines if night.run in line]) == 1
    assert "runbook" in lines[0]
