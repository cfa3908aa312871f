"""Nights with Yahoo, as a user runs them: what a vendor refuses is missing, and come for later."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake import cli
from barlake.readers.explain import Minute, explain
from barlake.readers.frames import OpenLake
from barlake.settings import CONF
from tests.lake.conftest import _few_rows  # noqa: F401
from tests.vendor.charts import Events, Row, day_of, null
from tests.vendor.conftest import ask_on_loopback
from tests.vendor.loopback import TOO_MANY, Vendor, epoch

THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
RANGE = ["--start", f"{THURSDAY}", "--end", f"{FRIDAY}", "--as-of", "2026-11-21T02:00Z"]

Command = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def barlake_(
    vendor: Vendor,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    spark: SparkSession,
) -> Command:
    """Run a command with --source yahoo and --json; give its exit code and what it printed."""
    del spark  # one session for all
    ask_on_loopback(monkeypatch, vendor, certificate, tmp_path)

    def ran(command: str, *words: str) -> tuple[int, dict[str, Any]]:
        lake = ["--source", "yahoo", "--lake", str(tmp_path / "lake"), "--json"]
        when = RANGE[4:] if command == "demo" else RANGE
        capsys.readouterr()
        code = cli._guarded(cli.app, [command, *words, *when, *lake])
        return code, json.loads(capsys.readouterr().out)

    return ran


def rescaled(rows: list[Row], ratio: float) -> list[Row]:
    """Give bars as the vendor serves them after a split: prices divided, volume multiplied."""
    return [
        (row[0], *(price and price / ratio for price in row[1:5]), int((row[5] or 0) * ratio))  # type: ignore[misc]
        for row in rows
    ]


@pytest.mark.slow
def test_what_yahoo_refuses_blocks_a_night_and_comes_with_the_next(
    barlake_: Command, vendor: Vendor, tmp_path: Path
) -> None:
    """AAPL splits 4 for 1 on the Friday, MSFT has a null minute, NVDA is refused, GONE unknown."""
    friday = day_of(FRIDAY)
    vendor.bars["AAPL"] = [*rescaled(day_of(THURSDAY, base=400.0), 4), *friday]
    long_ago = epoch(datetime(1999, 5, 7, 13, 30, tzinfo=UTC))
    vendor.events["AAPL"] = Events(splits=((friday[0][0], 4, 1),), dividends=((long_ago, 0.5),))
    vendor.bars["MSFT"] = [*day_of(THURSDAY), *friday]
    vendor.bars["MSFT"][60] = null(vendor.bars["MSFT"][60][0])
    vendor.bars["NVDA"] = [*day_of(THURSDAY), *friday]

    code, fetched = barlake_("fetch", "--tickers", "AAPL,MSFT")

    assert (code, fetched["status"], fetched["outcomes"]) == (0, "ok", {"ok": 4})
    vendor.always["NVDA"] = TOO_MANY
    universe = (CONF / "tickers.txt").read_bytes()

    code, blocked = barlake_("run", "--tickers", "AAPL,MSFT,NVDA,GONE")

    # What had landed is not asked for again; each ticker's splits and dividends are told once.
    asked = [(chart.ticker, chart.query["interval"]) for chart in vendor.charts]
    assert {key: asked.count(key) for key in asked} == {
        ("AAPL", "1m"): 1,
        ("AAPL", "3mo"): 1,
        ("MSFT", "1m"): 1,
        ("MSFT", "3mo"): 1,
        ("NVDA", "1m"): 5,
        ("NVDA", "3mo"): 2,  # seven refusals in a row: Yahoo is left alone
        ("GONE", "1m"): 1,
    }
    assert (code, blocked["status"]) == (3, "blocked")
    assert (CONF / "tickers.txt").read_bytes() == universe
    missing = [(m["ticker"], m["range_start"][:4], m["outcome"]) for m in blocked["missing"]]
    assert missing == [("NVDA", "2026", "rate_limited"), ("NVDA", "1900", "rate_limited")]
    assert "2 of the run's requests brought no answer (2 rate_limited)" in blocked["error"]
    lake = barlake.open(str(tmp_path / "lake"))
    assert told(lake, _REQUESTS) == [
        ("minutes", "AAPL", "ok", 1),
        ("minutes", "GONE", "unknown_ticker", 1),
        ("minutes", "MSFT", "ok", 1),
        ("minutes", "NVDA", "rate_limited", 5),
        ("actions", "AAPL", "ok", 1),
        ("actions", "GONE", "unknown_ticker", 0),
        ("actions", "MSFT", "ok", 1),
        ("actions", "NVDA", "rate_limited", 2),
    ]
    assert told(lake, "SELECT status FROM ops.runs WHERE job = 'run'") == [("blocked",)]
    opening = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    minute = Minute(ticker="NVDA", ts=opening, now=opening + timedelta(hours=12), horizon_days=29)
    assert [r["attempts"] for r in explain(lake, minute)["requests"]] == [5]
    assert told(lake, _OBSERVED) == [
        ("AAPL", THURSDAY, 391),
        ("AAPL", FRIDAY, 391),
        ("MSFT", THURSDAY, 390),
        ("MSFT", FRIDAY, 391),
    ]
    assert told(lake, "SELECT rule, ticker FROM silver.quarantine") == [("price_missing", "MSFT")]

    assert told(lake, "SELECT ticker, ex_date, kind, value FROM ref.actions ORDER BY ALL") == [
        ("AAPL", date(1999, 5, 7), "dividend", 0.5),
        ("AAPL", FRIDAY, "split", 4.0),
    ]

    # As traded, and in the shares of today.
    volume = day_of(THURSDAY)[0][5] or 0
    first = "SELECT close, volume FROM bars ORDER BY ts LIMIT 1"
    traded = lake.bars("AAPL", start=THURSDAY, end=THURSDAY)
    adjusted = lake.bars("AAPL", start=THURSDAY, end=THURSDAY, adjusted=True)
    assert traded.query("bars", first).fetchall() == [(400.0, volume)]
    assert adjusted.query("bars", first).fetchall() == [(100.0, 4 * volume)]
    assert told(lake, _ADJUSTED) == [(THURSDAY, 100.0, 4 * volume), (FRIDAY, 100.0, friday[0][5])]

    vendor.always.clear()

    code, done = barlake_("run", "--tickers", "AAPL,MSFT,NVDA")

    assert (code, done["status"], done["new"]) == (0, "ok", 782)
    assert (done["unchanged"], done["changed"]) == (391 * 4 - 1, 0)
    lake = barlake.open(str(tmp_path / "lake"))
    assert told(lake, "SELECT DISTINCT ticker FROM gold.features_1m ORDER BY 1") == [
        ("AAPL",),
        ("MSFT",),
        ("NVDA",),
    ]


@pytest.mark.slow
def test_the_demo_with_yahoo_holds_the_minutes_of_two_tickers_against_daily_bars(
    barlake_: Command, vendor: Vendor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BARLAKE_SOURCE__DAILY", "true")
    vendor.bars = {name: [*day_of(THURSDAY), *day_of(FRIDAY)] for name in ("AAPL", "MSFT")}

    code, done = barlake_("demo", "--tickers", "2", "--sessions", "2")

    assert (code, done["status"], done["new"]) == (0, "ok", 391 * 4)
    asked = [(chart.ticker, chart.query["interval"]) for chart in vendor.charts]
    assert sorted(asked) == [
        (name, interval) for name in ("AAPL", "MSFT") for interval in ("1d", "1m", "3mo")
    ]
    lake = barlake.open(str(tmp_path / "lake"))
    assert told(lake, _REQUESTS) == [
        (kind, name, "ok", 1) for kind in ("minutes", "daily", "actions") for name in vendor.bars
    ]
    assert told(lake, _HELD_AGAINST) == [
        (name, day, 5, True) for name in vendor.bars for day in (THURSDAY, FRIDAY)
    ]


_HELD_AGAINST = """
SELECT ticker, session_date, count(*), bool_and(passed) FROM ops.dq_results
WHERE rule LIKE 'daily_%' GROUP BY ALL ORDER BY ALL
"""
_ADJUSTED = """
SELECT session_date, arg_min(close, ts), arg_min(volume, ts) FROM silver.bars_1m_adjusted
WHERE ticker = 'AAPL' GROUP BY ALL ORDER BY ALL
"""
_REQUESTS = """
SELECT CASE WHEN request_id LIKE '%-1d' THEN 'daily' WHEN request_id LIKE '%-actions' THEN 'actions'
       ELSE 'minutes' END AS kind, ticker, outcome, attempts FROM ops.requests
ORDER BY kind DESC, ticker
"""
_OBSERVED = """
SELECT ticker, session_date, count(*) FROM silver.bars_1m WHERE NOT is_filled
GROUP BY ALL ORDER BY ALL
"""


def told(lake: OpenLake, query: str) -> list[tuple[Any, ...]]:
    """Give a query's rows."""
    return lake.sql(query).fetchall()
