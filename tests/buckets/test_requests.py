"""What the store is asked for: a day's MERGE, whatever the history; and a ticker's day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import barlake
from barlake.io.lake import Lake
from barlake.io.spark import open_session
from barlake.io.store import open_store
from barlake.model import silver
from infra.server import HOST, Server
from tests.buckets.days import FIRST, bars, now, run_of
from tests.object_stores import Place, placed
from tests.stores.proxy import Proxy

DATA = r"part-.*parquet"


@dataclass(frozen=True)
class Served:
    """A bucket behind a proxy that counts."""

    place: Place
    proxy: Proxy

    def lake(self, spark: SparkSession, name: str) -> Lake:
        store = open_store(f"s3a://{self.place.bucket}/{name}", self.place.access)
        made = Lake(spark, store, "counted", now())
        made.create([silver.BARS_1M])
        return made


@pytest.fixture(scope="module")
def served(minio: Server) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch, Proxy((HOST, minio.port)) as proxy:
        place = placed(minio, patch)
        patch.setenv("BARLAKE_LAKE__ENDPOINT", proxy.url)
        through = Place(minio._replace(url=proxy.url), place.bucket)
        open_session("counted", "counted", through.access)
        yield Served(through, proxy)


def merged(lake: Lake, proxy: Proxy, rows: DataFrame, days: list[date]) -> int:
    """Merge days of bars; give how many requests that took."""
    frozen = rows.localCheckpoint()
    proxy.clear()
    lake.merge(silver.BARS_1M, frozen, F.col("session_date").isin(days))
    return len(proxy.requests)


def counts(spark: SparkSession, served: Served, history: int) -> list[int]:
    """Give the requests of: a new day, another, a correction of it, and the correction again."""
    lake = served.lake(spark, f"after-{history}")
    merged(lake, served.proxy, bars(spark, run_of(history), tickers=5, minutes=4), run_of(history))
    found = []
    for number, price in ((0, 100.0), (1, 100.0), (1, 101.0), (1, 101.0)):
        day = FIRST + timedelta(days=history + number)
        rows = bars(spark, [day], tickers=5, minutes=4, price=price)
        found.append(merged(lake, served.proxy, rows, [day]))
    return found


def test_a_day_costs_the_same_whatever_the_history(spark: SparkSession, served: Served) -> None:
    """After 20 days and after 250, as many commits after a checkpoint.

    Each commit since then is read again, twice by two requests.
    """
    few, many = counts(spark, served, 20), counts(spark, served, 250)

    assert many == few
    new, another, corrected, _ = few
    assert new <= 30
    assert another == new + 4
    assert corrected <= another + 16


def test_a_tickers_day_is_one_file_and_few_bytes(spark: SparkSession, served: Served) -> None:
    lake = served.lake(spark, "read")
    days = run_of(2)
    merged(lake, served.proxy, bars(spark, days, tickers=200, minutes=390), days)
    opened = barlake.open(lake.store)
    served.proxy.clear()

    rows = opened.bars("T117", start=days[1], end=days[1]).fetchall()

    got = served.proxy.matching("GET", DATA)
    assert len(rows) == 390
    assert len({request.target for request in got}) == 1
    assert len(got) <= 3
    assert sum(request.received for request in got) <= 64_000
