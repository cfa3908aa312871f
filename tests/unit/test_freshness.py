"""Deadlines: when a session was due, what became of it, and that a run tells of it once."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from barlake import calendar
from barlake.io.folder import Folder
from barlake.io.schemas import TYPES
from barlake.model import ops, silver
from barlake.model.table import Table
from barlake.pipelines.freshness import note_arrivals
from barlake.pipelines.underway import Night
from barlake.settings import Settings, load
from barlake.transforms.freshness import Arrival, arrivals, deadlines, finding, told

THURSDAY, FRIDAY, MONDAY = date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30)
WEDNESDAY = date(2026, 11, 25)
# New York closes at 16:00, and on the day after Thanksgiving at 13:00: 20 + 120 minutes later.
DUE = {
    WEDNESDAY: datetime(2026, 11, 25, 23, 20, tzinfo=UTC),
    FRIDAY: datetime(2026, 11, 27, 20, 20, tzinfo=UTC),
    MONDAY: datetime(2026, 11, 30, 23, 20, tzinfo=UTC),
}
LONG_BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
Rows = list[dict[str, Any]]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (LONG_BEFORE, [WEDNESDAY, FRIDAY, MONDAY]),
        (DUE[WEDNESDAY] - minutes(1), [WEDNESDAY, FRIDAY, MONDAY]),
        (DUE[WEDNESDAY], [FRIDAY, MONDAY]),
        (DUE[MONDAY], []),
    ],
)
def test_a_session_is_due_after_its_own_close_but_not_before_the_lake_was(
    since: datetime, expected: list[date]
) -> None:
    days = calendar.between(WEDNESDAY, MONDAY)

    found = deadlines(
        {day.session_date: day.close_utc for day in days},
        since=since,
        settle_minutes=20,
        deadline_minutes=120,
    )

    assert found == {day: DUE[day] for day in expected}
    assert THURSDAY not in found


@pytest.mark.parametrize(
    ("came", "looked", "state", "late"),
    [
        (minutes(-90), minutes(-90), "on time", 0),
        (minutes(0), minutes(0), "on time", 0),
        (minutes(0.5), minutes(0.5), "1 minute late", 1),
        (minutes(35), minutes(1440), "35 minutes late", 35),
        (None, minutes(0), None, None),
        (None, minutes(1), "missing", 1),
    ],
)
def test_what_became_of_a_session(
    came: timedelta | None, looked: timedelta, state: str | None, late: int | None
) -> None:
    due = {FRIDAY: DUE[FRIDAY]}
    published = {} if came is None else {FRIDAY: DUE[FRIDAY] + came}

    found = arrivals(due, published, DUE[FRIDAY] + looked)

    expected = [] if state is None else [(FRIDAY, state, late)]
    assert [(one.session_date, one.state, one.late_minutes) for one in found] == expected


@pytest.mark.parametrize(
    ("late", "is_missing", "passed"),
    [(0, False, True), (1, False, False), (35, False, False), (0, True, False)],
)
def test_a_row_of_ops_gives_back_what_it_was_made_of(
    late: int, *, is_missing: bool, passed: bool
) -> None:
    arrival = Arrival(
        session_date=FRIDAY, deadline=DUE[FRIDAY], late_minutes=late, is_missing=is_missing
    )

    row = finding(arrival)

    assert told(row) == arrival
    assert (row["passed"], row["severity"], row["expected"]) == (
        passed,
        "warning",
        "published by 2026-11-27T20:20:00Z",
    )
    assert {*row} == {*ops.DQ_RESULTS.names} - {"run_id"}


@dataclass
class Nightly:
    """A lake of rows made up, and the nights that look at it."""

    root: Path
    conf: Settings
    seen: dict[Table, Rows] = field(default_factory=dict)

    def add(self, table: Table, *rows: dict[str, Any]) -> None:
        known = self.seen.setdefault(table, [])
        known += rows
        named = [c for c in table.columns if c.type in TYPES]
        schema = pa.schema([pa.field(c.name, TYPES[c.type]) for c in named])
        held = pa.Table.from_pylist(known, schema=schema)
        write_deltalake(str(self.root / table.path), held, mode="overwrite")

    def ran(self, run_id: str, at: datetime, status: str = "ok") -> None:
        told = {"run_id": run_id, "job": "run", "status": status}
        self.add(ops.RUNS, told | {"started_at": at, "finished_at": at})

    def covered(self, day: date, at: datetime, *, is_settled: bool = True) -> None:
        row = {"ticker": "AAPL", "session_date": day, "is_settled": is_settled}
        self.add(silver.COVERAGE, row | {"computed_at": at})

    def night(self, run_id: str, at: datetime, *, job: str = "run") -> list[tuple[date, str]]:
        """Do a night's last step, and write what it found; give its sessions and their states."""
        lake = SimpleNamespace(store=Folder.at(str(self.root)), now=at, run_id=run_id)
        night = SimpleNamespace(lake=lake, settings=self.conf, findings=[])
        note_arrivals(cast("Night", night), job, at + minutes(5))
        found = [{"run_id": run_id, **row} for row in night.findings]
        if found:
            self.add(ops.DQ_RESULTS, *found)
        return [(row["session_date"], row["observed"]) for row in found]


@pytest.fixture
def lake(tmp_path: Path) -> Nightly:
    """A lake that has been there since Tuesday evening, and holds nothing."""
    made = Nightly(tmp_path, load())
    for table in (ops.DQ_RESULTS, ops.RUNS, silver.COVERAGE):
        made.add(table)
    made.ran("first", datetime(2026, 11, 25, 2, tzinfo=UTC))
    return made


def test_a_session_is_told_of_once_when_it_comes_on_time(lake: Nightly) -> None:
    evening = DUE[WEDNESDAY] - minutes(60)
    lake.covered(WEDNESDAY, evening)

    assert lake.night("one", evening) == [(WEDNESDAY, "on time")]
    assert lake.night("two", evening + minutes(600)) == []


def test_a_session_that_is_missing_is_told_of_when_due_and_when_it_comes(lake: Nightly) -> None:
    assert lake.night("early", DUE[WEDNESDAY] - minutes(30)) == []
    assert lake.night("one", DUE[WEDNESDAY]) == [(WEDNESDAY, "missing")]
    assert lake.night("two", DUE[WEDNESDAY] + minutes(10)) == []

    lake.covered(WEDNESDAY, DUE[WEDNESDAY] + minutes(30))

    assert lake.night("three", DUE[WEDNESDAY] + minutes(30)) == [(WEDNESDAY, "35 minutes late")]
    assert lake.night("four", DUE[WEDNESDAY] + minutes(60)) == []


def test_a_session_in_progress_is_not_published(lake: Nightly) -> None:
    lake.covered(WEDNESDAY, DUE[WEDNESDAY] - minutes(200), is_settled=False)

    assert lake.night("one", DUE[WEDNESDAY]) == [(WEDNESDAY, "missing")]


def test_what_a_run_published_that_died_counts_as_of_that_run(lake: Nightly) -> None:
    """Corrections came since, of one of two tickers: the older row tells."""
    lake.covered(WEDNESDAY, DUE[WEDNESDAY] + minutes(40))
    lake.covered(WEDNESDAY, DUE[WEDNESDAY] + minutes(7))

    assert lake.night("next", DUE[WEDNESDAY] + minutes(600)) == [(WEDNESDAY, "7 minutes late")]


def test_a_retry_of_the_same_name_says_it_again(lake: Nightly) -> None:
    """What a run of that name wrote before is replaced by what it says now."""
    lake.covered(WEDNESDAY, DUE[WEDNESDAY] + minutes(7))

    first = lake.night("same", DUE[WEDNESDAY] + minutes(600))

    assert first == [(WEDNESDAY, "7 minutes late")]
    assert lake.night("same", DUE[WEDNESDAY] + minutes(700)) == first


@pytest.mark.parametrize("job", ["vacuum", "fetch", "rebuild", "gold"])
def test_jobs_that_publish_no_session_tell_of_none(lake: Nightly, job: str) -> None:
    assert lake.night("one", DUE[WEDNESDAY], job=job) == []


def test_what_was_due_before_the_lake_was_is_not_late(tmp_path: Path) -> None:
    """A run that failed before is no beginning; a backfill of years ago is not late by years."""
    lake = Nightly(tmp_path, load())
    for table in (ops.DQ_RESULTS, silver.COVERAGE):
        lake.add(table)
    lake.ran("failed", LONG_BEFORE, status="failed")
    started = DUE[FRIDAY] + minutes(1)
    lake.covered(FRIDAY, started)

    assert lake.night("first", started) == []
    lake.ran("first", started)
    assert lake.night("second", DUE[MONDAY]) == [(MONDAY, "missing")]
