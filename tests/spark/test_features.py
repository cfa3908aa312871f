"""Features on frames alone: nothing looks ahead, recursive averages are exact."""

from datetime import date, timedelta
from decimal import Decimal, getcontext
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.model import gold, silver
from barlake.transforms.averages import recursive_mean
from barlake.transforms.features import features
from barlake.transforms.lookback import context, shapes
from tests.builders import OPEN

KEY = ("ticker", "ts")
# What the earlier ones say of a session: usual volume needs five of them, the gap the last one.
*EARLIER, TODAY, TOMORROW = calendar.between(date(2026, 11, 12), date(2026, 11, 23))

Minutes = list[tuple[float, int]]
Sessions = dict[calendar.Session, Minutes]


def grid(spark: SparkSession, held: dict[str, Sessions]) -> DataFrame:
    """By ticker and session, (close, volume) of each minute from the open; volume -1 = filled."""
    rows = [
        {
            "ticker": ticker,
            "ts": day.open_utc + timedelta(minutes=minute),
            "session_date": day.session_date,
            "minute_of_session": minute,
            "open": close,
            "high": close * 1.001,
            "low": close * 0.999,
            "close": close,
            "volume": max(volume, 0),
            "is_filled": volume < 0,
            "revision": minute % 3,
        }
        for ticker, sessions in held.items()
        for day, shown in sessions.items()
        for minute, (close, volume) in enumerate(shown)
    ]
    return arrow.frame(spark, silver.BARS_1M, rows, only=tuple(rows[0]))


def computed(spark: SparkSession, held: dict[str, Sessions]) -> dict[object, dict[str, Any]]:
    """Every feature of every row, by key."""
    bars = grid(spark, held)
    days = [day.session_date for day in (*EARLIER, TODAY, TOMORROW)]
    sessions = spark.createDataFrame([(day,) for day in days], "session_date DATE")
    known = features(bars, context(shapes(bars), sessions, days))
    return {tuple(row[k] for k in KEY): row for row in arrow.rows(known)}


closes = st.floats(1.0, 1_000.0).map(lambda price: round(price, 2))
minutes = st.tuples(closes, st.integers(-1, 5_000))
traded = st.tuples(closes, st.integers(1, 5_000))
filled = st.tuples(closes, st.just(-1))


@given(
    earlier=st.lists(
        st.lists(traded, min_size=3, max_size=3), min_size=len(EARLIER), max_size=len(EARLIER)
    ),
    day=st.tuples(traded, filled, *[minutes] * 68).map(list),
    tomorrow=st.lists(minutes, min_size=3, max_size=3),
)
def test_no_feature_looks_ahead(
    spark: SparkSession,
    earlier: list[Minutes],
    day: Minutes,
    tomorrow: Minutes,
) -> None:
    """What is known at a minute never changes when later bars arrive: each cut, a ticker each.

    A share is traded at the open and none a minute later, so that no feature is always null.
    """
    cuts = range(1, len(day))
    before = dict(zip(EARLIER, earlier, strict=True))

    early = computed(spark, {f"T{cut}": before | {TODAY: day[:cut]} for cut in cuts})
    after = {TODAY: day, TOMORROW: tomorrow}
    whole = computed(spark, {f"T{cut}": before | after for cut in cuts})

    assert len(early) == sum(cuts) + len(cuts) * sum(map(len, earlier))
    assert {key: whole[key] for key in early} == early
    said = {name for row in early.values() for name, value in row.items() if value is not None}
    assert {*gold.FEATURES_1M.names} - {*gold.FEATURES_1M.lineage} <= said


@pytest.mark.parametrize(("weight", "start"), [(2 / 13, 0), (2 / 27, 0), (1 / 14, 0), (1 / 14, 1)])
def test_a_recursive_mean_is_its_recursion(spark: SparkSession, weight: float, start: int) -> None:
    """Against the recursion in 50 digits, over a session of 390 minutes: within 1e-12."""
    random = Random(7)  # noqa: S311 - a draw, not a secret
    day = [(round(100 + random.gauss(0, 5), 4), 100) for _ in range(390)]
    session = Window.partitionBy("ticker", "session_date").orderBy("ts")
    mean = recursive_mean(F.col("close"), weight=weight, start=start, session=session)

    rows = arrow.rows(
        grid(spark, {"T": {TODAY: day}}).select("ts", mean.alias("mean")).orderBy("ts")
    )

    getcontext().prec = 50
    exact: list[Decimal | None] = [None] * start
    level = Decimal(day[start][0])
    exact.append(level)
    for close, _ in day[start + 1 :]:
        level += Decimal(weight) * (Decimal(close) - level)
        exact.append(level)
    for row, expected in zip(rows, exact, strict=True):
        if expected is None:
            assert row["mean"] is None
        else:
            assert row["mean"] == pytest.approx(float(expected), rel=1e-12)


def test_a_flat_window_has_no_volume_score_and_no_spread(spark: SparkSession) -> None:
    rows = computed(spark, {"T": {TODAY: [(100.1, 7)] * 70}})
    last = rows["T", OPEN + timedelta(minutes=69)]

    assert (last["volume_z_60"], last["std_20"], last["rv_30"]) == (None, 0.0, 0.0)
    assert last["rsi_14"] == 100.0
