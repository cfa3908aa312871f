"""Whoever reads while the lake is written sees a committed state, and never half of one."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from threading import Event, Thread

import duckdb
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import barlake
from barlake.io.lake import Lake
from barlake.io.spark import open_session
from barlake.model import silver
from infra.server import Server
from tests.buckets.days import bars, now, run_of
from tests.object_stores import placed

pytestmark = pytest.mark.drill

TABLE = silver.BARS_1M
READS = 2_000
READERS = 3  # of DuckDB; Spark reads between its own commits
DAYS = run_of(3)
State = tuple[int, float]
_QUERY = "SELECT count(*), round(sum(close), 4) FROM silver.bars_1m"


@pytest.fixture
def lake(minio: Server, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Lake:
    place = placed(minio, monkeypatch)
    open_session("read", "read", place.access)
    made = Lake(spark, place.store, "read", now())
    made.create([TABLE])
    return made


class Readers:
    """Threads that read until they have read often enough together."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.seen: Counter[State] = Counter()
        self.errors: list[Exception] = []
        self._enough = Event()
        self._threads = [
            Thread(target=self._read, args=(connection.cursor(),)) for _ in range(READERS)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def are_done(self) -> bool:
        return self._enough.is_set()

    def joined(self) -> None:
        for thread in self._threads:
            thread.join()

    def _read(self, cursor: duckdb.DuckDBPyConnection) -> None:
        while not self._enough.is_set():
            try:
                count, total = cursor.execute(_QUERY).fetchall()[0]
            except duckdb.Error as error:
                self.errors.append(error)
                self._enough.set()
                return
            self.seen[count, total] += 1
            if self.seen.total() >= READS:
                self._enough.set()


def test_two_thousand_reads_see_committed_states_alone(lake: Lake, spark: SparkSession) -> None:
    """MERGE, OPTIMIZE and VACUUM go on meanwhile, round after round."""
    committed: set[State] = set()
    merged(lake, spark, 100.0)
    committed.add(state(lake))
    readers = Readers(barlake.open(lake.store).connection)

    by_spark: list[State] = []
    round_ = 0
    while not readers.are_done:
        round_ += 1
        committed.add(expected(100.0 + round_))
        works: list[Callable[[], object]] = [partial(merged, lake, spark, 100.0 + round_)]
        for work in works + upkeep(lake):
            work()
            by_spark.append(state(lake))
    readers.joined()

    assert readers.errors == []
    assert readers.seen.total() >= READS
    assert {*readers.seen, *by_spark} <= committed
    assert len(readers.seen) > 1, "nothing was committed while they read"
    assert round_ > 1


def merged(lake: Lake, spark: SparkSession, price: float) -> None:
    rows = bars(spark, DAYS, tickers=20, minutes=30, price=price)
    lake.merge(TABLE, rows, F.col("session_date").isin(DAYS))


def upkeep(lake: Lake) -> list[Callable[[], object]]:
    table = DeltaTable.forPath(lake.spark, lake.path(TABLE))
    return [lambda: table.optimize().executeZOrderBy("ticker"), table.vacuum]


def state(lake: Lake) -> State:
    """Give what Spark reads."""
    told = lake.read(TABLE).agg(F.count("*"), F.round(F.sum("close"), 4)).collect()[0]
    return told[0], told[1]


def expected(price: float) -> State:
    """Give what the table holds when every bar has been merged at a price."""
    minutes = [round(price + minute % 7 * 0.1, 4) for minute in range(30)]
    return 20 * 30 * len(DAYS), round(sum(minutes) * 20 * len(DAYS), 4)
