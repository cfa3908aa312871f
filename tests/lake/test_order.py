"""What became known, in whichever order it came.

Each drawn ticker is two: one whose deliveries come in the order in which they became known, and
one that has the same bars in a drawn order. All tickers share the files, so an example is one lake.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from barlake.io.lake import Lake
from barlake.settings import Settings
from tests.builders import OPEN, deliver, held, row, stamp, write_bars
from tests.conftest import new_lake
from tests.lake.invariants import versions

KNOWN = [datetime(2026, 11, 21 + day, 2, 0, tzinfo=UTC) for day in range(4)]
NOW = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
IN_ORDER = tuple(range(len(KNOWN)))
MINUTES = 3
TICKERS = 40
BRONZE = """
SELECT ticker, ts, revision, open, close, volume, fetched_at FROM bronze.bars ORDER BY 1, 2, 3
"""
SILVER = "SELECT * EXCLUDE (run_id) FROM silver.bars_1m ORDER BY ticker, ts"
COVERAGE = "SELECT * EXCLUDE (computed_at) FROM silver.coverage ORDER BY ticker, session_date"
SUMS = """
SELECT bool_and(observed + filled + missing_before_first + missing_after_last = expected) AS parts,
       bool_and(list_sum(list_transform(gaps, lambda g: g.minutes)) =
                filled + missing_before_first + missing_after_last) AS gaps
FROM silver.coverage
"""

Bar = tuple[float, int] | None
Revision = tuple[float, int, datetime]


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a ticker's minutes were said to be at each knowledge time, and when that was delivered.

    `said[minute][time]` is a bar, None where the delivery left it out; `order` is a permutation of
    the times.
    """

    said: Sequence[Sequence[Bar]]
    order: tuple[int, ...]

    def rows(self, ticker: str, time: int) -> list[dict[str, Any]]:
        """Give the rows of one delivery."""
        bars = [(minute, said[time]) for minute, said in enumerate(self.said)]
        return [
            row(minute, close=bar[0], ticker=ticker, volume=bar[1], fetched_at=stamp(KNOWN[time]))
            for minute, bar in bars
            if bar is not None
        ]

    def revisions(self, minute: int) -> list[Revision]:
        """Give a minute's ledger: in order of knowledge, equal neighbours once."""
        kept: list[Revision] = []
        for bar, known in zip(self.said[minute], KNOWN, strict=True):
            had_volume = any(volume > 0 for _, volume, _ in kept)
            is_drop = bar is not None and bar[1] == 0 and had_volume  # no correction
            if bar is not None and not is_drop and (not kept or kept[-1][:2] != bar):
                kept.append((*bar, known))
        return kept


orders = st.permutations(IN_ORDER).map(tuple)
BARS: tuple[Bar, ...] = ((100.0, 100), (101.0, 100), (102.0, 200), (100.0, 0), None)
# Each time's simplest draw is another bar: Hypothesis tries the simplest first, all in order.
sequences = st.tuples(*(st.sampled_from(BARS[n:] + BARS[:n]) for n in IN_ORDER))
tickers = st.builds(Drawn, st.tuples(*[sequences] * MINUTES), orders)
there_and_back = st.builds(
    lambda cents, more, volume, order: Drawn(
        [[(cents / 100, volume), ((cents + more) / 100, volume), (cents / 100, volume), None]],
        order,
    ),
    st.integers(100, 100_000),
    st.integers(1, 1_000),
    st.integers(1, 10**6),
    orders,
)


def delivered(spark: SparkSession, root: Path, conf: Settings, offered: dict[str, Drawn]) -> Lake:
    """Deliver what is offered, one file for each place in the tickers' orders."""
    lake = new_lake(spark, root / "lake", now=NOW)
    (root / "files").mkdir()
    for at in IN_ORDER:
        rows = [bar for name, drawn in offered.items() for bar in drawn.rows(name, drawn.order[at])]
        deliver(lake, conf, write_bars(root / "files" / f"{at}.csv", rows), now=NOW)
    return lake


@settings(max_examples=2)
@given(
    drawn=st.lists(tickers, min_size=TICKERS, max_size=TICKERS),
    back=st.lists(there_and_back, min_size=5, max_size=5),
)
def test_the_order_of_deliveries_does_not_matter(
    spark: SparkSession,
    conf: Settings,
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[Drawn],
    back: list[Drawn],
) -> None:
    offered = {f"A{n}": Drawn(ticker.said, IN_ORDER) for n, ticker in enumerate(drawn)}
    offered |= {f"B{n}": ticker for n, ticker in enumerate(drawn)}
    offered |= {f"X{n}": ticker for n, ticker in enumerate(back)}
    root = tmp_path_factory.mktemp("order")
    lake = delivered(spark, root, conf, offered)

    assert told(lake, SILVER, "A") == told(lake, SILVER, "B")
    assert told(lake, COVERAGE, "A") == told(lake, COVERAGE, "B")
    assert_the_ledger_holds_each_change_and_no_repeat(lake, offered)
    assert_back_is_a_third_revision(lake, back)
    assert_the_parts_of_the_coverage_sum(lake)
    assert_all_of_it_again_changes_nothing(lake, conf, root)


def told(lake: Lake, query: str, group: str) -> list[dict[str, Any]]:
    """Give a group's rows, their tickers without the group's letter."""
    rows = [row for row in held(lake, query) if row["ticker"].startswith(group)]
    return [row | {"ticker": row["ticker"][1:]} for row in rows]


def assert_the_ledger_holds_each_change_and_no_repeat(
    lake: Lake, offered: dict[str, Drawn]
) -> None:
    """Bronze against plain Python."""
    expected = {
        (ticker, OPEN + timedelta(minutes=minute), number): revision
        for ticker, drawn in offered.items()
        for minute in range(len(drawn.said))
        for number, revision in enumerate(drawn.revisions(minute))
    }
    found = {
        (r["ticker"], r["ts"], r["revision"]): (r["close"], r["volume"], r["fetched_at"])
        for r in held(lake, BRONZE)
    }
    assert found == expected


def assert_back_is_a_third_revision(lake: Lake, back: Sequence[Drawn]) -> None:
    firsts = [drawn.revisions(0)[0] for drawn in back]
    believed = [(r["close"], r["volume"], r["revision"]) for r in told(lake, SILVER, "X")]
    assert believed == [(close, volume, 2) for close, volume, _ in firsts]


def assert_the_parts_of_the_coverage_sum(lake: Lake) -> None:
    assert held(lake, SUMS) == [{"parts": True, "gaps": True}]


def assert_all_of_it_again_changes_nothing(lake: Lake, conf: Settings, root: Path) -> None:
    known = versions(root / "lake")
    again = deliver(lake, conf, root / "files", now=NOW)
    assert again.counts["received"] == again.counts["unchanged"] + again.counts["quarantined"] > 0
    assert versions(root / "lake") == known
