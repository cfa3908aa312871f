"""One writer of a lake in a bucket: who holds a table, who may follow, and who is kept out."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from barlake.io import lease
from barlake.io.bucket import Bucket
from barlake.io.lake import Lake
from barlake.io.spark import open_session
from barlake.model import gold, silver
from barlake.model.errors import BusyError
from infra.server import Server
from tests.buckets.days import bars, now, run_of
from tests.object_stores import Place, placed

TABLE = silver.BARS_1M
SOON = 1.0
PATIENCE = 30.0


@pytest.fixture
def store(minio: Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return placed(minio, monkeypatch).store


def run(name: str, expires: float = 600.0) -> dict[str, Any]:
    return {"run_id": name, "process": 7, "started_at": name, "expires_seconds": expires}


def until(holds: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE
    while not holds():
        assert monotonic() < deadline
        sleep(0.1)


def test_a_second_writer_is_refused_and_told_by_whom(store: Bucket) -> None:
    with (
        lease.lease(store, [TABLE], run("first")),
        pytest.raises(BusyError, match=r"silver\.bars_1m is being written by run first"),
        lease.lease(store, [TABLE], run("second")),
    ):
        pytest.fail("two hold the table")


def test_who_is_refused_one_table_holds_none(store: Bucket) -> None:
    with lease.lease(store, [TABLE], run("first")):
        with pytest.raises(BusyError), lease.lease(store, [gold.BARS, TABLE], run("second")):
            pytest.fail("two hold the table")

        assert lease.holder_of(store, gold.BARS) is None
        assert (lease.holder_of(store, TABLE) or {})["run_id"] == "first"


def test_a_table_is_free_when_its_run_has_ended(store: Bucket) -> None:
    with lease.lease(store, [TABLE], run("first")) as before:
        assert list(before) == [store.path(TABLE.path)]
    assert lease.holder_of(store, TABLE) is None

    with lease.lease(store, [TABLE], run("second")) as after:
        tokens = [int(f[store.path(TABLE.path)].rpartition("#")[2]) for f in (before, after)]
    assert tokens == [1, 2]


def test_of_many_that_ask_at_once_one_holds(store: Bucket) -> None:
    held, refused = [], []
    over = ExitStack()

    def take(name: str) -> None:
        try:
            over.enter_context(lease.lease(store, [TABLE], run(name)))
            held.append(name)
        except BusyError:
            refused.append(name)

    threads = [Thread(target=take, args=(f"run-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with over:
        assert (len(held), len(refused)) == (1, 7)


def test_a_dead_holder_is_followed(store: Bucket) -> None:
    """Its token stays as it was; nothing is heard of it."""
    dead = ExitStack()
    dead.enter_context(lease.lease(store, [TABLE], run("dead", SOON)))

    with lease.lease(store, [TABLE], run("next"), patience=PATIENCE) as fences:
        assert fences[store.path(TABLE.path)].endswith("/_leases/silver.bars_1m#2")


def test_a_living_holder_is_not(store: Bucket) -> None:
    """It is heard of again and again, long after its token has grown old."""
    alive = run("alive", SOON)
    with lease.recorded(store, alive), lease.lease(store, [TABLE], alive):
        until(lambda: _age(store, "_leases/silver.bars_1m/00000000000000000001.json") > 3 * SOON)

        assert (lease.holder_of(store, TABLE) or {})["run_id"] == "alive"
        assert lease.abandoned(store) == []
        with pytest.raises(BusyError), lease.lease(store, [TABLE], run("second")):
            pytest.fail("two hold the table")
    lease.forget(store, "alive")


def test_a_run_of_the_same_id_is_refused_while_it_lives(store: Bucket) -> None:
    with (
        lease.recorded(store, run("night")),
        pytest.raises(BusyError, match="run night is being written"),
        lease.recorded(store, run("night")),
    ):
        pytest.fail("two runs have one name")


def test_a_run_that_ended_without_its_row_is_found(store: Bucket) -> None:
    with pytest.raises(ZeroDivisionError), lease.recorded(store, run("broken")):
        _ = 1 / 0
    [found] = lease.abandoned(store)
    assert found["run_id"] == "broken"

    lease.forget(store, "broken")
    assert lease.abandoned(store) == []
    assert [name for name in store.names("") if not name.startswith("_probe/")] == []


def test_a_lost_answer_does_not_lose_the_lease(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token was put, and the client's second try is refused by its own."""
    real = Bucket.put_once
    monkeypatch.setattr(Bucket, "put_once", lambda *given: real(*given) and False)

    with lease.lease(store, [TABLE], run("first")):
        assert (lease.holder_of(store, TABLE) or {})["run_id"] == "first"


@pytest.fixture
def lake(minio: Server, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    place: Place = placed(minio, monkeypatch)
    open_session("fenced", "zombie", place.access)
    made = Lake(spark, place.store, "zombie", now())
    made.create([TABLE])
    yield made
    spark.conf.unset(f"barlake.fence.{made.path(TABLE)}")


def test_a_writer_that_comes_back_from_the_dead_commits_nothing(
    lake: Lake, spark: SparkSession
) -> None:
    """It was stopped for so long that another took the table: its next commit is refused."""
    days = run_of(2)
    zombie = ExitStack()
    lake.fence(zombie.enter_context(lease.lease(lake.store, [TABLE], run("zombie", SOON))))
    rows = bars(spark, days, tickers=2, minutes=2)
    assert lake.merge(TABLE, rows.where(F.col("session_date") == days[0])) is not None

    with lease.lease(lake.store, [TABLE], run("next"), patience=PATIENCE) as fences:
        with pytest.raises(Exception, match=r"was taken over \(2\)"):
            lake.merge(TABLE, rows)
        assert lake.version(TABLE) == 1
        lake.fence(fences)
        assert lake.merge(TABLE, rows) is not None

    tokens = [_token(lake, version) for version in range(lake.version(TABLE) + 1)]
    assert tokens == [None, 1, 2]


def _token(lake: Lake, version: int) -> int | None:
    text = lake.store.get(f"{TABLE.path}/_delta_log/{version:020d}.json").decode()
    [info] = [json.loads(line) for line in text.splitlines() if "commitInfo" in line]
    found: int | None = info["commitInfo"].get("fencingToken")
    return found


def _age(store: Bucket, name: str) -> float:
    return store.age(name) or 0.0
