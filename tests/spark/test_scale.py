"""Whole bars a hundred times dear: where the quality gate sees them, and where nothing does.

No row tells its own unit: what stands beside it does, as many minutes as it takes.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from pyspark.sql import SparkSession

from barlake.io import arrow
from barlake.model import ref
from barlake.settings import Settings
from barlake.transforms.facts import marked, session_facts
from barlake.transforms.neighbours import with_neighbours
from tests.builders import AFTER
from tests.spark.test_gate import BEFORE, EARLIER, HELD, MINUTES, STATES, minute

BLOCKED = {"other_unit", "jump"}
# Ticker: which minutes are a hundred times dear, the closes of the two sessions before, the rules.
CASES: dict[str, tuple[Iterable[int], tuple[float, float], set[str]]] = {
    "NONE": ((), (100.0, 100.0), set()),
    "FIRST": ((0,), (100.0, 100.0), BLOCKED),
    "WHOLE": (range(MINUTES), (100.0, 100.0), BLOCKED),
    "TEN": (range(10, 20), (100.0, 100.0), {"mixed_units"}),
    # The close that passed last night, and blocks tonight.
    "AFTER": ((), (100.0, 10_000.0), BLOCKED),
    "LAST": ((MINUTES - 1,), (100.0, 100.0), set()),
    "REST": (range(15, MINUTES), (100.0, 100.0), set()),
    "NINE": (range(10, 19), (100.0, 100.0), set()),
    "ONE": ((15,), (100.0, 100.0), set()),
}


@pytest.fixture(scope="module")
def broken(spark: SparkSession, conf: Settings) -> dict[str, set[str]]:
    """Give the market rules that each ticker's session breaks."""
    rows = [
        minute(at, 10_000.0 if at in [*dear] else 100.0) | {"ticker": name}
        for name, (dear, _, _) in CASES.items()
        for at in range(MINUTES)
    ]
    before = [
        (name, day, close if day == EARLIER else closes[0], close, 100 * MINUTES)
        for name, (_, closes, _) in CASES.items()
        for day, close in zip((EARLIER, BEFORE), closes, strict=True)
    ]
    quality = conf.quality
    placed = marked(
        arrow.frame(spark, STATES, rows), zone="America/New_York", unit_ratio=quality.unit_ratio
    )
    facts = with_neighbours(
        session_facts(placed, now=AFTER, settle_minutes=20),
        spark.createDataFrame(before, HELD),
        arrow.frame(spark, ref.ACTIONS, []),
        unit_ratio=quality.unit_ratio,
        history_min=quality.history_min,
    )
    return {row["ticker"]: _rules(row, conf) for row in arrow.rows(facts)}


def _rules(facts: dict[str, Any], conf: Settings) -> set[str]:
    known = {name: rule for name, rule in conf.quality.rules.items() if rule.fact in facts}
    return {
        name
        for name, rule in known.items()
        if facts[rule.fact] is not None and facts[rule.fact] > rule.max
    }


@pytest.mark.parametrize("ticker", CASES)
def test_bars_a_hundred_times_dear_break_the_rules_that_see_them(
    broken: dict[str, set[str]], ticker: str
) -> None:
    assert broken[ticker] == CASES[ticker][2]
