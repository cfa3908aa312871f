"""The notebooks run whole on a small lake, and what they find is what other code finds."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake.readers.frames import OpenLake
from barlake.settings import Settings
from tests.few_rows import few_rows
from tests.notebooks import studies
from tests.notebooks.studies import CORRECTED, EARLY, LAST, LATE, study

Rows = list[dict[str, Any]]

_OBSERVED = """
SELECT session_date::VARCHAR AS session_date, count(*) AS observed FROM silver.bars_1m
WHERE segment = 'regular' AND NOT is_filled GROUP BY ALL ORDER BY ALL
"""
_LAST_CLOSES = """
SELECT session_date, max_by(close, ts) AS close FROM silver.bars_1m
WHERE ticker = 'NVDA' AND segment = 'regular' AND NOT is_filled GROUP BY ALL ORDER BY ALL
"""
_ABSENT = """
SELECT sum(s.minutes) - (SELECT count(*) FROM silver.bars_1m
                         WHERE segment = 'regular' AND NOT is_filled) AS minutes
FROM ref.sessions s CROSS JOIN (SELECT DISTINCT ticker FROM silver.coverage)
WHERE s.session_date IN (SELECT session_date FROM silver.coverage)
"""
_SESSION_VWAP = """
SELECT sum((high + low + close) / 3 * volume) / sum(volume) AS vwap FROM silver.bars_1m
WHERE ticker = $ticker AND session_date = $day AND segment = 'regular'
"""
_UNFILLED = """
SELECT count(*) AS bars FROM gold.features_1m WHERE n_filled_60 = 0 AND vwap IS NOT NULL
"""
# The back-test of 04, in SQL over the revisions of bronze; $known may be for ever.
_REVERSAL = """
WITH bars AS (
    SELECT b.ts, denoised(b.high) AS high, denoised(b.low) AS low, denoised(b.close) AS close,
           b.volume
    FROM bronze.bars b, ref.sessions s
    WHERE b.ticker = $ticker AND s.session_date = $day
      AND b.ts >= s.open_utc AND b.ts < s.close_utc AND b.fetched_at <= $known::TIMESTAMPTZ
    QUALIFY row_number() OVER (PARTITION BY b.ts ORDER BY b.revision DESC) = 1
), moves AS (
    SELECT *, close / lag(close) OVER (ORDER BY ts) - 1 AS move FROM bars
)
SELECT 1e4 * sum(-sign(before) * move) AS pnl, count(*) AS bars,
       sum((high + low + close) / 3 * volume) / sum(volume) AS vwap
FROM (SELECT *, lag(move) OVER (ORDER BY ts) AS before FROM moves)
"""


@pytest.fixture(scope="module")
def lake(
    spark: SparkSession, conf: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenLake]:
    """The lake, and an environment in which a notebook finds it."""
    folder = tmp_path_factory.mktemp("notebooks")
    with few_rows(spark):
        studies.make(spark, conf, folder / "lake")
    studies.name_kernel(folder / "jupyter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BARLAKE_LAKE__ROOT", str(folder / "lake"))
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(folder / name.lower()))
        yield barlake.open(str(folder / "lake"))


def test_the_first_look_tells_sessions_and_a_split(lake: OpenLake) -> None:
    told = study(
        "01-first-look",
        [
            "sessions.astype({'session_date': str}).to_dict('records')",
            "same_volume",
            "split_ticker",
            "closes.reset_index().astype({'session_date': str}).to_dict('records')",
        ],
    )
    sessions, same_volume, split_ticker, closes = told.values()

    assert [(s["session_date"], s["observed"]) for s in sessions] == [
        (row["session_date"], row["observed"]) for row in lake.rows(_OBSERVED)
    ]
    assert [s["minutes"] for s in sessions] == [210, 390]
    assert [s["tickers"] for s in sessions] == [3, 3]
    assert (same_volume, split_ticker) == (True, "NVDA")
    [before, after] = [row["close"] for row in lake.rows(_LAST_CLOSES)]
    assert [row["close"] for row in closes] == [before, after]
    assert [row["adjusted"] for row in closes] == pytest.approx([before / 4, after])
    assert closes[1]["return"] == pytest.approx(after / before - 1)
    assert closes[1]["adjusted_return"] == pytest.approx(4 * after / before - 1)


def test_gaps_are_counted_and_bars_that_came_late(lake: OpenLake) -> None:
    told = study(
        "02-coverage-and-gaps",
        [
            "broken",
            "int(account.missing.sum())",
            "reasons.minutes.to_dict()",
            "rv_difference",
            "volatility.set_index('ticker').std_too_low_by.to_dict()",
            "arrivals.astype({'session_date': str}).set_index('session_date').late_bars.to_dict()",
        ],
    )
    broken, missing, reasons, rv_difference, too_low, late = told.values()

    [absent] = lake.rows(_ABSENT)
    assert (broken, missing) == (0, 1)
    assert sum(reasons.values()) == absent["minutes"]
    assert set(reasons) > {"halt", "no_trade"}
    assert rv_difference < 1e-12
    assert too_low["NVDA"] > 0.1  # sparse: many of its rows are filled
    assert too_low["MSFT"] == 0
    assert late == {str(EARLY): 0, str(LAST): len(LATE)}


def test_features_are_made_again_and_do_not_look_ahead(lake: OpenLake) -> None:
    told = study(
        "03-features-and-vwap",
        [
            "{'ticker': ticker, 'day': day}",
            "nulls.to_dict()",
            "differences.to_dict()",
            "changed_by_the_future",
            "at_close",
            "int(distance.bars.sum())",
            "chart(features[['close', 'vwap']]).data",
        ],
    )
    day, nulls, differences, changed, at_close, bars, picture = told.values()

    windows = {"ret_1m": 1, "rsi_14": 14, "sma_20": 19, "rv_30": 30, "volume_z_60": 59}
    assert nulls == {"vwap": 0} | windows
    assert set(differences) == {"vwap", "ret_5m", "sma_20", "ema_12"}
    assert max(differences.values()) < 1e-9
    assert changed < 1e-12
    [session] = lake.rows(_SESSION_VWAP, **day)
    assert at_close == pytest.approx(session["vwap"], rel=1e-12)
    assert bars == lake.rows(_UNFILLED)[0]["bars"] > 0
    assert picture.count("<polyline") == 2


def test_a_back_test_as_known_differs_from_one_of_today(lake: OpenLake) -> None:
    told = study(
        "04-as-known",
        ["T.isoformat()", "result.to_dict('records')", "known_at_noon", "summary.to_dict()"],
    )
    known, results, at_noon, summary = told.values()

    [aapl] = [row for row in results if row["ticker"] == "AAPL"]
    assert str(LAST) in aapl["session_date"]
    assert (aapl["corrected"], aapl["late"], aapl["bars_then"]) == (len(CORRECTED), 0, 390)
    for row in results:
        place = {"ticker": row["ticker"], "day": row["session_date"][:10]}
        for view, instant in (("then", known), ("now", "infinity")):
            [found] = lake.rows(_REVERSAL, **place, known=instant)
            assert row[f"pnl_bps_{view}"] == pytest.approx(found["pnl"], abs=1e-6)
            assert row[f"vwap_{view}"] == pytest.approx(found["vwap"], rel=1e-12)
            assert row[f"bars_{view}"] == found["bars"]
    assert abs(aapl["pnl_difference"]) > 0.01
    assert aapl["vwap_difference_bps"] != 0
    assert summary["pnl_difference"] == pytest.approx(sum(row["pnl_difference"] for row in results))
    assert at_noon == 0


def test_duckdb_and_spark_give_one_answer(lake: OpenLake) -> None:
    told = study(
        "05-duckdb-and-spark",
        [
            "same_keys",
            "vwap_difference",
            "same_gaps",
            "by_spark.groupby('session_date').minutes.sum().to_dict()",
            "int(spark_gaps.minutes.sum())",
        ],
    )
    same_keys, vwap_difference, same_gaps, minutes, absent = told.values()

    assert (same_keys, same_gaps) == (True, True)
    assert vwap_difference < 1e-12
    assert minutes == {row["session_date"]: row["observed"] for row in lake.rows(_OBSERVED)}
    assert absent == lake.rows(_ABSENT)[0]["minutes"]
