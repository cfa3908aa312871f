"""What a night rewrites: counted in versions, files and partitions."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from barlake import calendar, steps
from barlake.io import history
from barlake.io.folder import Folder
from barlake.io.lake import Lake
from barlake.model.jobs import RUN
from barlake.model.table import Table, Zone
from barlake.model.tables import TABLES
from barlake.options import Options
from barlake.pipelines import stages
from barlake.pipelines.gold import build_gold
from barlake.pipelines.silver import Published
from barlake.pipelines.underway import Night
from barlake.sources.manners import Chance, Correction, Manners
from barlake.transforms.lookback import SESSIONS_BACK
from tests.builders import held, run_simulated
from tests.few_rows import planned_as_usual
from tests.lake.invariants import DATA, assert_equal, commit_infos, contents

TICKERS = ["AAA", "BBB"]
FIRST, LAST, NEXT = date(2026, 10, 20), date(2026, 11, 18), date(2026, 11, 19)
SESSIONS = [day.session_date for day in calendar.between(FIRST, NEXT)]
CORRECTED = SESSIONS[1]  # one session before it, and the last one more than 20 after it
EVENING, NEXT_EVENING, THIRD = (datetime(2026, 11, day, 3, tzinfo=UTC) for day in (19, 20, 21))


@dataclass(frozen=True, slots=True)
class Nights:
    """What each night committed, and the sessions whose gold it worked out."""

    done: list[Night]
    worked_out: list[list[date]]
    root: Path


@pytest.fixture(scope="module", autouse=True)
def _planned_as_usual(spark: SparkSession, _few_rows: None) -> Iterator[None]:
    with planned_as_usual(spark):
        yield


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """More than twenty sessions, then one more, then the same again, then one corrected bar."""
    root = tmp_path_factory.mktemp("nights")
    correction = Correction(ticker="AAA", session_date=CORRECTED, known_at=NEXT_EVENING, minute=30)
    manners = Manners(corrections=Chance(at=(correction,)))
    worked_out = []

    def watched(lake: Lake, changed: Sequence[date]) -> Published:
        published = build_gold(lake, changed)
        worked_out.append(published.sessions)
        return published

    asked = [
        (FIRST, LAST, EVENING),
        (NEXT, NEXT, NEXT_EVENING),
        (NEXT, NEXT, NEXT_EVENING),
        (CORRECTED, CORRECTED, THIRD),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "build_gold", watched)
        done = [
            run_simulated(root, TICKERS, first, last, as_of=as_of, manners=manners)
            for first, last, as_of in asked
        ]
    return Nights(done, worked_out, root)


@pytest.fixture
def nights(lived: Nights) -> list[Night]:
    return lived.done


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


def test_gold_is_worked_out_for_the_corrected_session_and_the_twenty_after_it(
    lived: Nights,
) -> None:
    """Those whose look-back holds it: not the one before it, nor the last one."""
    [gold] = lived.done[3].commits["gold.features_1m"][:1]

    assert SESSIONS_BACK == 20
    assert lived.worked_out[3] == SESSIONS[1:22] == SESSIONS[1:-1]
    assert gold.changed == {("2026-10",), ("2026-11",)}
    assert gold.files_removed == 2  # October's, and the first night's of November


def named(predicate: str, column: str) -> set[str]:
    """Give the partitions that a MERGE's condition names as literals; none where it joins them."""
    literal = r"\d{4}-\d{2}(?:-\d{2})?"
    found = re.search(rf"\b{column}#\d+ (?:= |IN \(|INSET )({literal}(?:, ?{literal})*)", predicate)
    return set(re.split(", ?", found[1])) if found else set()


@pytest.mark.parametrize("table", [t for t in RUN.writes if t.partition_by], ids=str)
def test_each_merge_names_the_partitions_that_it_changes(lived: Nights, table: Table) -> None:
    """As literals: by a column of the rows to merge, Delta would read every partition."""
    [column] = table.partition_by
    predicates = {
        version: info["operationParameters"]["predicate"]
        for version, info in enumerate(commit_infos(lived.root, table))
        if info["operation"] == "MERGE"
    }

    assert len(predicates) >= 3
    for version, predicate in predicates.items():
        changed = history.commit(Folder(lived.root), table, version).changed
        assert {(value,) for value in named(predicate, column)} == changed, predicate


@pytest.mark.parametrize("predicate", ["d#1 = d#2", "d#1 >= 2026-11-18", "e#1 = 2026-11-18"])
def test_a_merge_that_joins_by_its_partitions_names_none(predicate: str) -> None:
    """The negative control."""
    assert named(f"((({predicate}) AND (ticker#3 = ticker#4)) AND (ts#5 = ts#6))", "d") == set()


@pytest.mark.parametrize("table", [t for t in TABLES if t.zorder_by], ids=str)
def test_what_is_laid_out_is_ordered_by_ticker(lived: Nights, table: Table) -> None:
    infos = commit_infos(lived.root, table)
    orders = [
        json.loads(info["operationParameters"]["zOrderBy"])
        for info in infos
        if info["operation"] == "OPTIMIZE"
    ]

    assert len(orders) > 0
    assert orders == [["ticker"]] * len(orders)


@pytest.mark.parametrize("table", [t for t in TABLES if t.zone is Zone.OPS], ids=str)
def test_a_run_writes_each_table_of_ops_once_at_most(lived: Nights, table: Table) -> None:
    """And the versions are the runs': none is written after a run has closed its books."""
    infos = commit_infos(lived.root, table)
    writers = Counter(i["userMetadata"] for i in infos if i["operation"] != "CREATE TABLE")

    assert set(writers) <= {night.lake.run_id for night in lived.done}
    assert set(writers.values()) == {1}


def test_layout_follows_changes_alone(nights: list[Night]) -> None:
    """Gold's months are laid out when they changed and are closed; silver's days when they did."""
    months, days = (
        [[c.operation for c in night.commits.get(table, [])] for night in nights]
        for table in ("gold.features_1m", "silver.bars_1m")
    )

    assert months == [["MERGE", "OPTIMIZE"], ["MERGE"], [], ["MERGE", "OPTIMIZE"]]
    assert days == [["MERGE", "OPTIMIZE"], ["MERGE", "OPTIMIZE"], [], ["MERGE", "OPTIMIZE"]]


def test_coverage_proves_every_minute(nights: list[Night]) -> None:
    [sums] = held(
        nights[-1].lake,
        "SELECT count(*) AS n, sum(expected) AS expected, sum(observed) AS observed,"
        " bool_and(is_settled) AS settled FROM silver.coverage",
    )

    assert sums == {"n": 46, "expected": 46 * 390, "observed": 46 * 390, "settled": True}


def test_what_the_nights_left_is_what_a_rebuild_makes(lived: Nights, tmp_path: Path) -> None:
    """More than twenty sessions, and a corrected bar that twenty of them look back at."""
    again = tmp_path / "again"
    steps.rebuild(Options(lake=str(again), as_of=THIRD, run_id="again"), str(lived.root))

    assert_equal(contents(again), contents(lived.root), DATA)
    [known] = held(
        lived.done[3].lake,
        "SELECT count(rel_volume_20d) AS volume, count(gap_from_prior_close) AS gap"
        " FROM gold.features_1m",
    )
    assert known == {"volume": 2 * 18 * 390, "gap": 2 * 22 * 390}
