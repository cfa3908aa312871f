"""The stream's state: right sums and alerts, however bars come, and whoever dies in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barlake.streaming.messages import Bar
from tests.stream.bars import OPEN, SESSION, Gold, bar, streamed

PRICES = (95.0, 99.0, 99.9, 100.0, 100.2, 101.0, 104.0)
# Hypothesis likes small examples, in which little happens: it draws the seeds of larger ones.
many = settings(max_examples=400)
SEEDS = st.integers(0, 2**32)


@dataclass(frozen=True)
class Topic:
    """Up to 40 bars of three tickers and 15 minutes: late, corrected and repeated ones."""

    bars: list[Bar]
    cuts: set[int]
    other_cuts: set[int]
    death: int

    @classmethod
    def drawn(cls, seed: int) -> "Topic":
        """One partition holds A and C, the other B."""
        draw = Random(seed)  # noqa: S311 - a draw, not a secret
        tickers = [draw.choice("ABC") for _ in range(draw.randint(0, 40))]
        bars = [
            bar(
                draw.randint(0, 14),
                draw.choice(PRICES),
                ticker=ticker,
                volume=draw.choice([0, 50, 100, 5_000]),
                revision=draw.randint(0, 2),
                offset=at,
                partition=int(ticker == "B"),
            )
            for at, ticker in enumerate(tickers)
        ]
        cuts, others = ({draw.randint(1, 39) for _ in range(draw.randint(0, 8))} for _ in "12")
        return cls(bars, cuts, others, draw.randint(0, 15))


def batches_of(bars: Sequence[Bar], cuts: set[int]) -> list[list[Bar]]:
    """Cut at these places; inside a batch partitions come one after the other."""
    edges = [0, *sorted(cut for cut in cuts if cut < len(bars)), len(bars)]
    return [
        sorted(bars[start:end], key=lambda b: (b.partition, b.offset))
        for start, end in pairwise(edges)
    ]


def expected(bars: Sequence[Bar]) -> dict[tuple[str, datetime], tuple[int, float, float | None]]:
    """Sum up the last revision of each minute, the first that came of equal ones, in order."""
    best: dict[tuple[str, datetime], Bar] = {}
    for found in bars:
        held = best.get((found.ticker, found.ts))
        if held is None or found.revision > held.revision:
            best[found.ticker, found.ts] = found
    sums: dict[tuple[str, datetime], tuple[int, float, float | None]] = {}
    for ticker in {key[0] for key in best}:
        volume, notional = 0, 0.0
        for key in sorted(key for key in best if key[0] == ticker):
            volume += best[key].volume
            notional += best[key].hlc3 * best[key].volume
            sums[key] = (volume, notional, notional / volume if volume else None)
    return sums


def sums(gold: Gold) -> dict[tuple[str, datetime], tuple[int, float, float | None]]:
    return {k: (r["cum_volume"], r["cum_notional"], r["vwap"]) for k, r in gold.cells.items()}


@many
@given(seed=SEEDS)
def test_every_minute_holds_the_sums_of_the_last_revisions(seed: int) -> None:
    topic = Topic.drawn(seed)

    gold = streamed(Gold(), batches_of(topic.bars, topic.cuts))

    assert sums(gold) == expected(topic.bars)


@many
@given(seed=SEEDS)
def test_neither_rows_nor_alerts_depend_on_how_messages_are_cut(seed: int) -> None:
    topic = Topic.drawn(seed)

    one, other = (
        streamed(Gold(), batches_of(topic.bars, cuts)) for cuts in (topic.cuts, topic.other_cuts)
    )

    assert one.cells == other.cells
    assert one.alerts == other.alerts


@many
@given(seed=SEEDS)
def test_a_kill_between_any_two_writes_changes_nothing(seed: int) -> None:
    topic = Topic.drawn(seed)
    batches = batches_of(topic.bars, topic.cuts)

    whole = streamed(Gold(), batches)
    died = streamed(Gold(die_before=topic.death), batches)

    assert died.cells == whole.cells
    assert died.alerts == whole.alerts


@many
@given(seed=SEEDS)
def test_the_whole_topic_read_again_is_no_news(seed: int) -> None:
    topic = Topic.drawn(seed)
    gold = streamed(Gold(), batches_of(topic.bars, topic.cuts))
    cells, alerts = dict(gold.cells), dict(gold.alerts)

    again = streamed(gold, batches_of(topic.bars, topic.other_cuts))

    assert (again.cells, again.alerts) == (cells, alerts)


def alerts(*bars: Bar) -> list[tuple[str, str, int, int]]:
    """Give rule, direction, minute and crossing of what one batch after the other raises."""
    gold = streamed(Gold(), [[b] for b in bars])
    return [
        (a.rule, a.direction, int((a.ts - OPEN) / timedelta(minutes=1)), a.crossing)
        for a in gold.alerts.values()
    ]


def test_crossing_the_vwap_alerts_once_a_crossing_and_not_at_the_first_side() -> None:
    closes = [100, 100, 100.5, 100.6, 99.0, 98.9, 101.5]
    found = alerts(*(bar(m, close, volume=0 if m > 1 else 100) for m, close in enumerate(closes)))

    assert [a for a in found if a[0] == "cross"] == [
        ("cross", "down", 4, 1),
        ("cross", "up", 6, 2),
    ]


def test_a_number_that_stays_beyond_its_threshold_alerts_once_and_cools_down() -> None:
    closes = [100, 100, 100, 102, 103, 104, 104, 104, 104, 106]
    found = alerts(*(bar(m, close, volume=0) for m, close in enumerate(closes)))

    assert [a for a in found if a[0] == "jump"] == [("jump", "up", 3, 1), ("jump", "up", 9, 2)]


def test_what_is_crossed_while_a_rule_cools_down_is_counted_and_not_told() -> None:
    closes = [100, 100, 102, 100, 100, 102, 102, 102, 104.5]
    found = alerts(*(bar(m, close, volume=0) for m, close in enumerate(closes)))

    jumps = [a for a in found if a[0] == "jump"]
    # The third goes up at 5, a minute after the second was told.
    assert jumps == [("jump", "up", 2, 1), ("jump", "down", 4, 2), ("jump", "up", 8, 4)]


def test_a_silent_ticker_is_told_of_once_by_the_clock_of_its_own_partition() -> None:
    a = [bar(m) for m in (0, 1)]
    c = [bar(m, ticker="C") for m in range(6, 12)]
    other = [bar(m, ticker="B", partition=1) for m in range(12)]
    found = alerts(*a, *other, bar(6), *c)

    assert [x for x in found if x[0] == "silent"] == [
        ("silent", "silent", 5, 1),  # A's, found when it speaks again
        ("silent", "silent", 10, 2),  # A's, by the clock that C moves
    ]


def test_a_late_or_corrected_bar_alerts_nobody() -> None:
    found = alerts(bar(0), bar(5), bar(3, 150.0), bar(5, 170.0, revision=1))

    assert [a[0] for a in found] == ["silent"]


def test_a_late_bar_leaves_the_later_cells_of_other_sessions_alone() -> None:
    before = bar(0, session_date=SESSION - timedelta(days=1), ts=OPEN - timedelta(days=1))
    gold = streamed(Gold(), [[bar(1)], [before]])

    assert [row["n_bars"] for row in gold.cells.values()] == [1, 1]


def test_a_cell_that_a_dead_run_left_stale_is_written_again() -> None:
    gold = streamed(Gold(), [[bar(0), bar(2)]])
    late = bar(1, 104.0)
    gold.die_before = 2  # after the new rows, before the changed ones
    stale = dict(gold.cells)

    streamed(gold, [[late]])

    key = ("A", OPEN + timedelta(minutes=2))
    assert stale[key]["n_bars"] == 2
    assert gold.cells[key]["n_bars"] == 3
    assert gold.cells[key]["vwap"] == pytest.approx(
        (bar(0).hlc3 + late.hlc3 + bar(2).hlc3) / 3, rel=1e-12
    )
