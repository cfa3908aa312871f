"""When a bar is believed, and in which share unit: one lake, delivery after delivery."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from barlake.io.lake import Lake
from barlake.model.errors import InputError
from barlake.settings import Settings
from barlake.sources.manners import Chance, Manners, Split
from tests.builders import (
    AFTER,
    CLOSE,
    OPEN,
    deliver,
    held,
    row,
    run_files,
    run_simulated,
    stamp,
    write_bars,
)
from tests.conftest import new_lake
from tests.few_rows import planned_as_usual

NOON = OPEN + timedelta(minutes=15)
Day = dict[str, dict[int, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Told:
    """Silver by ticker and minute: in the session, and after the night."""

    running: Day
    night: Day
    lake: Lake


def by_minute(lake: Lake) -> Day:
    found: Day = {}
    for bar in held(lake, "SELECT * FROM silver.bars_1m WHERE segment = 'regular'"):
        found.setdefault(bar["ticker"], {})[bar["minute_of_session"]] = bar
    return found


def early_rows() -> list[dict[str, Any]]:
    """Two fetches in the running session, 15 and 17 minutes after the open."""
    first, second = stamp(NOON), stamp(NOON + timedelta(minutes=2))
    return [
        row(0, ticker="ONCE", fetched_at=first),
        row(0, ticker="AGAIN", fetched_at=first),
        row(0, ticker="AGAIN", fetched_at=second),
        row(0, ticker="MOVED", close=100.0, fetched_at=first),
        row(0, ticker="MOVED", close=101.0, fetched_at=second),
        *(row(m, ticker="HALF", close=100.0 + m, fetched_at=second) for m in range(12)),
        row(0, ticker="FADES", fetched_at=second),
        *(row(m, ticker="CENTS", close=100.0, fetched_at=second) for m in range(12)),
        row(0, ticker="CENT", close=100.0, fetched_at=second),
    ]


def night_rows() -> list[dict[str, Any]]:
    """The night's fetch: all minutes are final, and two tickers are in another share unit."""
    return [
        row(0, ticker="ONCE"),
        row(0, ticker="AGAIN"),
        row(0, ticker="MOVED", close=101.0),
        row(5, ticker="MOVED", close=102.0),
        *(row(m, ticker="HALF", close=(100.0 + m) / 2) for m in range(12)),
        row(20, ticker="HALF", close=60.0),
        row(0, ticker="FADES", volume=0),
        *(row(m, ticker="CENTS", close=10_000.0) for m in range(12)),
        row(0, ticker="CENT", close=10_000.0),
        row(389, ticker="LAST"),
    ]


@pytest.fixture(scope="module", autouse=True)
def _planned_as_usual(spark: SparkSession, _few_rows: None) -> Iterator[None]:
    with planned_as_usual(spark):
        yield


@pytest.fixture(scope="module")
def told(spark: SparkSession, conf: Settings, tmp_path_factory: pytest.TempPathFactory) -> Told:
    root = tmp_path_factory.mktemp("truth")
    lake = new_lake(spark, root / "lake")
    deliver(
        lake, conf, write_bars(root / "early.csv", early_rows()), now=OPEN + timedelta(minutes=17)
    )
    running = by_minute(lake)
    deliver(lake, conf, write_bars(root / "night.csv", night_rows()), now=AFTER)
    return Told(running, by_minute(lake), lake)


def test_a_bar_served_once_before_it_is_final_is_not_believed(told: Told) -> None:
    assert "ONCE" not in told.running
    assert "MOVED" not in told.running


def test_a_bar_that_a_later_fetch_confirms_is_believed_but_not_settled(told: Told) -> None:
    bar = told.running["AGAIN"][0]

    assert (bar["close"], bar["is_settled"], bar["revision"]) == (100.0, False, 0)


def test_after_the_close_every_bar_is_settled_with_its_last_value(told: Told) -> None:
    moved = told.night["MOVED"][0]

    assert (moved["close"], moved["revision"], moved["is_settled"]) == (101.0, 1, True)
    assert moved["first_seen_at"] < moved["last_changed_at"]
    assert all(bar["is_settled"] for bar in told.night["MOVED"].values())


def test_a_covered_close_fills_the_session_to_its_last_minute(told: Told) -> None:
    """Another ticker's bar in the last minute covers the close of all in the delivery."""
    moved = told.night["MOVED"]

    assert sorted(moved) == list(range(390))
    assert [moved[m]["fill_age"] for m in (0, 1, 4, 5, 6, 389)] == [0, 1, 4, 0, 1, 384]
    assert {moved[m]["close"] for m in range(6, 390)} == {102.0}
    assert told.night["ONCE"][389]["volume"] == 0


def test_a_delivery_in_an_unexplained_share_unit_is_refused_whole(told: Told) -> None:
    refused = held(told.lake, "SELECT * FROM silver.quarantine WHERE rule = 'share_unit'")

    assert Counter(r["ticker"] for r in refused) == {"HALF": 13, "CENTS": 12}
    assert told.night.get("HALF", {}).get(20) is None or told.night["HALF"][20]["is_filled"]


def test_one_bar_a_hundred_times_dear_tells_no_unit_and_is_a_correction(told: Told) -> None:
    """Ten minutes must agree on a ratio before a delivery is refused for it."""
    bar = told.night["CENT"][0]

    assert (bar["close"], bar["revision"]) == (10_000.0, 1)


def test_a_volume_that_drops_to_zero_is_refused(told: Told) -> None:
    refused = held(told.lake, "SELECT ticker FROM silver.quarantine WHERE volume_text = '0'")

    assert refused == [{"ticker": "FADES"}]


def test_a_split_leaves_stored_bars_as_traded(tmp_path: Path) -> None:
    """The night after a 4:1 split the vendor serves yesterday in the new unit: nothing changes."""
    before, ex = date(2026, 11, 18), date(2026, 11, 19)
    split = Manners(splits=Chance(at=(Split(ticker="S", ex_date=ex, ratio=4.0),)))
    evening, next_evening = (datetime(2026, 11, day, 2, tzinfo=UTC) for day in (19, 20))

    run_simulated(tmp_path, ["S"], before, before, as_of=evening, manners=split)
    second = run_simulated(tmp_path, ["S"], before, ex, as_of=next_evening, manners=split)

    assert second.ingested is not None
    counts = second.ingested.counts
    assert (counts["new"], counts["changed"], counts["unchanged"]) == (390, 0, 390)
    [ratio] = held(
        second.lake,
        "SELECT (SELECT min(close) FROM silver.bars_1m WHERE session_date = '2026-11-18')"
        " / (SELECT max(close) FROM silver.bars_1m WHERE session_date = '2026-11-19') AS r",
    )
    assert ratio["r"] > 3
    assert held(second.lake, "SELECT kind, value FROM ref.actions") == [
        {"kind": "split", "value": 4.0}
    ]
    first_seen_after = run_simulated(
        tmp_path / "late", ["S"], before, ex, as_of=next_evening, manners=split
    )
    closes = "SELECT ts, close, volume FROM silver.bars_1m ORDER BY ts"
    late, living = (held(n.lake, closes) for n in (first_seen_after, second))
    assert [bar["ts"] for bar in late] == [bar["ts"] for bar in living]
    assert all(abs(a["close"] - b["close"]) <= 0.02 for a, b in zip(late, living, strict=True))


def test_real_bars_never_join_simulated_ones(tmp_path: Path) -> None:
    run_simulated(tmp_path / "lake", ["S"], date(2026, 11, 18), date(2026, 11, 18))

    with pytest.raises(InputError, match="simulated"):
        run_files(tmp_path / "lake", write_bars(tmp_path / "bars.csv", [row()]))

    assert CLOSE > OPEN
