"""What a night rewrites: counted in versions, files and partitions."""

from datetime import UTC, date, datetime

import pytest

from barlake.pipelines.underway import Night
from barlake.sources.manners import Chance, Correction, Manners
from tests.builders import held, run_simulated

TICKERS = ["AAA", "BBB"]
FIRST, LAST, NEXT = date(2026, 10, 22), date(2026, 11, 18), date(2026, 11, 19)
CORRECTED = date(2026, 11, 2)
EVENING, NEXT_EVENING, THIRD = (datetime(2026, 11, day, 3, tzinfo=UTC) for day in (19, 20, 21))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    """Twenty sessions, then one more, then the same again, then one corrected bar."""
    root = tmp_path_factory.mktemp("nights")
    correction = Correction(ticker="AAA", session_date=CORRECTED, known_at=NEXT_EVENING, minute=30)
    manners = Manners(corrections=Chance(at=(correction,)))
    return [
        run_simulated(root, TICKERS, FIRST, LAST, as_of=EVENING, manners=manners),
        run_simulated(root, TICKERS, NEXT, NEXT, as_of=NEXT_EVENING, manners=manners),
        run_simulated(root, TICKERS, NEXT, NEXT, as_of=NEXT_EVENING, manners=manners),
        run_simulated(root, TICKERS, CORRECTED, CORRECTED, as_of=THIRD, manners=manners),
    ]


def test_a_night_adds_its_own_day_and_rewrites_no_other(nights: list[Night]) -> None:
    merged, *optimized = nights[1].commits["silver.bars_1m"]

    assert merged.changed == {(str(NEXT),)}
    assert (merged.files_added, merged.files_removed) == (1, 0)
    assert [c.changed for c in optimized] == [frozenset()] * len(optimized)
    assert all(c.files_removed <= 1 for c in optimized)


def test_a_nights_gold_is_one_new_file(nights: list[Night]) -> None:
    [merged] = nights[1].commits["gold.features_1m"]

    assert (merged.files_added, merged.files_removed, merged.updated) == (1, 0, 0)
    assert merged.inserted == 780


def test_the_same_night_again_commits_nothing_outside_ops(nights: list[Night]) -> None:
    again, later = nights[2], nights[3]
    before, after = (
        {t: v for t, v in night.before.items() if not t.startswith("ops.")}
        for night in (again, later)
    )

    assert again.commits == {}
    assert after == before
    assert again.ingested is not None
    assert again.ingested.counts["unchanged"] == again.ingested.counts["received"] > 0


def test_one_corrected_bar_rewrites_its_day_and_the_gold_that_depends_on_it(
    nights: list[Night],
) -> None:
    last = nights[3]
    silver, *_ = last.commits["silver.bars_1m"]
    gold, *_ = last.commits["gold.features_1m"]

    assert (silver.updated, silver.inserted) == (1, 0)
    assert silver.changed == {(str(CORRECTED),)}
    assert (silver.files_added, silver.files_removed) == (1, 1)
    assert gold.inserted == 0
    [changed] = held(
        last.lake,
        "SELECT min(session_date) AS first, count(DISTINCT ticker) AS tickers FROM gold.features_1m"
        " WHERE computed_at = '2026-11-21 03:00:00+00'",
    )
    assert changed == {"first": CORRECTED, "tickers": 1}


def test_layout_follows_changes_alone(nights: list[Night]) -> None:
    """Gold's months are laid out once they are closed; silver's days when they changed."""
    operations = [c.operation for n in nights for c in n.commits.get("gold.features_1m", [])]
    days = [c.operation for c in nights[3].commits["silver.bars_1m"]]

    assert operations.count("OPTIMIZE") == 1
    assert days == ["MERGE", "OPTIMIZE"]


def test_coverage_proves_every_minute(nights: list[Night]) -> None:
    [sums] = held(
        nights[-1].lake,
        "SELECT count(*) AS n, sum(expected) AS expected, sum(observed) AS observed,"
        " bool_and(is_settled) AS settled FROM silver.coverage",
    )

    assert sums == {"n": 42, "expected": 42 * 390, "observed": 42 * 390, "settled": True}
