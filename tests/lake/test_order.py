"""What became known, in whichever order it came."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from barlake.io.lake import Lake
from barlake.settings import Settings
from tests.builders import OPEN, deliver, held, row, stamp, write_bars
from tests.conftest import new_lake

KNOWN = [datetime(2026, 11, 21 + day, 2, 0, tzinfo=UTC) for day in range(4)]
NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
BRONZE = """
SELECT ticker, ts, revision, open, close, volume, fetched_at FROM bronze.bars ORDER BY 1, 2, 3
"""
NAMES = ("revision", "close", "volume")
SILVER = "SELECT * EXCLUDE (run_id) FROM silver.bars_1m ORDER BY ticker, ts"
COVERAGE = "SELECT * EXCLUDE (computed_at) FROM silver.coverage ORDER BY ticker, session_date"


def drawn_deliveries(seed: int, tickers: int) -> list[list[dict[str, Any]]]:
    """Draw, for each knowledge time, which of three values it gives which bars of each ticker."""
    random = Random(seed)  # noqa: S311 - a draw, not a secret
    deliveries: list[list[dict[str, Any]]] = [[] for _ in KNOWN]
    for name in (f"T{n}" for n in range(tickers)):
        for minute in range(3):
            for rows, known in zip(deliveries, KNOWN, strict=True):
                close = random.choice([None, 100.0, 101.0, 102.0])
                volume = random.choice([100, 100, 100, 200, 0])
                if close is not None:
                    told = {"ticker": name, "volume": volume, "fetched_at": stamp(known)}
                    rows.append(row(minute, close=close, **told))
    return deliveries


def delivered(spark: SparkSession, root: Path, conf: Settings, order: tuple[int, ...]) -> Lake:
    """Deliver the drawn deliveries in an order, one file each."""
    root.mkdir()
    lake = new_lake(spark, root / "lake", now=NOW)
    deliveries = drawn_deliveries(seed=20261120, tickers=40)
    for at in order:
        deliver(lake, conf, write_bars(root / f"{at}.csv", deliveries[at]), now=NOW)
    return lake


@pytest.fixture(scope="module")
def in_order(spark: SparkSession, conf: Settings, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return delivered(spark, tmp_path_factory.mktemp("order") / "a", conf, (0, 1, 2, 3))


@pytest.mark.parametrize("order", [(3, 1, 0, 2), (2, 3, 0, 1)], ids=str)
def test_the_order_of_deliveries_does_not_matter(
    spark: SparkSession, conf: Settings, in_order: Lake, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """Forty tickers draw 120 sequences of values; each lake must end the same."""
    assert order in set(permutations(range(4))) - {(0, 1, 2, 3)}

    other = delivered(spark, tmp_path / "b", conf, order)

    assert held(other, BRONZE) == held(in_order, BRONZE)
    assert held(other, SILVER) == held(in_order, SILVER)
    assert held(other, COVERAGE) == held(in_order, COVERAGE)


def test_the_ledger_holds_each_change_and_no_repeat(in_order: Lake) -> None:
    """Bronze against plain Python: the values in order of knowledge, equal neighbours once."""
    expected = []
    sequences: dict[tuple[str, str], list[tuple[float, int, str]]] = {}
    for rows in drawn_deliveries(seed=20261120, tickers=40):
        for bar in rows:
            key = (str(bar["ticker"]), str(bar["ts"]))
            sequences.setdefault(key, []).append((bar["close"], bar["volume"], bar["fetched_at"]))
    for (ticker, ts), said in sequences.items():
        kept: list[tuple[float, int, str]] = []
        for close, volume, known in said:
            had_volume = any(v > 0 for _, v, _ in kept)
            if had_volume and volume == 0:
                continue  # a drop of volume to 0 is no correction
            if not kept or kept[-1][:2] != (close, volume):
                kept.append((close, volume, known))
        expected += [(ticker, ts, n, *entry) for n, entry in enumerate(kept)]

    found = [
        (
            r["ticker"],
            stamp(r["ts"]),
            r["revision"],
            r["close"],
            r["volume"],
            stamp(r["fetched_at"]),
        )
        for r in held(in_order, BRONZE)
    ]

    assert sorted(found) == sorted(expected)


def test_every_row_of_the_ledger_and_the_quarantine_adds_up(in_order: Lake) -> None:
    [sums] = held(
        in_order,
        "SELECT bool_and(observed + filled + missing_before_first + missing_after_last = expected)"
        " AS parts, bool_and(list_sum(list_transform(gaps, lambda g: g.minutes)) ="
        " filled + missing_before_first + missing_after_last) AS gaps FROM silver.coverage",
    )

    assert sums == {"parts": True, "gaps": True}
    assert OPEN + timedelta(minutes=2) == max(r["ts"] for r in held(in_order, BRONZE))
