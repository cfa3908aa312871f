"""The night under a real scheduler, through spark-submit, in a bucket; against `barlake run`."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from barlake.io import history
from infra import airflow
from infra.airflow import PROJECT
from infra.server import Server
from tests.airflow.scheduled import AFTER_CLOSE, DAG, STEPS, Scheduler, scheduled, wait_for
from tests.buckets.mirror import mirrored
from tests.lake.invariants import (
    DATA,
    assert_equal,
    assert_files_are_there,
    assert_keys_are_unique,
    assert_log_is_sane,
    contents,
)
from tests.object_stores import Place, placed

pytestmark = pytest.mark.drill

TICKERS = "AAPL,MSFT,PPLT"
SETTINGS = {"BARLAKE_TICKERS": TICKERS, "BARLAKE_TICKERS_PER_BATCH": "2"}
DONE = {("fetch", 0), ("fetch", 1), *((name, -1) for name in STEPS)}


@dataclass(frozen=True)
class Stack:
    """Airflow beside a bucket."""

    scheduler: Scheduler
    place: Place
    folder: Path

    def versions(self) -> dict[str, int]:
        """Tell the version of each table."""
        return {str(table): history.latest(self.place.store, table) for table in DATA}


@pytest.fixture(scope="module")
def stack(minio: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("scheduler")
    with pytest.MonkeyPatch.context() as patch:
        place = placed(minio, patch)
        with scheduled(folder, place.address, SETTINGS, minio.environment) as scheduler:
            yield Stack(scheduler, place, folder)


@pytest.fixture(scope="module")
def first(stack: Stack) -> str:
    """The night of the newest session, which begins by itself once the DAG may run."""
    stack.scheduler.client.unpause(DAG)
    wait_for(lambda: bool(stack.scheduler.client.runs(DAG)))
    [run] = stack.scheduler.client.runs(DAG)
    stack.scheduler.over(run)
    return run


def test_every_task_of_the_night_is_green(stack: Stack, first: str) -> None:
    ended = stack.scheduler.ended(first)
    assert ended.pop(("warned", -1)) in {"success", "skipped"}
    assert ended == dict.fromkeys(DONE, "success")


def test_the_lake_is_what_barlake_run_makes(stack: Stack, first: str) -> None:
    root = stack.folder / "by_hand"
    command = [str(PROJECT / ".venv" / "bin" / "barlake"), "run", "--lake", str(root), "--json"]
    command += ["--tickers", TICKERS]
    command += ["--as-of", (stack.scheduler.close(first) + AFTER_CLOSE).isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = contents(root)
    assert len(expected["silver.bars_1m"]) > 500

    mirror = mirrored(stack.place.store, stack.folder / "mirror")
    found = contents(mirror)
    assert_equal(found, expected, DATA)
    assert_log_is_sane(mirror)
    assert_files_are_there(mirror)
    assert_keys_are_unique(found)
    runs = [row for row in found["ops.runs"] if row["run_id"].startswith(first)]
    assert {row["status"] for row in runs} == {"ok"}
    assert {row["run_id"].rpartition(".")[2] for row in runs} >= {"ingest", "silver", "gold"}


def test_the_same_night_again_commits_nothing(stack: Stack, first: str) -> None:
    before = stack.versions()
    later = stack.scheduler.close(first) + 2 * AFTER_CLOSE
    again = stack.scheduler.client.trigger(DAG, logical_date=later.isoformat())
    assert stack.scheduler.over(again) == "success"
    assert stack.scheduler.close(again) == stack.scheduler.close(first)
    assert stack.versions() == before


def test_no_secret_is_in_a_log_or_a_command_line(stack: Stack, first: str) -> None:
    secrets = [stack.place.server.secret, airflow.password(stack.folder / "airflow")]
    logs = [path for path in (stack.folder / "airflow" / "logs").rglob("*.log") if path.is_file()]
    words = "\n".join(path.read_text("utf-8", "replace") for path in logs)
    assert "spark-submit" in words
    assert not [secret for secret in secrets if secret in words]
    assert first in words
