"""Bars as known at a time: what silver and gold held then, worked out from the ledger."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake import steps_upkeep
from barlake.model.gold import INTERVALS
from barlake.options import Options
from barlake.sources.manners import Chance, Correction, Manners, Split
from tests.builders import run_simulated
from tests.lake.aging import age

TICKERS = ["AAPL", "MSFT", "NVDA"]
FIRST, THIRD = date(2026, 11, 18), date(2026, 11, 20)
# While a session runs, with bars that are not final; after it; and once more for what came late.
NIGHTS = (
    (datetime(2026, 11, 18, 18, 31, 20, tzinfo=UTC), FIRST, FIRST),
    (datetime(2026, 11, 18, 18, 40, 20, tzinfo=UTC), FIRST, FIRST),
    (datetime(2026, 11, 19, 2, 0, tzinfo=UTC), FIRST, FIRST),
    (datetime(2026, 11, 21, 2, 0, tzinfo=UTC), FIRST, THIRD),
)
MANNERS = replace(
    Manners.only(
        "extended_hours",
        "closing_auction",
        "live_snapshot",
        "provisional",
        "first_row",
        "float_noise",
    ),
    flips=Chance(0.02),
    missing_minutes=Chance(0.02),
    duplicates=Chance(0.5),
    corrections=Chance(
        at=(
            Correction(
                ticker="AAPL",
                session_date=FIRST,
                known_at=NIGHTS[2][0] + timedelta(hours=1),
                minute=30,
            ),
            Correction(
                ticker="MSFT", session_date=FIRST, known_at=NIGHTS[3][0] - timedelta(hours=1)
            ),
        )
    ),
    splits=Chance(at=(Split(ticker="NVDA", ex_date=THIRD, ratio=4.0),)),
)
SILVER = """
SELECT ts, session_date, minute_of_session, segment, open, high, low, close, volume, revision,
       first_seen_at, last_changed_at AS fetched_at, source
FROM silver.bars_1m WHERE ticker = $ticker AND NOT is_filled ORDER BY ts
"""
GOLD = """
SELECT ts, session_date, open, high, low, close, volume, vwap, n_observed, n_expected, is_short
FROM gold.bars WHERE ticker = $ticker AND "interval" = $interval ORDER BY ts
"""
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Held:
    """What a ticker's silver and gold held after a night, by interval."""

    night: datetime
    ticker: str
    rows: dict[str, Rows]


@dataclass(frozen=True, slots=True)
class World:
    """A lake, and what it held after each of its nights."""

    root: Path
    held: Sequence[Held]


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    del spark
    root = tmp_path_factory.mktemp("known") / "lake"
    held = []
    for moment, start, end in NIGHTS:
        run_simulated(root, TICKERS, start, end, as_of=moment, manners=MANNERS)
        held += [Held(moment, ticker, held_by(root, ticker)) for ticker in TICKERS]
    return World(root, held)


def held_by(root: Path, ticker: str) -> dict[str, Rows]:
    lake = barlake.open(str(root))
    found = {"1m": lake.rows(SILVER, ticker=ticker)}
    return found | {name: lake.rows(GOLD, ticker=ticker, interval=name) for name in INTERVALS}


def as_known(root: Path, held: Held) -> dict[str, Rows]:
    """Give the same from the ledger, with the columns that the tables have."""
    lake = barlake.open(str(root))
    found = {}
    for interval, rows in held.rows.items():
        bars = lake.bars(held.ticker, as_known=held.night, interval=interval)
        names = rows[0].keys() if rows else ()
        found[interval] = [
            {name: row[name] for name in names} for row in bars.arrow().read_all().to_pylist()
        ]
    return found


def test_the_world_has_what_this_is_about(world: World) -> None:
    """Late, corrected, converted and confirmed bars, and some that are never believed."""
    lake = barlake.open(str(world.root))
    provisional = "fetched_at < ts + INTERVAL 21 MINUTE"

    def count(query: str) -> int:
        return len(lake.rows(f"FROM {query}"))

    later = [len(held.rows["1m"]) for held in world.held if held.ticker == "AAPL"]
    assert later == sorted(later)
    assert len(set(later)) == len(NIGHTS)
    assert count("bronze.bars WHERE revision > 0") > 10
    assert count(f"bronze.bars WHERE {provisional}") > 10
    first = next(held for held in world.held if held.ticker == "AAPL")
    known = {row["ts"] for row in first.rows["1m"]}
    unripe = lake.rows(
        "SELECT ts FROM bronze.bars WHERE ticker = 'AAPL' AND fetched_at <= $night",
        night=NIGHTS[0][0],
    )
    assert {row["ts"] for row in unripe} > known
    confirmed = [
        row
        for held in world.held
        for row in held.rows["1m"]
        if row["fetched_at"] < row["ts"] + timedelta(minutes=21)
    ]
    assert confirmed  # believed only because it was served again
    assert count("ref.actions WHERE kind = 'split'") == 1


def test_bars_as_known_are_what_silver_and_gold_held(world: World) -> None:
    for held in world.held:
        assert as_known(world.root, held) == held.rows, f"{held.ticker} at {held.night}"


def test_vacuum_takes_nothing_from_it(world: World, tmp_path: Path) -> None:
    root = tmp_path / "lake"
    shutil.copytree(world.root, root)
    shutil.rmtree(root / "_labels")
    age(root, 40)
    gone = steps_upkeep.vacuum(Options(lake=str(root), as_of=NIGHTS[-1][0]))["files_deleted"]
    assert gone["silver.bars_1m"] > 0
    assert gone["gold.bars"] > 0

    for held in world.held:
        assert as_known(root, held) == held.rows, f"{held.ticker} at {held.night}"


def test_as_known_is_in_the_shares_of_then(world: World) -> None:
    """Before the split was known a share was a share; after it, four."""
    before, after = NIGHTS[2][0], NIGHTS[3][0]
    lake = barlake.open(str(world.root))

    for interval in ("1m", "5m", "1d"):
        then, now, plain = (
            lake.bars("NVDA", end=FIRST, interval=interval, **asked).arrow().read_all().to_pylist()
            for asked in (
                {"as_known": before, "adjusted": True},
                {"as_known": after, "adjusted": True},
                {"as_known": after},
            )
        )
        assert {row["split_factor"] for row in then} == {1.0}
        assert {row["split_factor"] for row in now} == {4.0}
        assert [row["close"] for row in now] == [row["close"] / 4 for row in plain]
        assert [row["volume"] for row in now] == [row["volume"] * 4 for row in plain]


def test_nothing_was_known_before_the_first_night(world: World) -> None:
    lake = barlake.open(str(world.root))

    for interval in ("1m", *INTERVALS):
        found = lake.bars("AAPL", as_known=NIGHTS[0][0] - timedelta(days=1), interval=interval)
        assert found.arrow().read_all().to_pylist() == []
