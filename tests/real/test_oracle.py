"""The oracle is held to numbers worked out by hand, to other people's code, and to recordings.

The hand-made days are around 2024-07-03 (a Wednesday, early close at 13:00) and the holiday after
it; a plain bar is flat at its close and has 100 shares.
"""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pandas_ta_classic as ta
import pytest
import talib

from tests.real import adapters, oracle
from tests.real.compare import assert_same

TUESDAY, EARLY_CLOSE, FRIDAY = "2024-07-02", "2024-07-03", "2024-07-05"
LN2 = 0.6931471805599453


# Builders


def bar(
    at: str, close: float = 10.0, volume: int | None = 100, ticker: str = "AAA", **prices: float
) -> oracle.Row:
    """Give one bar of a minute of New York's wall clock, flat at its close unless told."""
    ts = pd.Timestamp(at, tz="America/New_York").tz_convert("UTC")
    flat = dict.fromkeys(adapters.PRICES, close)
    return {"ticker": ticker, "ts": ts} | flat | prices | {"volume": volume}


def served(*rows: oracle.Row) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=adapters.BARS)


def minute(number: int, day: str = TUESDAY) -> str:
    """Spell the wall clock of a minute of session."""
    return str(pd.Timestamp(f"{day} 09:30") + number * oracle.MINUTE)


def closes(*values: float) -> pd.DataFrame:
    """Give a day that opens with these closes, and ends there."""
    return served(*[bar(minute(i), close) for i, close in enumerate(values)])


def features(delivery: pd.DataFrame, day: str = TUESDAY) -> pd.DataFrame:
    """Give the features of AAA on one day, minute by minute."""
    found = oracle.truth(delivery).features
    local = found["ts"].dt.tz_convert("America/New_York").dt.date
    is_asked = (found["ticker"] == "AAA") & (local == date.fromisoformat(day))
    of_day: pd.DataFrame = found[is_asked].reset_index(drop=True)
    return of_day


def counted(delivery: pd.DataFrame, ticker: str = "AAA") -> oracle.Row:
    """Give the one row of coverage of a ticker."""
    found = oracle.truth(delivery).coverage
    [row] = oracle.records(found[found["ticker"] == ticker])
    return row


def approx(*values: float) -> list[object]:
    return [pytest.approx(value, rel=1e-12, nan_ok=True) for value in values]


# Fates


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (198.39500427246094, 198.395),
        (2.67505, 2.6751),  # the double lies below the half; the spelling does not
        (1606.165, 1606.17),  # AMZN, 2019-02-15
        (1606.205, 1606.21),
        (999.56785, 999.5679),
        (999.99996, 1000.0),
        (1000.004, 1000.0),
        (0.00004, 0.0),
    ],
)
def test_noise_is_rounded_half_up_as_the_number_is_spelled(raw: float, clean: float) -> None:
    assert oracle.denoised(raw) == clean


@pytest.mark.parametrize(
    ("row", "fate"),
    [
        (bar("2024-07-02 09:30"), "accepted"),
        (bar("2024-07-02 09:30", volume=0), "accepted"),
        (bar("2024-07-02 09:30", volume=None), "implausible"),
        (bar("2024-07-02 09:30", volume=-1), "implausible"),
        (bar("2024-07-02 09:30", math.nan), "implausible"),
        (bar("2024-07-02 09:30", math.inf), "implausible"),
        (bar("2024-07-02 09:30", 0.0), "implausible"),
        (bar("2024-07-02 09:30", -1.0), "implausible"),
        (bar("2024-07-02 09:30", 0.00004), "implausible"),  # nothing is left of it
        (bar("2024-07-02 09:30", high=9.9), "implausible"),
        (bar("2024-07-02 09:30", low=10.1), "implausible"),
        (bar("2024-07-02 09:30", high=9.99999), "accepted"),  # noise is no fault
        (bar("2024-07-02 09:30", ticker="../AAA"), "implausible"),
        (bar("2024-07-02 09:30", ticker="^VIX"), "implausible"),  # begins with no letter or digit
        (bar("1989-12-29 10:00"), "implausible"),
        (bar("1990-01-02 10:00"), "accepted"),
        (bar("2024-07-02 09:30:30"), "off_grid"),
        (bar("2024-07-02 03:59"), "outside"),
        (bar("2024-07-02 04:00"), "accepted"),
        (bar("2024-07-02 19:59"), "accepted"),
        (bar("2024-07-02 20:00"), "outside"),
        (bar("2024-07-03 19:59"), "accepted"),  # an early close does not cut the post market
        (bar("2024-07-04 10:00"), "outside"),
        (bar("2024-07-06 10:00"), "outside"),
    ],
)
def test_a_row_meets_its_fate(row: oracle.Row, fate: str) -> None:
    assert oracle.fates(served(row))["fate"].tolist() == [fate]


def test_equal_rows_collapse_and_two_that_differ_are_both_refused() -> None:
    """What differs in noise alone is equal; a third row, equal to the first, is a duplicate."""
    once, again, noisy = bar(minute(0)), bar(minute(0)), bar(minute(0), 10.00001)
    first, other = bar(minute(1)), bar(minute(1), 10.5)
    alone, elsewhere = bar(minute(2)), bar(minute(1), ticker="BBB")

    judged = oracle.fates(served(once, first, other, again, noisy, first, alone, elsewhere))

    assert judged["fate"].tolist() == [
        *("accepted", "conflicting", "conflicting", "duplicate"),
        *("duplicate", "duplicate", "accepted", "accepted"),
    ]


def test_a_sound_row_with_a_broken_twin_is_refused_too() -> None:
    judged = oracle.fates(served(bar(minute(0)), bar(minute(0), math.nan)))
    assert judged["fate"].tolist() == ["conflicting", "implausible"]


@pytest.mark.parametrize(
    ("at", "segment", "number"),
    [
        ("2024-07-02 09:29", "pre", None),
        ("2024-07-02 09:30", "regular", 0),
        ("2024-07-02 15:59", "regular", 389),
        ("2024-07-02 16:00", "close_auction", None),
        ("2024-07-02 16:01", "post", None),
        ("2024-07-03 12:59", "regular", 209),
        ("2024-07-03 13:00", "close_auction", None),
        ("2024-07-03 13:01", "post", None),
        ("2024-07-03 16:00", "post", None),
    ],
)
def test_a_minute_has_its_segment(at: str, segment: str, number: int | None) -> None:
    found = oracle.place(bar(at)["ts"])
    assert found == (date.fromisoformat(at[:10]), segment, number)


# Silver and coverage


def test_a_day_that_nobody_saw_the_end_of_is_filled_to_its_newest_bar() -> None:
    delivery = served(bar(minute(4), 12.0), bar(minute(1), 11.0, open=10.5, low=10.0))

    day = oracle.truth(delivery).silver

    assert day["minute_of_session"].tolist() == [1, 2, 3, 4]
    assert day["is_filled"].tolist() == [False, True, True, False]
    assert day["fill_age"].tolist() == [0, 1, 2, 0]
    assert day[adapters.PRICES].iloc[1:3].to_numpy().tolist() == [[11.0] * 4] * 2
    assert day["volume"].tolist() == [100, 0, 0, 100]
    assert day["ts"].iloc[1] == datetime(2024, 7, 2, 13, 32, tzinfo=UTC)
    assert counted(delivery) == {
        "ticker": "AAA",
        "session_date": date(2024, 7, 2),
        "expected": 390,
        "observed": 2,
        "filled": 2,
        "missing_before_first": 1,
        "missing_after_last": 385,
        "auction_observed": False,
        "longest_gap": 385,
        "first_ts": datetime(2024, 7, 2, 13, 31, tzinfo=UTC),
        "last_ts": datetime(2024, 7, 2, 13, 34, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    "witness",
    [
        bar("2024-07-02 15:59", ticker="BBB"),
        bar("2024-07-02 16:00", ticker="BBB"),
        bar("2024-07-03 04:00", ticker="BBB"),
        bar("2024-07-02 18:00"),
    ],
)
def test_a_bar_of_the_last_minute_or_later_covers_the_close_for_every_ticker(
    witness: oracle.Row,
) -> None:
    found = counted(served(bar(minute(1)), bar(minute(4)), witness))

    assert (found["observed"], found["filled"]) == (2, 387)
    assert (found["missing_before_first"], found["missing_after_last"]) == (1, 0)
    assert found["longest_gap"] == 385


@pytest.mark.parametrize(
    "witness", [bar("2024-07-02 15:58", ticker="BBB"), bar("2024-07-02 16:00", math.nan)]
)
def test_an_earlier_bar_or_a_refused_one_does_not_cover_the_close(witness: oracle.Row) -> None:
    assert counted(served(bar(minute(1)), witness))["missing_after_last"] == 388


def test_an_early_close_has_210_minutes_and_its_auction_is_not_one_of_them() -> None:
    delivery = served(
        bar(minute(0, EARLY_CLOSE)), bar("2024-07-03 13:00", 99.0), bar("2024-07-03 15:00", 98.0)
    )

    found = counted(delivery)

    assert (found["expected"], found["observed"], found["filled"]) == (210, 1, 209)
    assert found["auction_observed"]
    day = oracle.truth(delivery).silver
    assert day["segment"].tolist() == ["regular"] * 210 + ["close_auction", "post"]
    assert day["close"].tolist() == [10.0] * 210 + [99.0, 98.0]
    assert day["minute_of_session"].isna().tolist() == [False] * 210 + [True] * 2


def test_a_session_of_pre_market_bars_alone_is_missing_whole() -> None:
    found = counted(served(bar("2024-07-02 08:00")))

    assert (found["expected"], found["observed"], found["filled"]) == (390, 0, 0)
    assert (found["missing_before_first"], found["missing_after_last"]) == (390, 0)
    assert (found["longest_gap"], found["first_ts"]) == (390, pd.NaT)


def test_a_refused_delivery_leaves_every_table_empty() -> None:
    found = oracle.truth(served(bar(minute(0), -1.0)))
    assert [len(table) for table in (found.fates, found.silver, found.coverage)] == [1, 0, 0]
    assert found.bars.empty
    assert found.features.columns.tolist() == oracle.FEATURES


# Coarser bars


def test_a_bucket_holds_its_observed_minutes() -> None:
    """hlc3 is 10 for 100 shares, then 13 for 50: vwap = (1000 + 650) / 150."""
    delivery = served(
        bar(minute(5), 10.0, 100, open=9.5, high=11.0, low=9.0),
        bar(minute(8), 13.0, 50, high=14.0, low=12.0),
        bar(minute(10), 20.0, 0),
    )

    coarse = oracle.truth(delivery).bars
    rows = coarse[coarse["interval"] == "5m"][oracle.COARSE[2:]].to_numpy().tolist()

    at_9_35 = pd.Timestamp("2024-07-02 13:35", tz="UTC")
    at_9_40 = pd.Timestamp("2024-07-02 13:40", tz="UTC")
    assert rows[0] == [at_9_35, 9.5, 14.0, 9.0, 13.0, 150, 11.0, 2, 5, False]
    assert rows[1][:6] == [at_9_40, 20.0, 20.0, 20.0, 20.0, 0]
    assert math.isnan(rows[1][6])
    assert coarse["interval"].tolist() == ["5m", "5m", "15m", "30m", "60m", "1d"]
    assert set(coarse["ts"][2:]) == {pd.Timestamp("2024-07-02 13:30", tz="UTC")}


@pytest.mark.parametrize(
    ("day", "interval", "expected", "short"),
    [
        (TUESDAY, "5m", [5] * 78, []),
        (TUESDAY, "15m", [15] * 26, []),
        (TUESDAY, "30m", [30] * 13, []),
        (TUESDAY, "60m", [60] * 6 + [30], [6]),
        (TUESDAY, "1d", [390], []),
        (EARLY_CLOSE, "30m", [30] * 7, []),
        (EARLY_CLOSE, "60m", [60] * 3 + [30], [3]),
        (EARLY_CLOSE, "1d", [210], []),
    ],
)
def test_the_close_cuts_the_last_bucket(
    day: str, interval: str, expected: list[int], short: list[int]
) -> None:
    session = oracle.sessions()[date.fromisoformat(day)]
    whole = served(*[bar(minute(i, day)) for i in range(session.minutes)])

    coarse = oracle.truth(whole).bars
    of_interval = coarse[coarse["interval"] == interval].reset_index(drop=True)

    assert of_interval["n_expected"].tolist() == expected
    assert of_interval["n_observed"].tolist() == expected
    assert np.flatnonzero(of_interval["is_short"]).tolist() == short
    assert (of_interval["ts"].iloc[0], len(of_interval)) == (session.opens, len(expected))


# Features: one session


def test_returns_look_back_over_their_minutes() -> None:
    found = features(closes(*[2.0**i for i in range(17)]))

    assert found["ret_1m"].tolist() == approx(math.nan, *[1.0] * 16)
    assert found["ret_5m"].tolist() == approx(*[math.nan] * 5, *[31.0] * 12)
    assert found["log_ret_1m"].tolist() == approx(math.nan, *[LN2] * 16)
    assert found["log_ret_5m"].tolist() == approx(*[math.nan] * 5, *[5 * LN2] * 12)
    assert found["log_ret_15m"].tolist() == approx(*[math.nan] * 15, *[15 * LN2] * 2)


def test_ema_starts_at_the_first_close() -> None:
    """12 minutes: 10, then 10 + 2 * 2/13 = 134/13, then 134/13 + 9/13 * 2/13 = 1760/169."""
    found = features(closes(10, 12, 11))

    assert found["ema_12"].tolist() == approx(10, 134 / 13, 1760 / 169)
    assert found["ema_26"].tolist() == approx(10, 274 / 27, 7444 / 729)


def test_sma_and_sample_std_of_20_minutes() -> None:
    """Ten of 10 and ten of 12: mean 11, sum of squares 20 over 19."""
    found = features(closes(*[10, 12] * 10, 12))

    assert found["sma_20"].tolist() == approx(*[math.nan] * 19, 11.0, 11.1)
    assert found["std_20"].tolist()[:20] == approx(*[math.nan] * 19, math.sqrt(20 / 19))


def test_realized_volatility_needs_30_returns_which_are_31_closes() -> None:
    found = features(closes(*[10, 20] * 15, 10, 10))["rv_30"].tolist()
    assert found == approx(*[math.nan] * 30, math.sqrt(30) * LN2, math.sqrt(29) * LN2)


def test_extremes_are_of_highs_and_lows() -> None:
    rows = [bar(minute(i), 10.0, high=10.0 + i, low=10.0 - i / 10) for i in range(31)]
    rows[0] |= {"high": 99.0, "low": 1.0}

    found = features(served(*rows))

    assert found["high_30"].tolist() == approx(*[math.nan] * 29, 99.0, 40.0)
    assert found["low_30"].tolist() == approx(*[math.nan] * 29, 1.0, 7.0)


def test_volume_sum_and_z_score() -> None:
    """59 times 0 and once 60: mean 1, sample variance (59 + 59 * 59) / 59 = 60."""
    shares = [0] * 60 + [60]
    found = features(served(*[bar(minute(i), volume=v) for i, v in enumerate(shares)]))

    assert found["volume_z_60"].tolist() == approx(*[math.nan] * 60, 59 / math.sqrt(60))
    assert found["volume_sum_15"].tolist() == approx(*[math.nan] * 14, *[0.0] * 46, 60.0)


def test_rsi_seeds_both_averages_with_the_first_difference() -> None:
    """+1, twelve times 0, then -1: gain (13/14)^13, loss 1/14."""
    gain, loss = (13 / 14) ** 13, 1 / 14
    found = features(closes(10, *[11] * 13, 10))["rsi_14"].tolist()
    assert found == approx(*[math.nan] * 14, 100 * gain / (gain + loss))


@pytest.mark.parametrize(("step", "rsi"), [(1.0, 100.0), (0.0, 100.0), (-1.0, 0.0)])
def test_rsi_of_a_straight_line_is_100_unless_it_falls(step: float, rsi: float) -> None:
    found = features(closes(*[50 + step * i for i in range(15)]))["rsi_14"].tolist()
    assert found == approx(*[math.nan] * 14, rsi)


def test_true_range_takes_the_gap_in_and_its_average_starts_at_high_minus_low() -> None:
    """Ranges 2, max(12, 10) - min(11, 10) = 2, 0.4, then 20 - 11.5 = 8.5 over the gap."""
    found = features(
        served(
            bar(minute(0), 10.0, high=11.0, low=9.0),
            bar(minute(1), 11.5, high=12.0, low=11.0),
            bar(minute(2), 11.5, high=11.7, low=11.3),
            bar(minute(3), 19.5, high=20.0, low=19.0),
        )
    )
    third = 2 - 1.6 / 14
    assert found["atr_14"].tolist() == approx(2.0, 2.0, third, third + (8.5 - third) / 14)


def test_vwap_is_null_until_a_share_traded_and_fills_do_not_move_it() -> None:
    found = features(
        served(
            bar(minute(0), 50.0, 0),
            bar(minute(1), 10.0, 100, high=11.0, low=9.0),
            bar(minute(3), 13.0, 50, high=14.0, low=12.0),
        )
    )
    assert found["vwap"].tolist() == approx(math.nan, 10.0, 10.0, 11.0)
    assert found["vwap_dist"].tolist() == approx(math.nan, 0.0, 0.0, 2 / 11)
    assert found["is_filled"].tolist() == [False, False, True, False]
    assert found["n_filled_60"].tolist() == [0, 0, 1, 1]


def test_windows_begin_with_the_first_observed_bar_and_count_filled_minutes() -> None:
    """First bar at minute 100, then one 80 minutes later: 79 are filled, 59 of the last 60."""
    found = features(served(bar(minute(100)), bar(minute(180), 20.0)))

    assert len(found) == 81
    assert found["n_filled_60"].tolist() == [*range(60), *[60] * 20, 59]
    assert found["sma_20"].tolist()[19:] == approx(*[10.0] * 61, 10.5)
    assert found["ret_1m"].tolist()[-1] == 1.0


def test_what_a_row_says_does_not_change_when_later_bars_arrive() -> None:
    """Each cut of a day with holes, against the whole of it."""
    believed = oracle.truth(walk(holes=True)).silver
    whole = oracle.features(believed)
    for cut in range(1, len(whole), 7):
        assert_same(oracle.features(believed[:cut]), whole[:cut], ["ticker", "ts"], rel=0)


# Features: across sessions

WEEK = ["2024-06-24", "2024-06-25", "2024-06-26", "2024-06-27", "2024-06-28", "2024-07-01"]


def test_relative_volume_is_over_the_median_of_at_least_five_sessions() -> None:
    """First minutes of 100 .. 500 shares, then 600 over 300, then 175 over 350 (of six)."""
    shares = [100, 200, 300, 400, 500, 600]
    rows = [bar(minute(0, day), volume=v) for day, v in zip(WEEK, shares, strict=True)]
    delivery = served(*rows, bar(minute(0), volume=175))

    assert features(delivery, WEEK[4])["rel_volume_20d"].isna().all()
    assert features(delivery, WEEK[5])["rel_volume_20d"].tolist() == approx(*[2.0] * 390)
    assert features(delivery)["rel_volume_20d"].tolist() == [0.5]


def test_relative_volume_takes_a_session_for_empty_before_its_first_bar() -> None:
    """At minute 0 three of five sessions had not traded: the median is 0, so null."""
    starts = [0, 0, 1, 1, 1]
    rows = [bar(minute(m, day)) for m, day in zip(starts, WEEK, strict=False)]
    delivery = served(*rows, bar(minute(0, WEEK[5])), bar(minute(1, WEEK[5])))

    found = features(delivery, WEEK[5])["rel_volume_20d"].tolist()

    assert found == approx(math.nan, 2.0)


def test_relative_volume_takes_the_last_value_after_an_early_close() -> None:
    """At minute 300 the early close counts with its 40 shares, the median of 10 10 40 1000 1000."""
    shares = {"2024-06-27": 10, "2024-06-28": 10, "2024-07-01": 1000, TUESDAY: 1000}
    rows = [bar(minute(0, day), volume=v) for day, v in shares.items()]
    early = bar(minute(209, EARLY_CLOSE), volume=40)

    found = features(served(*rows, early, bar(minute(300, FRIDAY), volume=80)), FRIDAY)

    assert found["rel_volume_20d"].tolist() == [2.0]


def test_relative_volume_looks_at_20_sessions_and_no_further() -> None:
    """Of 21 sessions eleven had 1 share and ten 3: the last 20 have the median 2."""
    known = [str(day) for day in oracle.sessions() if day <= date(2024, 7, 2)][-22:]
    shares = [1] * 11 + [3] * 10 + [4]
    rows = [bar(minute(0, day), volume=v) for day, v in zip(known, shares, strict=True)]

    assert features(served(*rows))["rel_volume_20d"].tolist() == [2.0]


def test_the_gap_is_from_the_last_regular_close_of_the_session_before() -> None:
    """The auction's 99 is no close; the holiday between is no session."""
    delivery = served(
        bar("2024-07-03 09:40", 8.0),
        bar("2024-07-03 10:00", 10.0),
        bar("2024-07-03 13:00", 99.0),
        bar(minute(2, FRIDAY), 12.0, open=11.0, low=11.0),
        bar(minute(3, FRIDAY), 13.0),
    )
    assert features(delivery, FRIDAY)["gap_from_prior_close"].tolist() == approx(0.1, 0.1)
    assert features(delivery, EARLY_CLOSE)["gap_from_prior_close"].isna().all()


def test_there_is_no_gap_where_the_session_before_is_not_held() -> None:
    delivery = served(bar(minute(0)), bar("2024-07-03 08:00"), bar(minute(0, FRIDAY)))
    assert features(delivery, FRIDAY)["gap_from_prior_close"].isna().all()


# Other people's code


def walk(*, holes: bool = False) -> pd.DataFrame:
    """Give a whole day of a random walk; the same each time."""
    rng = np.random.default_rng(7)
    close = 100 + np.cumsum(rng.normal(0, 0.05, 390)).round(2)
    above, below = rng.integers(0, 9, (2, 390)) / 100
    rows = [
        bar(minute(i), close[i], int(v), high=close[i] + above[i], low=close[i] - below[i])
        for i, v in enumerate(rng.integers(0, 5000, 390))
        if not (holes and rng.random() < 0.2 and 0 < i < 389)
    ]
    return served(*rows)


@pytest.fixture(scope="module")
def day() -> pd.DataFrame:
    """Give the walk's silver and features, side by side."""
    found = oracle.truth(walk())
    return found.silver.merge(found.features, on=["ticker", "ts"])


def numbers(day: pd.DataFrame, *names: str) -> Iterator[oracle.Floats]:
    return (day[name].to_numpy(dtype=np.float64) for name in names)


def assert_agree(ours: object, theirs: object, rel: float = 1e-9) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rel, atol=1e-9)


def test_sma_and_volume_sum_are_talibs_and_pandas_tas(day: pd.DataFrame) -> None:
    close, volume = numbers(day, "close", "volume")
    assert_agree(day["sma_20"], talib.SMA(close, 20))
    assert_agree(day["sma_20"], ta.sma(day["close"], 20))
    assert_agree(day["volume_sum_15"], talib.SUM(volume, 15))


def test_extremes_are_talibs(day: pd.DataFrame) -> None:
    high, low = numbers(day, "high", "low")
    assert_agree(day["high_30"], talib.MAX(high, 30))
    assert_agree(day["low_30"], talib.MIN(low, 30))


def test_std_is_pandas_tas_with_ddof_1_and_talibs_population_one_times_a_factor(
    day: pd.DataFrame,
) -> None:
    """TA-Lib divides by 20, and pandas_ta_classic does by default; the contract by 19."""
    [close] = numbers(day, "close")
    assert_agree(day["std_20"], ta.stdev(day["close"], 20, ddof=1))
    assert_agree(day["std_20"], talib.STDDEV(close, 20) * math.sqrt(20 / 19), rel=1e-6)


def test_ema_is_pandas_tas_without_its_sma_seed(day: pd.DataFrame) -> None:
    assert_agree(day["ema_12"], ta.ema(day["close"], 12, sma=False))
    assert_agree(day["ema_26"], ta.ema(day["close"], 26, sma=False))


def test_ema_is_talibs_of_a_day_led_in_by_its_first_close(day: pd.DataFrame) -> None:
    """TA-Lib seeds with the mean of the first n, and is null before; led in, that is the first."""
    [close] = numbers(day, "close")
    for name, n in (("ema_12", 12), ("ema_26", 26)):
        led_in = np.concatenate([np.full(n - 1, close[0]), close])
        assert_agree(day[name], talib.EMA(led_in, n)[n - 1 :])
        assert abs(day[name][n - 1] - talib.EMA(close, n)[n - 1]) > 1e-4


def test_rsi_is_talibs_and_pandas_tas_of_a_day_led_in_by_its_first_difference(
    day: pd.DataFrame,
) -> None:
    """They seed with the mean of 14 differences, we with the first: 13 more like it before."""
    [close] = numbers(day, "close")
    step = close[1] - close[0]
    led_in = np.concatenate([close[0] - step * np.arange(13, 0, -1), close])
    assert_agree(day["rsi_14"][14:], talib.RSI(led_in, 14)[13 + 14 :])
    assert_agree(day["rsi_14"][14:], ta.rsi(pd.Series(led_in), 14)[13 + 14 :])
    assert abs(day["rsi_14"][14] - talib.RSI(close, 14)[14]) > 1e-3


def test_rsi_of_a_flat_line_is_0_to_talib_and_100_to_us() -> None:
    flat = np.full(20, 10.0)
    assert (oracle.rsi(flat)[19], talib.RSI(flat, 14)[19]) == (100.0, 0.0)


def talibs_atr(day: pd.DataFrame) -> oracle.Floats:
    high, low, close = numbers(day, "high", "low", "close")
    return np.asarray(talib.ATR(high, low, close, 14))


def test_atr_is_talibs_and_pandas_tas_of_a_day_led_in_by_its_first_bar(day: pd.DataFrame) -> None:
    """They leave the first range out and seed with the mean of the next 14: 14 more before."""
    led_in = pd.concat([day[:1]] * 14 + [day], ignore_index=True)
    assert_agree(day["atr_14"], talibs_atr(led_in)[14:])
    assert_agree(day["atr_14"], ta.atr(led_in["high"], led_in["low"], led_in["close"], 14)[14:])
    assert abs(day["atr_14"][14] - talibs_atr(day)[14]) > 1e-4


def test_true_range_is_talibs_from_the_second_minute(day: pd.DataFrame) -> None:
    high, low, close = numbers(day, "high", "low", "close")
    assert_agree(oracle.true_range(day)[1:], talib.TRANGE(high, low, close)[1:])
    assert_agree(
        day["atr_14"], pd.Series(oracle.true_range(day)).ewm(alpha=1 / 14, adjust=False).mean()
    )


def test_windows_are_pandas_rolling_ones(day: pd.DataFrame) -> None:
    close, volume = day["close"], day["volume"].astype("float64")
    log_ret = pd.Series(np.log(close / close.shift()))
    z_60 = (volume - volume.rolling(60).mean()) / volume.rolling(60).std()
    assert_agree(day["rv_30"], np.sqrt((log_ret**2).rolling(30).sum()), rel=1e-7)
    assert_agree(day["volume_z_60"], z_60, rel=1e-7)
    assert_agree(day["ret_5m"], close.pct_change(5))


# Adapters and the comparison


def test_bars_written_as_csv_come_back_as_they_were(tmp_path: Path) -> None:
    rows = served(bar(minute(0), 198.39500427246094), bar(minute(1), 0.1 + 0.2, None))

    path = adapters.write_csv(rows, tmp_path / "x.csv", datetime(2024, 7, 8, tzinfo=UTC))

    assert path.read_text().splitlines() == [
        "ticker,ts,open,high,low,close,volume,fetched_at",
        "AAA,2024-07-02T13:30:00Z" + ",198.39500427246094" * 4 + ",100,2024-07-08T00:00:00Z",
        "AAA,2024-07-02T13:31:00Z" + ",0.30000000000000004" * 4 + ",,2024-07-08T00:00:00Z",
    ]


def test_a_naive_instant_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no zone"):
        adapters.write_csv(served(bar(minute(0))), tmp_path / "x.csv", datetime(2024, 7, 8))  # noqa: DTZ001


def test_absent_recordings_fail_in_ci_and_are_skipped_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BARLAKE_REAL_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no recorded bars"):
        adapters.real_data()
    monkeypatch.setenv("CI", "")
    with pytest.raises(pytest.skip.Exception, match="no recorded bars"):
        adapters.real_data()


KEYED = pd.DataFrame(
    {
        "ticker": ["A", "B", "C"],
        "ts": pd.to_datetime(["2024-07-02 13:30"] * 3, utc=True),
        "x": [1.0, math.nan, 3.0],
        "n": pd.Series([1, pd.NA, 3], dtype="Int64"),
        "session_date": [date(2024, 7, 2)] * 3,
    }
)


def test_tables_are_the_same_in_any_order_and_in_any_readers_kinds() -> None:
    other = KEYED.assign(
        ts=KEYED["ts"].dt.tz_localize(None).astype("datetime64[us]"),
        n=KEYED["n"].astype("float64"),
        x=KEYED["x"] + 1e-12,
        session_date=pd.to_datetime(KEYED["session_date"]),
        more="ignored",
    )
    assert_same(other[::-1], KEYED, ["ticker", "ts"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"x": [1.0, math.nan, 3.01]}, "x at ticker=C, ts=2024-07-02 .*3.01.*, expected .*3.0"),
        ({"x": [1.0, 2.0, 3.0]}, "x at ticker=B, .*: .*2.0.*, expected .*nan"),
        ({"n": [1, 2, 3]}, "n at ticker=B"),
        ({"n": [1, math.nan, 4]}, "n at ticker=C, .*: 4.0, expected 3"),
        ({"session_date": [date(2024, 7, 1)] * 3}, r"3 values differ of 3 rows.*'session_date': 3"),
        ({"ticker": ["A", "B", "D"]}, "missing: ticker=C.*\n.*not expected: ticker=D"),
        ({"ticker": ["A", "B", "B"]}, "actual has keys twice: ticker=B"),
    ],
)
def test_a_difference_is_told_with_column_key_and_both_values(
    change: dict[str, list[float]], said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        assert_same(KEYED.assign(**change), KEYED, ["ticker", "ts"])


def test_a_column_that_is_not_there_is_told() -> None:
    with pytest.raises(AssertionError, match=r"no such columns: \['x'\]"):
        assert_same(KEYED.drop(columns="x"), KEYED, ["ticker", "ts"])


# Recordings


@lru_cache(maxsize=1)
def recorded() -> dict[str, oracle.Truth]:
    found = adapters.deliveries(adapters.real_data())
    return {name: oracle.truth(delivery) for name, delivery in found.items()}


def lean(ticker: str) -> oracle.Truth:
    return recorded()[f"lean/equity/usa/minute/{ticker}"]


def days_of(found: oracle.Truth, ticker: str, column: str) -> dict[str, object]:
    """Give one column of a ticker's coverage by the session's month and day."""
    of_ticker = oracle.records(found.coverage[found.coverage["ticker"] == ticker])
    return {f"{row['session_date']:%m-%d}": row[column] for row in of_ticker}


def new_york(found: pd.DataFrame, at: str, ticker: str) -> pd.DataFrame:
    """Give the rows of a ticker at one minute of New York's wall clock."""
    asked: pd.DataFrame = found[(found["ts"] == bar(at)["ts"]) & (found["ticker"] == ticker)]
    return asked


@pytest.mark.real
def test_every_recording_has_the_bars_that_the_manifest_counts() -> None:
    """The manifest's stamps of eqker are the bars' ends, as recorded; ours are the starts."""
    root = adapters.real_data()
    manifest = pd.read_csv(root / "MANIFEST.csv").dropna(subset="bars")
    assert len(manifest) > 40
    for told in oracle.records(manifest):
        bars = adapters.recording(root / told["path"], root)
        late = pd.Timedelta(minutes=int(told["path"].startswith("eqker")))
        ends = [pd.Timestamp(told[name]) - late for name in ("first_et", "last_et")]
        assert (len(bars), set(bars["ticker"])) == (told["bars"], {told["ticker"]}), told["path"]
        assert [bars["ts"].min(), bars["ts"].max()] == ends, told["path"]


@pytest.mark.real
def test_every_recording_adds_up() -> None:
    for name, found in recorded().items():
        silver, days, features = found.silver, found.coverage, found.features
        parts = ["observed", "filled", "missing_before_first", "missing_after_last"]
        regular = silver[silver["segment"] == "regular"]
        whole = found.bars[found.bars["interval"] == "1d"]
        assert (days[parts].sum(axis="columns") == days["expected"]).all(), name
        assert (~silver["is_filled"]).sum() == (found.fates["fate"] == "accepted").sum(), name
        assert not silver.duplicated(["ticker", "ts"]).any(), name
        assert features["ts"].tolist() == regular["ts"].tolist(), name
        assert found.bars.groupby("interval")["volume"].sum().nunique() == 1, name
        assert whole["n_observed"].sum() == days["observed"].sum(), name
        assert not np.isinf(features.select_dtypes("float64")).any().any(), name


@pytest.mark.real
def test_lean_days_open_and_close_as_its_own_daily_file_says() -> None:
    """The daily bars come from elsewhere: units, zone, label and session must all be right."""
    root, compared = adapters.real_data(), 0
    for ticker in ("aapl", "bac", "goog", "ibm", "spy"):
        daily = pd.read_csv(root / f"lean/equity/usa/daily/{ticker}.zip", header=None, index_col=0)
        coarse = lean(ticker).bars
        for ours in oracle.records(coarse[coarse["interval"] == "1d"]):
            theirs = daily.loc[ours["ts"].strftime("%Y%m%d 00:00")] / 10_000
            assert (ours["open"], ours["close"]) == (theirs[1], theirs[4])
            compared += 1
    assert compared == 20


@pytest.mark.real
def test_shy_misses_57_and_77_minutes_across_the_change_of_clocks() -> None:
    found = lean("shy")
    assert days_of(found, "SHY", "filled") == {"03-07": 57, "03-10": 77}
    assert days_of(found, "SHY", "longest_gap") == {"03-07": 5, "03-10": 4}
    assert [ts.hour for ts in found.coverage["first_ts"]] == [14, 13]


@pytest.mark.real
def test_ibm_misses_one_minute_and_two_auctions() -> None:
    found = lean("ibm")
    assert list(days_of(found, "IBM", "filled").values()) == [0, 0, 0, 0, 1]
    auctions = days_of(found, "IBM", "auction_observed")
    assert [day for day, seen in auctions.items() if not seen] == ["10-10", "10-11"]


@pytest.mark.real
def test_goog_closes_early_and_prints_on_until_after_four() -> None:
    found = lean("goog")
    assert days_of(found, "GOOG", "expected") == {"12-23": 390, "12-24": 210}
    assert days_of(found, "GOOG", "observed") == {"12-23": 390, "12-24": 210}
    christmas = found.silver[found.silver["session_date"] == date(2015, 12, 24)]
    segments = christmas["segment"].value_counts().to_dict()
    assert segments == {"pre": 2, "regular": 210, "close_auction": 1, "post": 14}


@pytest.mark.real
def test_aapl_keeps_its_wild_pre_market_bar_of_the_split() -> None:
    """645.57 and 92.23 in one bar break no rule; its gap is the split, as traded."""
    found = lean("aapl")
    wild = new_york(found.silver, "2014-06-09 04:00", "AAPL")
    assert wild[["segment", "high", "low"]].to_numpy().tolist() == [["pre", 645.57, 92.23]]
    opening = new_york(found.features, "2014-06-09 09:30", "AAPL")
    assert opening["gap_from_prior_close"].tolist() == approx(92.69 / 645.57 - 1)


@pytest.mark.real
def test_vix_has_no_volume_so_no_vwap_and_no_score() -> None:
    found = recorded()["eqker"]
    vix = found.features[found.features["ticker"] == "VIX"]
    nulls = vix[["vwap", "vwap_dist", "volume_z_60", "rel_volume_20d"]].isna()
    assert nulls.all().all()
    assert (vix["volume_sum_15"].dropna() == 0).all()
    coarse = found.bars[found.bars["ticker"] == "VIX"]
    assert coarse["vwap"].isna().all()
    assert days_of(found, "VIX", "missing_before_first")["02-12"] == 2


@pytest.mark.real
def test_pplt_is_mostly_filled_and_its_close_is_covered_by_the_others() -> None:
    found = recorded()["eqker"]
    assert list(days_of(found, "PPLT", "observed").values()) == [149, 86, 105, 84, 142]
    assert days_of(found, "PPLT", "longest_gap")["02-14"] == 25
    last = new_york(found.silver, "2019-02-12 15:59", "PPLT")
    assert last[["is_filled", "fill_age"]].to_numpy().tolist() == [[True, 1]]


@pytest.mark.real
def test_amzn_is_above_1000_so_its_half_cents_are_rounded_up() -> None:
    found = recorded()["eqker"]
    raw = adapters.eqker(adapters.real_data() / "eqker" / "AMZN_1min.csv")
    at = raw[raw["close"] == 1606.165]["ts"].iloc[0]
    of_amzn = found.silver[found.silver["ticker"] == "AMZN"].set_index("ts")
    assert of_amzn["close"][at] == 1606.17


@pytest.mark.real
def test_nvda_has_two_bars_of_one_minute_and_both_are_refused() -> None:
    found = recorded()["money-tree/2b9424df"]
    twins = new_york(found.fates, "2024-08-28 19:59", "NVDA")
    assert twins[["close", "fate"]].to_numpy().tolist() == [
        [116.949, "conflicting"],
        [116.9492, "conflicting"],
    ]
    assert new_york(found.silver, "2024-08-28 19:59", "NVDA").empty
    assert (found.fates["fate"] != "accepted").sum() == 2
    auction = new_york(found.silver, "2024-08-30 16:00", "NVDA")
    assert auction[["segment", "volume"]].to_numpy().tolist() == [["close_auction", 28579813]]


@pytest.mark.real
def test_spy_has_a_minute_of_no_volume_that_is_observed() -> None:
    found = recorded()["money-tree/9c1eba02"]
    quiet = new_york(found.silver, "2024-08-23 12:27", "SPY")
    assert quiet[["volume", "is_filled"]].to_numpy().tolist() == [[0, False]]


@pytest.mark.real
def test_only_the_sixth_session_of_money_tree_has_a_relative_volume() -> None:
    known = recorded()["money-tree/2b9424df"].features.dropna(subset="rel_volume_20d")
    assert known["ts"].dt.date.unique().tolist() == [date(2024, 8, 30)]
    assert len(known) == 3 * 390


@pytest.mark.real
def test_bsw_demo_begins_with_no_volume_and_ends_inside_a_session() -> None:
    found = recorded()["bsw-demo"]
    first = new_york(found.silver, "2025-05-09 09:44", "AAPL")
    assert first[["volume", "is_filled"]].to_numpy().tolist() == [[0, False]]
    assert new_york(found.features, "2025-05-09 09:44", "AAPL")["vwap"].isna().all()
    assert days_of(found, "AAPL", "missing_before_first")["05-09"] == 14
    assert days_of(found, "AAPL", "missing_after_last")["05-16"] == 377
    assert list(days_of(found, "AAPL", "filled").values()) == [0, 3, 6, 0, 0, 0]
    assert list(days_of(found, "SPY", "filled").values()) == [0, 2, 1, 0, 0, 0]


@pytest.mark.real
def test_the_stray_stamp_of_yahoo_is_an_auction_of_a_session_else_missing() -> None:
    found = recorded()["node-yahoo-finance2"]
    assert days_of(found, "AAPL", "observed") == {"10-02": 389, "10-03": 0}
    assert days_of(found, "AAPL", "auction_observed") == {"10-02": False, "10-03": True}
    null = new_york(found.silver, "2024-10-02 11:15", "AAPL")
    assert null[["is_filled", "fill_age"]].to_numpy().tolist() == [[True, 1]]


@pytest.mark.real
def test_yahoos_other_answers_give_no_bars_or_say_why() -> None:
    folder = adapters.real_data() / "node-yahoo-finance2"
    [weekend] = folder.glob("chart-AAPL-2025-02-01*.json")
    [missing] = folder.glob("historical-via-chart-SI-*.json")
    [daily] = folder.glob("chart-AAPL-2020-08-31*.json")
    assert adapters.yahoo_chart(weekend).empty
    with pytest.raises(ValueError, match="symbol may be delisted"):
        adapters.yahoo_chart(missing)
    with pytest.raises(ValueError, match="bars of 1d"):
        adapters.yahoo_chart(daily)
