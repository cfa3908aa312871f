"""Features on frames alone: nothing looks ahead, recursive averages are exact."""

from datetime import date, timedelta
from decimal import Decimal, getcontext
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from barlake.io import arrow
from barlake.model import silver
from barlake.transforms.averages import recursive_mean
from barlake.transforms.features import features
from barlake.transforms.lookback import context, shapes
from tests.builders import OPEN, SESSION

KEY = ("ticker", "ts")


def grid(spark: SparkSession, days: dict[str, list[tuple[float, int]]]) -> DataFrame:
    """One session per ticker: (close, volume) of each minute from the open; volume -1 = filled."""
    rows = [
        {
            "ticker": ticker,
            "ts": OPEN + timedelta(minutes=minute),
            "session_date": SESSION,
            "minute_of_session": minute,
            "open": close,
            "high": close * 1.001,
            "low": close * 0.999,
            "close": close,
            "volume": max(volume, 0),
            "is_filled": volume < 0,
            "revision": minute % 3,
        }
        for ticker, day in days.items()
        for minute, (close, volume) in enumerate(day)
    ]
    return arrow.frame(spark, silver.BARS_1M, rows, only=tuple(rows[0]))


def computed(spark: SparkSession, days: dict[str, list[tuple[float, int]]]) -> dict[object, object]:
    """Every feature of every row, by key."""
    bars = grid(spark, days)
    sessions = spark.createDataFrame([(date(2026, 11, 19),), (SESSION,)], "session_date DATE")
    known = features(bars, context(shapes(bars), sessions, [SESSION]))
    return {tuple(row[k] for k in KEY): row for row in arrow.rows(known)}


closes = st.floats(1.0, 1_000.0).map(lambda price: round(price, 2))
minutes = st.tuples(closes, st.integers(-1, 5_000))


@given(day=st.lists(minutes, min_size=70, max_size=70))
def test_no_feature_looks_ahead(spark: SparkSession, day: list[tuple[float, int]]) -> None:
    """What is known at a minute never changes when later bars arrive: each cut, a ticker each."""
    cuts = range(1, len(day))

    early = computed(spark, {f"T{cut}": day[:cut] for cut in cuts})
    whole = computed(spark, {f"T{cut}": day for cut in cuts})

    assert len(early) == sum(cuts)
    assert {key: whole[key] for key in early} == early


@pytest.mark.parametrize(("weight", "start"), [(2 / 13, 0), (2 / 27, 0), (1 / 14, 0), (1 / 14, 1)])
def test_a_recursive_mean_is_its_recursion(spark: SparkSession, weight: float, start: int) -> None:
    """Against the recursion in 50 digits, over a session of 390 minutes: within 1e-12."""
    random = Random(7)  # noqa: S311 - a draw, not a secret
    day = [(round(100 + random.gauss(0, 5), 4), 100) for _ in range(390)]
    session = Window.partitionBy("ticker", "session_date").orderBy("ts")
    mean = recursive_mean(F.col("close"), weight=weight, start=start, session=session)

    rows = arrow.rows(grid(spark, {"T": day}).select("ts", mean.alias("mean")).orderBy("ts"))

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
    rows = computed(spark, {"T": [(100.1, 7)] * 70})
    last = rows["T", OPEN + timedelta(minutes=69)]

    assert isinstance(last, dict)
    assert (last["volume_z_60"], last["std_20"], last["rv_30"]) == (None, 0.0, 0.0)
    assert last["rsi_14"] == 100.0
