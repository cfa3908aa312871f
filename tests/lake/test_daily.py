"""Daily bars beside the minutes: landed, judged, held against each other, once."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import barlake
from barlake import landing, steps
from barlake.io.folder import Folder
from barlake.model.landed import Kind
from barlake.options import Options
from barlake.pipelines.reconcile import reconcile
from barlake.pipelines.underway import Night
from barlake.settings import Settings
from barlake.sources.files import FilesSource
from barlake.sources.manners import Chance, Correction, Manners, Split
from tests.builders import (
    AFTER,
    CLOSE,
    OPEN,
    SESSION,
    at,
    held,
    row,
    run_files,
    run_simulated,
    stamp,
    write_bars,
)

Row = dict[str, Any]
FIRST, EARLY = date(2026, 11, 20), date(2026, 11, 27)
MOMENT = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
REVISED = Correction(ticker="BBB", session_date=FIRST, known_at=MOMENT - timedelta(days=2))
MANNERS = Manners(
    closing_auction=True,
    extended_hours=True,
    daily_auctions=Chance(1.0),
    daily_extended=Chance(at=(("AAA", date(2026, 11, 23)), ("BBB", EARLY))),
    daily_off_exchange=Chance(at=(("AAA", date(2026, 11, 24)),)),
    daily_revisions=Chance(at=(REVISED,)),
    splits=Chance(at=(Split(ticker="BBB", ex_date=date(2026, 11, 25), ratio=4.0),)),
)
# The quality gate's results stand in the same table.
FINDINGS = (
    "SELECT * EXCLUDE (run_id) FROM ops.dq_results WHERE rule LIKE 'daily_%'"
    " ORDER BY ticker, session_date, rule"
)


@pytest.fixture(scope="module")
def _daily_asked() -> Iterator[None]:
    """Vendors are asked for daily bars as well."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BARLAKE_SOURCE__DAILY", "true")
        yield


@dataclass(frozen=True, slots=True)
class Told:
    """Two nights over the same sessions, and the landing files after each."""

    nights: list[Night]
    files: list[list[str]]

    def rows(self, query: str) -> list[Row]:
        return held(self.nights[-1].lake, query)


@pytest.fixture(scope="module")
def told(_daily_asked: None, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Five sessions, the last with an early close; and the same night again."""
    root = tmp_path_factory.mktemp("daily") / "lake"
    nights, files = [], []
    for _ in range(2):
        nights.append(
            run_simulated(root, ["AAA", "BBB"], FIRST, EARLY, as_of=MOMENT, manners=MANNERS)
        )
        files.append(Folder.at(str(root)).names("landing"))
    return Told(nights, files)


def test_a_vendors_daily_bars_land_beside_the_minutes_in_a_folder_of_their_own(told: Told) -> None:
    folders = [name.split("/")[1] for name in told.files[0]]
    named = {r["request_id"] for r in told.rows("SELECT request_id FROM ops.requests")}
    [batch] = landing.batches(told.nights[0].lake.store, Kind.DAILY)

    assert sorted(folders) == ["simulated", "simulated-daily"]
    assert [fact.rows for fact in batch.facts] == [5, 5]
    assert named > {fact.request_id for fact in batch.facts}


def test_every_ticker_session_and_measure_has_one_verdict(told: Told) -> None:
    [found] = told.rows(
        "SELECT count(*) AS n, count(DISTINCT (ticker, session_date)) AS pairs,"
        " count(DISTINCT rule) AS rules, min(severity) AS severity FROM ops.dq_results"
        " WHERE rule LIKE 'daily_%'"
    )

    assert found == {"n": 50, "pairs": 10, "rules": 5, "severity": "warning"}


def test_only_what_was_revised_fails_and_across_a_split_all_else_agrees(told: Told) -> None:
    failed = told.rows("SELECT * FROM ops.dq_results WHERE NOT passed AND rule LIKE 'daily_%'")

    assert {(r["ticker"], r["session_date"]) for r in failed} <= {("BBB", FIRST)}
    assert {r["rule"] for r in failed} <= {"daily_close", "daily_high", "daily_volume"}
    assert all("unexplained" in r["observed"] for r in failed)
    assert failed


def test_reasons_are_told_in_words(told: Told) -> None:
    said = told.rows(
        "SELECT rule, regexp_extract(observed, '; ([a-z_]+): ', 1) AS reason, count(*) AS n"
        " FROM ops.dq_results WHERE passed AND observed LIKE '%; %' GROUP BY ALL"
    )

    counts = told.nights[0].reconciled.counts if told.nights[0].reconciled else {}
    assert {r["reason"] for r in said} <= {"closing_cross", "after_hours", "early_close"}
    assert ("daily_volume", "closing_cross") in {(r["rule"], r["reason"]) for r in said}
    assert sum(r["n"] for r in said) == sum(
        counts.get(name, 0) for name in ("closing_cross", "after_hours", "early_close")
    )
    assert (counts["compared"], counts["received"], counts["quarantined"]) == (50, 10, 0)


def test_the_same_night_again_lands_nothing_and_changes_nothing_outside_ops(told: Told) -> None:
    first, again = told.nights
    before, after = (
        {table: v for table, v in versions.items() if not table.startswith("ops.")}
        for versions in (again.before, again.versions())
    )

    assert told.files[0] == told.files[1]
    assert before == after
    assert again.commits == {}
    compared = [found for found in first.findings if found["rule"].startswith("daily_")]
    assert (len(compared), again.findings) == (50, [])


def test_the_comparison_can_be_made_alone_and_says_the_same(told: Told, conf: Settings) -> None:
    lake = at(told.nights[0].lake, MOMENT)

    done = reconcile(lake, conf, [FIRST, EARLY, date(2026, 11, 24)])

    key = ("ticker", "session_date", "rule")
    stored = [r for r in told.rows(FINDINGS) if r["session_date"] in done.sessions]
    assert sorted(done.findings, key=lambda r: [r[k] for k in key]) == stored
    assert done.sessions == [FIRST, date(2026, 11, 24), EARLY]
    assert done.commits == {}


def test_a_night_in_steps_says_the_same_once_it_has_reconciled(told: Told, tmp_path: Path) -> None:
    root = tmp_path / "lake"
    shutil.copytree(Path(told.nights[0].lake.store.path("landing")), root / "landing")
    options = Options(lake=str(root), as_of=MOMENT)
    steps.ingest(options)
    steps.silver(options, None, None)
    steps.gold(options, None, None)

    done = steps.reconcile(options)

    lake = barlake.open(str(root))
    assert lake.rows(FINDINGS) == told.rows(FINDINGS)
    assert done["reconciled"]["compared"] == 50
    assert steps.reconcile(options)["reconciled"] == {}


# --- files


DAILY_BAD: dict[str, Row] = {
    "no_session": {"ts": "2026-11-15"},
    "day_format": {"ts": "20.11.2026"},
    "ts_naive": {"ts": "2026-11-20T00:00:00"},
    "ts_future": {"ts": "2026-11-23"},
    "high_highest": {"high": 99.0},
    "price_positive": {"ts": stamp(OPEN), "open": -1, "low": -1},
    "volume_missing": {"volume": ""},
    "ticker_format": {"ticker": "no ticker"},
}


def daily(**changed: Any) -> Row:
    usual: Row = {"ts": str(SESSION), "volume": 39_000}
    return row(0, **(usual | changed))


@pytest.fixture(scope="module")
def lake_of_files(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    """Daily bars first, good ones and bad ones; then the minutes."""
    root = tmp_path_factory.mktemp("files")
    bad = [daily(ticker=f"B{n}") | change for n, change in enumerate(DAILY_BAD.values())]
    days = [
        daily(),
        daily(),
        daily(ticker="AAB", ts="2026-11-20T05:00:00Z"),
        daily(ticker="TWO"),
        daily(ticker="TWO", volume=1),
        daily(ticker="LIVE", close=150.0, high=150.0, fetched_at=stamp(CLOSE)),
        daily(ticker="ELSE"),
        *bad,
    ]
    known = [{"fetched_at": stamp(CLOSE + timedelta(hours=1))} | each for each in days]
    minutes = [row(m, ticker=t) for t in ("AAPL", "AAB", "B5", "LIVE") for m in range(390)]
    return [
        run_files(root / "lake", write_bars(root / "days.csv", known), is_daily=True),
        run_files(root / "lake", write_bars(root / "bars.csv", minutes)),
    ]


def test_bad_daily_bars_are_quarantined_and_touch_no_minute(lake_of_files: list[Night]) -> None:
    first, second = lake_of_files
    rows = held(second.lake, "SELECT rule, ticker FROM silver.quarantine")
    [covered] = held(
        second.lake,
        "SELECT sum(quarantined) AS quarantined, min(observed) AS observed FROM silver.coverage",
    )

    assert {r["rule"] for r in rows} == {*DAILY_BAD, "conflicting_duplicate"}
    assert len(rows) == len(DAILY_BAD) + 2
    assert covered == {"quarantined": 0, "observed": 390}
    assert first.ingested is None
    counts = first.reconciled.counts if first.reconciled else {}
    assert counts == {"received": 15, "quarantined": 10, "compared": 0, "failed": 0}


def test_minutes_are_held_against_daily_bars_that_came_before_them(
    lake_of_files: list[Night],
) -> None:
    """A bar in progress is none, one without minutes is nobody's, a refused one is not believed."""
    [found] = held(
        lake_of_files[-1].lake,
        "SELECT list(DISTINCT ticker ORDER BY ticker) AS tickers, bool_and(passed) AS passed,"
        " count(*) AS n FROM ops.dq_results WHERE rule LIKE 'daily_%'",
    )

    assert found == {"tickers": ["AAB", "AAPL"], "passed": True, "n": 10}


def test_a_later_daily_bar_replaces_the_earlier_one(
    lake_of_files: list[Night], conf: Settings, tmp_path: Path
) -> None:
    later = AFTER + timedelta(days=1)
    lake = at(lake_of_files[-1].lake, later)
    told = [daily(close=101.0, high=101.0, fetched_at=stamp(later)), daily(ticker="AAB")]
    source = FilesSource(path=write_bars(tmp_path / "d.csv", told), clock=lambda: later)
    asked = [source.daily(request) for request in source.requests(())]
    batch = landing.land(lake.store, "files", asked, kind=Kind.DAILY)

    done = reconcile(lake, conf, [], [batch])

    failed = {(r["ticker"], r["rule"]) for r in done.findings if not r["passed"]}
    assert failed == {("AAPL", f"daily_{price}") for price in ("open", "high", "low", "close")}
    assert done.counts["unexplained"] == 4
