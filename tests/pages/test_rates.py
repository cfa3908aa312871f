"""The pass rate of each rule, of results whose failures are known."""

from datetime import date
from typing import Any

import pytest

from barlake.model import ops
from barlake.pages.quality import quality
from barlake.pages.view import View
from barlake.settings import load
from tests.pages.tables import made_up

OLD, NEW = date(2026, 11, 19), date(2026, 11, 20)
TICKERS = [f"T{n:02d}" for n in range(20)]
Row = dict[str, Any]


def result(run: str, rule: str, ticker: str, day: date, *, passed: bool) -> Row:
    return {
        "run_id": run,
        "table": "silver.bars_1m",
        "rule": rule,
        "ticker": ticker,
        "session_date": day,
        "severity": "warning",
        "passed": passed,
        "sample_keys": [],
    }


def night(run: str, day: date, *, failed: int) -> list[Row]:
    """One run: `jump` fails for the first tickers; `batch_empty` is of the whole batch alone."""
    return [
        result(run, "jump", "", day, passed=not failed),
        result(run, "batch_empty", "", day, passed=True),
        *(result(run, "jump", t, day, passed=n >= failed) for n, t in enumerate(TICKERS)),
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Row:
    rows = [*night("first", OLD, failed=5), *night("second", NEW, failed=1)]
    lake = made_up(tmp_path_factory.mktemp("rates"), {ops.DQ_RESULTS: rows})
    return quality(View(lake, load().pages, None))


def of(page: Row, name: str) -> Row:
    [found] = [rule for rule in page["rules"] if rule["rule"] == name]
    return {key: found[key] for key in ("checks", "passed", "passed_percent", "sessions")}


def test_a_rate_is_of_tickers_and_sessions_not_of_batches(page: Row) -> None:
    assert of(page, "jump") == {
        "checks": 40,
        "passed": 34,
        "passed_percent": 85.0,
        "sessions": [
            {"session_date": "2026-11-19", "passed_percent": 75.0},
            {"session_date": "2026-11-20", "passed_percent": 95.0},
        ],
    }


def test_a_rule_of_whole_batches_counts_by_batches(page: Row) -> None:
    told = of(page, "batch_empty")

    assert (told["checks"], told["passed"], told["passed_percent"]) == (2, 2, 100.0)


def test_the_total_is_the_sum_of_the_rules(page: Row) -> None:
    assert (page["total"]["checks"], page["total"]["passed"]) == (42, 36)
