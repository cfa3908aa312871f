"""ClickHouse over a lake's bars: equal to gold, loaded again, and after a correction too."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyspark.sql import SparkSession

import barlake
from barlake.io.lake import Lake
from barlake.pipelines.gold import build_gold
from barlake.readers import clickhouse
from barlake.readers.clickhouse import Embedded, Engine, load
from barlake.readers.frames import OpenLake
from barlake.settings import Settings
from tests.builders import AFTER, SESSION, deliver, row, stamp, write_bars
from tests.conftest import new_lake

Rows = list[dict[str, Any]]

NEXT = date(2026, 11, 23)
NEXT_OPEN = datetime.fromisoformat("2026-11-23T14:30Z")
LATER = AFTER + timedelta(days=4)
_GOLD = """
SELECT ticker, ts, session_date, open, high, low, close, volume, vwap, n_observed
FROM gold.bars WHERE "interval" = '5m' ORDER BY ticker, ts
"""
_HERE = "SELECT * FROM barlake.bars_5m ORDER BY ticker, ts"
_GOLD_VWAP = """
SELECT ticker, session_date, max_by(vwap, ts) AS vwap FROM gold.features_1m
GROUP BY ALL ORDER BY ALL
"""
_VWAP_HERE = "SELECT ticker, session_date, vwap FROM barlake.vwap ORDER BY ticker, session_date"
_SILVER = """
SELECT ticker, ts, segment, close, volume, is_filled, revision FROM silver.bars_1m
ORDER BY ticker, ts
"""
_BARS_HERE = """
SELECT ticker, ts, segment, close, volume, is_filled, revision FROM barlake.bars_1m
ORDER BY ticker, ts
"""
_STATES = "SELECT sum(volume) AS shares, sum(n_observed) AS bars FROM barlake.bars_5m_states"


def first_delivery() -> Rows:
    """Two sessions of two tickers: gaps, minutes without volume, an auction, a bar before hours."""
    whole = [
        row(minute, 100.0 + minute % 7 / 8, high=101.5, low=99.25, volume=100 * (minute % 5))
        for minute in range(390)
        if minute % 11 and not 200 <= minute < 212
    ]
    sparse = [row(minute, 40.0 + minute / 64, ticker="MSFT") for minute in (3, 4, 5, 61, 389)]
    around = [row(390, 100.5, volume=9_000), row(-60, 100.25, volume=0)]
    monday = [
        row(0, 102.0, ts=stamp(NEXT_OPEN + timedelta(minutes=minute)), volume=7 + minute)
        for minute in range(0, 30, 3)
    ]
    return [*whole, *sparse, *around, *monday]


def corrected() -> Rows:
    """A bucket's first and last bar corrected, one of its highs taken back, a bar that is late."""
    return [
        row(15, 98.0, volume=5_000),
        row(19, 103.0, volume=1),
        row(17, 100.0, high=100.5, low=100.0),
        row(62, 41.5, ticker="MSFT"),
    ]


@pytest.fixture(scope="module")
def states(
    spark: SparkSession, conf: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lake, OpenLake, Embedded]]:
    """A lake of two sessions, in ClickHouse."""
    folder = tmp_path_factory.mktemp("clickhouse")
    with clickhouse.embedded(str(folder / "db")) as engine:
        lake = new_lake(spark, folder / "lake")
        filled(lake, conf, write_bars(folder / "bars.csv", first_delivery()), LATER)
        yield lake, barlake.open(lake.store), engine


def filled(lake: Lake, conf: Settings, path: Path, now: datetime) -> None:
    """Bring a file of bars to gold."""
    done = deliver(lake, conf, path, now=now)
    build_gold(lake, done.sessions)


def agree(lake: OpenLake, engine: Engine) -> None:
    """Hold everything that ClickHouse says against silver and gold."""
    assert engine.run(_BARS_HERE) == lake.rows(_SILVER)
    for ours, theirs in ((_GOLD, _HERE), (_GOLD_VWAP, _VWAP_HERE)):
        held, found = lake.rows(ours), engine.run(theirs)
        assert held
        assert [near(row) for row in found] == [near(row) for row in held]
        assert [row["vwap"] for row in found] == pytest.approx(
            [row["vwap"] for row in held], rel=1e-12
        )


def near(found: dict[str, Any]) -> dict[str, Any]:
    """All but the one number that depends on the order of a sum."""
    return {name: value for name, value in found.items() if name != "vwap"}


def test_states_equal_gold_after_each_load_and_after_a_correction(
    states: tuple[Lake, OpenLake, Embedded], conf: Settings, tmp_path: Path
) -> None:
    lake, opened, engine = states
    done = load(opened, engine)
    agree(opened, engine)
    before = engine.run(_STATES)

    assert set(done) == {SESSION, NEXT}
    assert sum(done.values()) == opened.rows("SELECT count(*) AS n FROM silver.bars_1m")[0]["n"]
    assert load(opened, engine) == {}

    filled(lake, conf, write_bars(tmp_path / "more.csv", corrected()), LATER + timedelta(hours=1))
    assert [near(r) for r in engine.run(_HERE)] != [near(r) for r in opened.rows(_GOLD)]
    assert set(load(opened, engine)) == {SESSION}
    agree(opened, engine)
    assert engine.run(_STATES) != before


class Broken:
    """An engine that is cut off before it has written a session down."""

    def __init__(self, engine: Embedded) -> None:
        self._engine = engine

    def run(self, statement: str, **values: object) -> Rows:
        if "INSERT INTO barlake.loads" in statement:
            raise ConnectionError("gone")
        return self._engine.run(statement, **values)

    def insert(self, table: str, rows: pyarrow.Table) -> None:
        self._engine.insert(table, rows)


def test_a_load_that_was_cut_off_is_repeated_and_counts_nothing_twice(
    states: tuple[Lake, OpenLake, Embedded],
) -> None:
    _, opened, engine = states
    load(opened, engine)
    whole = engine.run(_STATES)
    engine.run("TRUNCATE TABLE barlake.loads")

    with pytest.raises(ConnectionError):
        load(opened, Broken(engine))

    assert set(load(opened, engine)) == {SESSION, NEXT}
    assert engine.run(_STATES) == whole
    agree(opened, engine)


def test_a_session_that_the_lake_no_longer_has_leaves(
    states: tuple[Lake, OpenLake, Embedded], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, opened, engine = states
    load(opened, engine)
    rest = {day: text for day, text in clickhouse.fingerprints(opened).items() if day != NEXT}
    with monkeypatch.context() as patch:
        patch.setattr(clickhouse, "fingerprints", lambda _: rest)
        assert load(opened, engine) == {NEXT: 0}
        assert load(opened, engine) == {}

    days = "SELECT DISTINCT session_date FROM :table"
    for table in ("barlake.bars_1m", "barlake.bars_5m_states", "barlake.vwap_states"):
        assert engine.run(days.replace(":table", table)) == [{"session_date": SESSION}]

    assert set(load(opened, engine)) == {NEXT}
    agree(opened, engine)
