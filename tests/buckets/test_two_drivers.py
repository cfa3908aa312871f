"""Two Spark drivers that no lease keeps apart write one table: every row of both is there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

import pytest
from pyspark.sql import SparkSession

from barlake.io import history
from barlake.io.lake import Lake
from barlake.io.spark import open_session
from barlake.model import silver
from barlake.settings import PROJECT
from infra.server import Server
from tests.buckets.days import bars, now, run_of
from tests.object_stores import Place, placed

pytestmark = pytest.mark.drill

TABLE = silver.BARS_1M
COMMITS = 6
# Appends of one row each, told by its standard input when to begin.
_RIVAL = """
import sys
from barlake.io.access import Access
from barlake.io.spark import open_session
from barlake.settings import load
from tests.buckets.days import bars, run_of

spark = open_session("rival", "rival", Access.of(load().lake))
rows = bars(spark, run_of(1), tickers=1, minutes=1).coalesce(1).localCheckpoint()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    rows.write.format("delta").mode("append").save(sys.argv[1])
"""


@pytest.fixture
def place(minio: Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    return placed(minio, monkeypatch)


@pytest.fixture
def rival(place: Place) -> Iterator[subprocess.Popen[str]]:
    path = place.store.path(TABLE.path)
    own = {name: value for name, value in os.environ.items() if "SPARK" not in name}
    process = subprocess.Popen(
        [sys.executable, "-c", _RIVAL, path, str(COMMITS)],
        cwd=PROJECT,
        env=own,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_two_drivers_lose_no_row(
    place: Place, spark: SparkSession, rival: subprocess.Popen[str]
) -> None:
    open_session("ours", "ours", place.access)
    lake = Lake(spark, place.store, "ours", now())
    lake.create([TABLE])
    rows = bars(spark, run_of(1), tickers=1, minutes=1).coalesce(1).localCheckpoint()
    assert rival.stdout is not None
    assert rival.stdin is not None
    assert rival.stdout.readline() == "ready\n"

    def append() -> None:
        for _ in range(COMMITS):
            rows.write.format("delta").mode("append").save(lake.path(TABLE))

    ours = Thread(target=append)
    ours.start()
    rival.stdin.write("go\n")
    rival.stdin.flush()
    ours.join()

    assert rival.wait(300) == 0
    assert lake.read(TABLE).count() == 2 * COMMITS
    assert history.versions(lake.store, TABLE) == list(range(2 * COMMITS + 1))
    runs = [history.commit(lake.store, TABLE, version).run_id for version in range(1, 13)]
    assert sorted(str(run) for run in runs) == ["ours"] * COMMITS + ["rival"] * COMMITS
