"""The night under a real scheduler, through spark-submit, in a bucket; against `barlake run`."""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from barlake.io import history
from infra import airflow, airflow_run
from infra.airflow import PROJECT, Ports
from infra.airflow_api import Client
from infra.server import Server
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

DAG = "daily_bars"
TICKERS = "AAPL,MSFT,PPLT"
SETTINGS = {
    "BARLAKE_CLOCK": "schedule",
    "BARLAKE_TICKERS": TICKERS,
    "BARLAKE_TICKERS_PER_BATCH": "2",
    "BARLAKE_SOURCE__HORIZON_DAYS": "1",
    "BARLAKE_RETRY_SECONDS": "5",
}
AFTER_CLOSE = timedelta(minutes=25)
MINUTES = 60.0
ONCE = ("plan", "ingest", "silver", "verdict", "gold", "reconcile", "pages", "complete")
DONE = {("fetch", 0), ("fetch", 1), *((name, -1) for name in ONCE)}


@dataclass(frozen=True)
class Stack:
    """Airflow beside an empty bucket; everything that it starts inherits this environment."""

    client: Client
    place: Place
    folder: Path

    def over(self, run: str) -> str:
        """Wait until a run is over; give its state."""
        return self.client.wait(DAG, run, 30 * MINUTES)

    def close(self, run: str) -> datetime:
        """Tell when the session of a run closed."""
        return datetime.fromisoformat(self.client.run(DAG, run)["data_interval_end"])

    def ended(self, run: str) -> dict[tuple[str, int], str]:
        """Tell how each task ended, by its name and its number."""
        tasks = self.client.tasks(DAG, run)
        return {(task["task_id"], task["map_index"]): task["state"] for task in tasks}

    def versions(self) -> dict[str, int]:
        """Tell the version of each table."""
        return {str(table): history.latest(self.place.store, table) for table in DATA}


@pytest.fixture(scope="module")
def stack(minio: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("scheduler")
    with pytest.MonkeyPatch.context() as patch:
        place = placed(minio, patch)
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        variables = airflow.environment(
            folder / "airflow",
            PROJECT,
            place.address,
            ports=Ports.free(),
            reach=minio.environment,
        )
        with airflow_run.ready(PROJECT, variables) as flow:
            wait_for(lambda: DAG in flow.client.dags())
            assert not flow.client.import_errors()
            yield Stack(flow.client, place, folder)


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5 * MINUTES
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.fixture(scope="module")
def first(stack: Stack) -> str:
    """The night of the newest session, which begins by itself once the DAG may run."""
    stack.client.unpause(DAG)
    wait_for(lambda: bool(stack.client.runs(DAG)))
    [run] = stack.client.runs(DAG)
    stack.over(run)
    return run


def test_every_task_of_the_night_is_green(stack: Stack, first: str) -> None:
    ended = stack.ended(first)
    assert ended.pop(("warned", -1)) in {"success", "skipped"}
    assert ended == dict.fromkeys(DONE, "success")


def test_the_lake_is_what_barlake_run_makes(stack: Stack, first: str) -> None:
    root = stack.folder / "by_hand"
    command = [str(PROJECT / ".venv" / "bin" / "barlake"), "run", "--lake", str(root), "--json"]
    command += ["--tickers", TICKERS]
    command += ["--as-of", (stack.close(first) + AFTER_CLOSE).isoformat()]
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
    later = stack.close(first) + 2 * AFTER_CLOSE
    again = stack.client.trigger(DAG, logical_date=later.isoformat())
    assert stack.over(again) == "success"
    assert stack.close(again) == stack.close(first)
    assert stack.versions() == before


def test_no_secret_is_in_a_log_or_a_command_line(stack: Stack, first: str) -> None:
    secrets = [stack.place.server.secret, airflow.password(stack.folder / "airflow")]
    logs = [path for path in (stack.folder / "airflow" / "logs").rglob("*.log") if path.is_file()]
    words = "\n".join(path.read_text("utf-8", "replace") for path in logs)
    assert "spark-submit" in words
    assert not [secret for secret in secrets if secret in words]
    assert first in words
