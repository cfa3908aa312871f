"""Minutes against daily bars, on frames alone: each reason, what is usual, nothing looks ahead."""

from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from barlake import calendar
from barlake.io import arrow
from barlake.model import gold, ref, silver
from barlake.transforms.around import around
from barlake.transforms.reconcile import Bounds, differences, with_reason, with_tolerance
from barlake.transforms.verdicts import verdicts
from tests.builders import OPEN, SESSION, frame

EARLY = date(2026, 11, 27)
EARLY_OPEN = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
CAME = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
PRICE = Bounds(floor=0.0005, ceiling=0.005, unknown=0.0005)
VOLUME = Bounds(floor=0.02, ceiling=0.5, unknown=0.1)
DAYS = tuple(calendar.sessions_before(SESSION, 30))
KEY = ("ticker", "session_date")
Row = dict[str, Any]

# The regular minutes of every ticker here are worth this; around them lie the bars below.
MINUTES = {"open": 100.0, "high": 102.0, "low": 99.0, "close": 101.0, "volume": 1_000}
PRE, AUCTION, LATE, POST = -60, 390, 395, 600
AROUND = (
    (PRE, "pre", 98.0, 98.5, 97.0, 98.2, 10),
    (AUCTION, "close_auction", 101.5, 102.5, 101.5, 101.8, 200),
    (POST, "post", 103.0, 105.0, 103.0, 104.0, 30),
)


def bar(ticker: str, opened: datetime, told: tuple[Any, ...], **changed: Any) -> Row:
    minute, segment, *prices, volume = told
    usual = {
        "ticker": ticker,
        "ts": opened + timedelta(minutes=minute),
        "session_date": opened.date(),
        "segment": segment,
        **dict(zip(("open", "high", "low", "close"), prices, strict=True)),
        "volume": volume,
        "is_filled": False,
        "revision": 0,
        "last_changed_at": CAME - timedelta(hours=4),
    }
    return usual | changed


def day(ticker: str, session_date: date = SESSION, **changed: Any) -> Row:
    return {"ticker": ticker, "session_date": session_date} | MINUTES | changed


def daily_frame(spark: SparkSession, *rows: Row) -> DataFrame:
    """Daily bars as `daily.believed_days` gives them."""
    prices = "open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE, volume BIGINT"
    ddl = f"ticker STRING, session_date DATE, {prices}, fetched_at TIMESTAMP"
    names = (*KEY, *MINUTES, "fetched_at")
    known = [{"fetched_at": CAME} | row for row in rows]
    return spark.createDataFrame([tuple(row[name] for name in names) for row in known], ddl)


def sessions(spark: SparkSession) -> DataFrame:
    days = calendar.between(DAYS[0], EARLY)
    rows = [
        {
            "session_date": day.session_date,
            "open_utc": day.open_utc,
            "close_utc": day.close_utc,
        }
        for day in days
    ]
    return frame(spark, ref.SESSIONS, *rows)


def tolerated(days: DataFrame, daily: DataFrame) -> DataFrame:
    return with_tolerance(
        differences(days, daily),
        price=PRICE,
        volume=VOLUME,
        sessions_back=20,
        sessions_min=5,
        deviations=4.0,
    )


@pytest.fixture(scope="module")
def told(spark: SparkSession) -> dict[tuple[str, str], Row]:
    """One ticker a case: its daily bar differs from the minutes in one way."""
    cases: dict[str, Row] = {
        "SAME": day("SAME"),
        "NEAR": day("NEAR", close=101.04),
        "CROSS": day("CROSS", close=101.5, high=102.5, volume=1_200),
        "CROSS2": day("CROSS2", close=101.8),
        "PART": day("PART", close=101.06),
        "HOURS": day("HOURS", open=98.0, high=104.5, low=97.0, close=104.0, volume=1_240),
        "BEYOND": day("BEYOND", high=106.0, low=96.0, open=99.0),
        "LESS": day("LESS", high=101.5, low=99.5),
        "STALE": day("STALE", close=105.5, fetched_at=CAME - timedelta(hours=5)),
        "FRESH": day("FRESH", close=105.5),
        "SHORT": day("SHORT", EARLY, close=100.5, low=98.5, volume=1_090),
        "USUAL": day("USUAL", close=100.5),
        "HOLE": day("HOLE", volume=0),
        "LOST": day("LOST"),
        "GONE": day("GONE"),
    }
    around_early = [
        (AUCTION - 180, "close_auction", 101.0, 101.0, 101.0, 101.0, 50),
        (AUCTION - 170, "post", 98.4, 98.9, 98.4, 98.9, 30),
        (AUCTION - 1, "post", 100.5, 100.5, 100.5, 100.5, 10),
        (AUCTION + 1, "post", 120.0, 120.0, 120.0, 120.0, 10),
    ]
    bars = [
        bar(t, EARLY_OPEN if t == "SHORT" else OPEN, each)
        for t in cases
        if t not in {"GONE", "PART"}
        for each in (around_early if t == "SHORT" else AROUND)
    ]
    seen = (3, "regular", 100.0, 102.0, 99.0, 101.0, 1)
    bars += [bar(t, OPEN, seen, revision=1) for t in ("STALE", "FRESH")]
    bars += [bar("PART", OPEN, (AUCTION, "close_auction", *[101.1] * 4, 0))]
    bars += [bar("USUAL", OPEN, (5, "regular", *[100.5] * 4, 0), is_filled=True)]
    nothing = dict.fromkeys(MINUTES)
    own = [
        day(t, c["session_date"], **(nothing if t in {"LOST", "GONE"} else {}))
        for t, c in cases.items()
    ]
    beside = around(frame(spark, silver.BARS_1M, *bars), sessions(spark), usual_minutes=390)
    compared = tolerated(frame(spark, gold.BARS, *own), daily_frame(spark, *cases.values()))
    rows = with_reason(compared, beside).localCheckpoint()
    minutes = {"observed": 388, "expected": 390}
    pairs = [{name: c[name] for name in KEY} | minutes for c in cases.values()]
    said = verdicts(rows, frame(spark, silver.COVERAGE, *pairs))
    judged = {(r["ticker"], f"daily_{r['measure']}"): r for r in arrow.rows(rows)}
    return {(r["ticker"], r["rule"]): r | judged[r["ticker"], r["rule"]] for r in arrow.rows(said)}


def reasons(told: dict[tuple[str, str], Row], ticker: str) -> dict[str, tuple[str | None, bool]]:
    """What is said of the measures that differ, or fail."""
    return {
        rule.removeprefix("daily_"): (r["reason"], r["passed"])
        for (name, rule), r in told.items()
        if name == ticker and (r["reason"] or not r["passed"])
    }


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [
        ("SAME", {}),
        ("NEAR", {}),
        ("CROSS", dict.fromkeys(("high", "close", "volume"), ("closing_cross", True))),
        ("CROSS2", {"close": ("closing_cross", True)}),
        ("PART", {"close": ("unexplained", False)}),
        ("HOURS", dict.fromkeys(("open", "high", "low", "close", "volume"), ("after_hours", True))),
        ("BEYOND", dict.fromkeys(("open", "high", "low"), ("unexplained", False))),
        ("LESS", dict.fromkeys(("high", "low"), ("unexplained", False))),
        ("STALE", {"close": ("revision", False)}),
        ("FRESH", {"close": ("unexplained", False)}),
        ("SHORT", dict.fromkeys(("low", "close", "volume"), ("early_close", True))),
        ("USUAL", {"close": ("unexplained", False)}),
        ("HOLE", {"volume": ("unexplained", False)}),
        ("LOST", dict.fromkeys(MINUTES, ("unexplained", False))),
        ("GONE", dict.fromkeys(MINUTES, ("unexplained", False))),
    ],
)
def test_each_difference_has_its_reason(
    told: dict[tuple[str, str], Row], ticker: str, expected: Row
) -> None:
    assert reasons(told, ticker) == expected


def test_a_verdict_tells_both_values_the_reason_and_the_minute(
    told: dict[tuple[str, str], Row],
) -> None:
    cross, fresh = told["CROSS", "daily_volume"], told["FRESH", "daily_close"]
    lost = told["GONE", "daily_low"]

    assert cross["observed"] == (
        "1000 (-16.667 %) from 388 of 390 minutes; closing_cross: the daily bar counts the closing"
        " auction"
    )
    assert (cross["expected"], cross["sample_keys"]) == ("1200 within 10.000 %", [])
    assert fresh["observed"].startswith("101.0 (-4.265 %) from 388 of 390 minutes; unexplained: ")
    assert fresh["expected"] == "105.5 within 0.050 %"
    assert fresh["sample_keys"] == ["FRESH@2026-11-20T14:33:00Z"]
    assert lost["observed"].startswith("none from 388 of 390 minutes; unexplained: ")
    assert {(r["table"], r["severity"]) for r in told.values()} == {("silver.bars_1m", "warning")}


def history(ticker: str, values: list[tuple[float, int]]) -> tuple[list[Row], list[Row]]:
    """Sessions with minute closes and volumes, and the same daily bar each day."""
    days = list(zip(DAYS, values, strict=False))
    own = [day(ticker, d, close=close, volume=volume) for d, (close, volume) in days]
    return own, [day(ticker, d) for d, _ in days]


def usual_of(past: list[float], *, is_volume: bool) -> tuple[float, float]:
    """What is usual, from the definition: the centre and the tolerance."""
    bounds = VOLUME if is_volume else PRICE
    if len(past) < 5:
        return 0.0, bounds.unknown
    middle = median(past)
    spread = 4.0 * 1.4826 * median(abs(p - middle) for p in past)
    return middle if is_volume else 0.0, min(bounds.ceiling, max(bounds.floor, spread))


closes = st.floats(99.0, 103.0).map(lambda price: round(price, 2))


@given(values=st.lists(st.tuples(closes, st.integers(500, 1_100)), min_size=26, max_size=26))
def test_what_is_usual_comes_from_the_tickers_last_20_sessions_alone(
    spark: SparkSession, values: list[tuple[float, int]]
) -> None:
    """Against the definition; and every cut of the history tells the same of what it holds."""
    cuts = (*range(1, len(values), 5), len(values))
    told = [history(f"T{cut}", values[:cut]) for cut in cuts]
    own, daily = ([row for pair in told for row in pair[side]] for side in (0, 1))

    rows = arrow.rows(tolerated(frame(spark, gold.BARS, *own), daily_frame(spark, *daily)))

    known = {(r["ticker"], r["measure"], r["session_date"]): r for r in rows}
    away = [(close / 101.0 - 1, volume / 1_000 - 1) for close, volume in values]
    for cut in cuts:
        for at in range(cut):
            for measure, side in (("close", 0), ("volume", 1)):
                past = [a[side] for a in away[max(0, at - 20) : at]]
                row = known[f"T{cut}", measure, DAYS[at]]
                expected = usual_of(past, is_volume=measure == "volume")
                assert (row["usual"], row["tolerance"]) == pytest.approx(expected, abs=1e-12)
                is_usual = abs(away[at][side] - expected[0]) <= expected[1]
                assert row["is_usual"] == is_usual


prices = st.floats(0.01, 9_000.0).map(lambda price: round(price, 4))


@given(bars=st.lists(st.tuples(prices, st.integers(0, 10**9)), min_size=8, max_size=8))
def test_equal_minutes_and_daily_bars_all_pass(
    spark: SparkSession, bars: list[tuple[float, int]]
) -> None:
    own = [
        day("AAA", d, open=p, high=p, low=p, close=p, volume=v)
        for d, (p, v) in zip(DAYS, bars, strict=False)
    ]
    other = frame(spark, silver.BARS_1M, bar("ZZZ", OPEN, AROUND[0]))
    nothing = around(other, sessions(spark), usual_minutes=390)

    rows = with_reason(tolerated(frame(spark, gold.BARS, *own), daily_frame(spark, *own)), nothing)

    assert {(r["passed"], r["reason"]) for r in arrow.rows(rows)} == {(True, None)}
