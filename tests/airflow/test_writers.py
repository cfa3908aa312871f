"""One writer under a real scheduler: a driver killed, runs started at once, a task cleared."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

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
class Story:
    """A night whose driver was killed in silver, then two runs and a cleared task at once."""

    scheduler: Scheduler
    folder: Path
    night: str
    first: str
    tries: int
    others: list[str]
    cleared: str
    writers: Writers
    before: dict[str, int]

    @property
    def root(self) -> Path:
        """The lake."""
        return Path(self.scheduler.lake)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("writers")
    settings = {"BARLAKE_TICKERS": TICKER, "BARLAKE_DEADLINE_MINUTES": "1"}
    with scheduled(folder, str(folder / "lake"), settings) as scheduler:
        writers = Writers()
        with writers.watching(scheduler):
            yield told(scheduler, folder, writers)


def told(scheduler: Scheduler, folder: Path, writers: Writers) -> Story:
    client, root = scheduler.client, Path(scheduler.lake)
    client.unpause(DAG)
    client.unpause("backfill")
    wait_for(lambda: bool(client.runs(DAG)))
    [night] = client.runs(DAG)
    kill(scheduler, root / "_runs", f"{night.replace('~', '-')}.silver.json")
    first, tries = scheduler.over(night), scheduler.task(night, "silver")["try_number"]
    before = versions(root)

    clock = (scheduler.close(night) + AFTER_CLOSE).isoformat()
    by_hand = [client.trigger("backfill", {"as_of": clock}) for _ in range(2)]
    scheduler.clear(night, "gold")
    others = [scheduler.over(run, "backfill") for run in by_hand]
    return Story(
        scheduler, folder, night, first, tries, others, scheduler.over(night), writers, before
    )


def kill(scheduler: Scheduler, records: Path, name: str) -> None:
    """Kill a job's JVM at once when the job has begun, that is holds its tables."""
    wait_for((records / name).exists, minutes=10)
    [pid] = [pid for pid, job in scheduler.drivers().items() if job == "silver"]
    os.kill(pid, signal.SIGKILL)


def test_a_night_whose_driver_was_killed_ends_well_when_it_is_tried_again(story: Story) -> None:
    assert story.tries > 1
    assert story.first == "success"
    found = contents(story.root)
    [silver] = [run for run in found["ops.runs"] if run["run_id"] == f"{story.night}.silver"]
    assert silver["status"] == "ok"


def test_no_two_jobs_wrote_at_once(story: Story) -> None:
    seen = story.writers.together
    assert {job for jobs in seen for job in jobs.values()} == {
        *("ingest", "silver", "gold", "reconcile"),
        "run",
    }
    assert [jobs for jobs in seen if len(jobs) > 1] == []
    assert story.others == ["success", "success"]
    assert story.cleared == "success"


def test_what_was_started_at_once_found_nothing_left_to_do(story: Story) -> None:
    after = versions(story.root)
    assert {str(table): after[str(table)] for table in DATA} == {
        str(table): story.before[str(table)] for table in DATA
    }


def test_the_lake_is_what_barlake_run_makes(story: Story) -> None:
    root = story.folder / "by_hand"
    command = [str(PROJECT / ".venv" / "bin" / "barlake"), "run", "--lake", str(root), "--json"]
    moment = story.scheduler.close(story.night) + AFTER_CLOSE
    command += ["--tickers", TICKER, "--as-of", moment.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    found, expected = contents(story.root), contents(root)
    assert len(expected["silver.bars_1m"]) > 200
    assert_equal(found, expected, DATA)
    assert_log_is_sane(story.root)
    assert_files_are_there(story.root)
    assert_keys_are_unique(found)


def test_a_missed_deadline_leaves_one_line_that_says_which_run_and_what_to_do(story: Story) -> None:
    words = (story.folder / "airflow" / "logs" / "triggerer.log").read_text("utf-8", "replace")
    lines = [line for line in words.splitlines() if "was not over at" in line]
    assert len([line for line in lines if story.night in line]) == 1
    assert "runbook" in lines[0]
