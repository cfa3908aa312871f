"""A night on a Spark standalone cluster, as a container submits it; one of two workers is lost."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from barlake import steps
from barlake.options import Options
from barlake.settings import PROJECT
from infra import cluster
from infra.cluster import Cluster, Worker
from tests.lake.invariants import (
    assert_books_are_closed,
    assert_equal,
    assert_files_are_there,
    assert_log_is_sane,
    contents,
)
from tests.lake.victim import PATIENCE, POLL, Point, environment

pytestmark = pytest.mark.drill

PROGRAMS = PROJECT / ".venv" / "bin"
DAY = "2026-11-19"
AS_OF = "2026-11-20T12:00Z"
# Files of a table that are not committed yet: a worker writes them.
PUBLISHING = Point("publishing", "silver/bars_1m", "*.parquet")


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[Cluster]:
    with cluster.standalone(tmp_path / "cluster") as running:
        yield running


def properties(folder: Path) -> Path:
    """The image's own settings, but that nothing may listen beyond this machine."""
    made = folder / "spark.conf"
    parts = [PROJECT / "spark-defaults.conf", PROJECT / "infra/compose/cluster.conf"]
    text = "".join(part.read_text("utf-8") for part in parts)
    made.write_text(f"{text}\nspark.driver.bindAddress 127.0.0.1\n", "utf-8")
    return made


def submitted(url: str, folder: Path) -> subprocess.Popen[str]:
    """Submit a night, with the master's address and nothing else that knows of a cluster."""
    night = ["--source", "simulated", "--tickers", "AAPL", "--start", DAY, "--end", DAY]
    night += ["--as-of", AS_OF, "--lake", str(folder / "lake"), "--run-id", "night", "--json"]
    where = ["--master", url, "--properties-file", str(properties(folder))]
    with (folder / "err").open("w") as log:
        return subprocess.Popen(
            [str(PROGRAMS / "spark-submit"), *where, "jobs/run.py", *night],
            cwd=PROJECT,
            env=environment()
            | {"PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}", "HOSTNAME": "localhost"},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


def ran(worker: Worker) -> int:
    """How many tasks a worker's executors have finished."""
    logs = [(folder / "stderr").read_text("utf-8") for folder in worker.executors()]
    return sum(log.count("Finished task") for log in logs)


def errors(log: Path) -> str:
    """What Spark calls errors, without their stacks."""
    lines = log.read_text("utf-8").splitlines()
    told = [line for line in lines if " ERROR " in line or line.startswith(("Caused", "barlake:"))]
    return "\n".join(told)[-5000:]


def told(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def test_a_night_survives_the_loss_of_a_worker(two_workers: Cluster, tmp_path: Path) -> None:
    first, second = two_workers.workers
    job = submitted(two_workers.url, tmp_path)
    try:
        until = time.monotonic() + PATIENCE
        while not PUBLISHING.seen(tmp_path / "lake") and job.poll() is None:
            assert time.monotonic() < until
            time.sleep(POLL)
        assert job.poll() is None, (tmp_path / "err").read_text("utf-8")[-3000:]
        first.kill()
        before = ran(second)
        output, _ = job.communicate(timeout=PATIENCE)
    finally:
        job.kill()

    assert job.returncode == 0, errors(tmp_path / "err")
    assert told(output)["status"] == "ok"
    assert "Lost executor" in (tmp_path / "err").read_text("utf-8")
    assert ran(first) > 0
    assert ran(second) > before > 0
    assert two_workers.state()["aliveworkers"] == 1
    root = tmp_path / "lake"
    assert_log_is_sane(root)
    assert_files_are_there(root)
    assert_equal(contents(root), contents(here(tmp_path / "here")))
    assert_books_are_closed(root, {"night": "ok"}, received={"night": told(output)["received"]})


def here(root: Path) -> Path:
    """The same night in this process, without a cluster."""
    options = Options(lake=str(root), as_of=datetime.fromisoformat(AS_OF), run_id="night")
    day = datetime.fromisoformat(DAY)
    steps.run(options, steps.Asked.of("simulated", None, "AAPL", day, day))
    return root
