"""The timetable: after each real close, whatever the season, the weekday or the holiday."""

from datetime import date
from typing import Any

import pytest

from barlake import calendar
from tests.airflow.conftest import Ask
from tests.airflow.stand_in import DAGS

FRIDAY = ["2026-11-20T14:30+00:00", "2026-11-20T21:00+00:00"]
WEDNESDAY = ["2026-11-25T14:30+00:00", "2026-11-25T21:00+00:00"]
FRESH = {"earliest": "2026-01-01T00:00+00:00", "catchup": False}
YEAR = {"earliest": "2026-02-20T00:00+00:00", "latest": "2027-01-20T23:00+00:00"}
# What is asked, all at once: Airflow takes long to start.
CASES: dict[str, dict[str, Any]] = {
    "thanksgiving": {"last": WEDNESDAY},
    "weekend": {"last": FRIDAY},
    "spring": {"last": ["2027-03-11T14:30+00:00", "2027-03-11T21:00+00:00"], "count": 2},
    "autumn": {"last": ["2026-10-29T13:30+00:00", "2026-10-29T20:00+00:00"], "count": 2},
    "far": {"last": ["2031-12-31T14:30+00:00", "2031-12-31T21:00+00:00"]},
    "catch up": YEAR | {"count": 1000},
    "on Saturday": FRESH | {"now": "2026-11-28T12:00+00:00"},
    "when due": FRESH | {"now": "2026-11-27T18:25+00:00"},
    "before due": FRESH | {"now": "2026-11-27T18:24+00:00"},
    "on the day": FRESH | {"now": "2026-11-27T03:00+00:00"},
    "late": FRESH | {"now": "2026-11-28T12:00+00:00", "last": FRIDAY, "count": 2},
    "hand, before the close": {"manual": "2026-11-27T17:59:59+00:00"},
    "hand, at the close": {"manual": "2026-11-27T18:00+00:00"},
    "hand, on Sunday": {"manual": "2026-11-29T12:00+00:00"},
    "hand, closed for six days": {"manual": "2001-09-17T12:00+00:00"},
    "hourly": {"every": 65, "last": WEDNESDAY, "count": 5},
    "quarterly": {"every": 15, "last": WEDNESDAY, "count": 15},
    "hand, quarterly": {"every": 15, "manual": "2026-11-27T15:07+00:00"},
    "no start": {},
    "at an end": {"last": WEDNESDAY, "latest": "2026-11-27T12:00+00:00"},
}


@pytest.fixture(scope="module")
def found(ask: Ask) -> dict[str, Any]:
    answers = ask("sessions", list(CASES.values()), PYTHONPATH=str(DAGS / "plugins"))
    return dict(zip(CASES, answers, strict=True))


def test_the_run_after_thanksgiving_follows_an_early_close(found: dict[str, Any]) -> None:
    assert found["thanksgiving"] == [
        ["2026-11-27T14:30Z", "2026-11-27T18:00Z", "2026-11-27T18:25Z"]
    ]


def test_weekends_and_changes_of_the_clock_are_the_exchanges(found: dict[str, Any]) -> None:
    assert found["weekend"] == [["2026-11-23T14:30Z", "2026-11-23T21:00Z", "2026-11-23T21:25Z"]]
    assert found["spring"] == [
        ["2027-03-12T14:30Z", "2027-03-12T21:00Z", "2027-03-12T21:25Z"],
        ["2027-03-15T13:30Z", "2027-03-15T20:00Z", "2027-03-15T20:25Z"],
    ]
    assert found["autumn"] == [
        ["2026-10-30T13:30Z", "2026-10-30T20:00Z", "2026-10-30T20:25Z"],
        ["2026-11-02T14:30Z", "2026-11-02T21:00Z", "2026-11-02T21:25Z"],
    ]
    assert found["far"] == [["2032-01-02T14:30Z", "2032-01-02T21:00Z", "2032-01-02T21:25Z"]]


def test_catching_up_runs_each_session_once_and_nothing_else(found: dict[str, Any]) -> None:
    known = calendar.between(date(2026, 2, 20), date(2027, 1, 20))

    *runs, last = found["catch up"]

    assert len(known) > 225
    assert last is None
    assert [(start, end) for start, end, _ in runs] == [
        (f"{day.open_utc:%Y-%m-%dT%H:%MZ}", f"{day.close_utc:%Y-%m-%dT%H:%MZ}") for day in known
    ]


def test_without_catching_up_the_newest_session_that_is_due_is_next(found: dict[str, Any]) -> None:
    friday, wednesday = "2026-11-27T14:30Z", "2026-11-25T14:30Z"

    assert [run[0] for run in found["on Saturday"]] == [friday]
    assert [run[0] for run in found["when due"]] == [friday]
    assert [run[0] for run in found["before due"]] == [wednesday]
    assert [run[0] for run in found["on the day"]] == [wednesday]
    assert [run[0] for run in found["late"]] == [friday, "2026-11-30T14:30Z"]


def test_a_run_by_hand_is_for_the_newest_session_that_is_over(found: dict[str, Any]) -> None:
    assert found["hand, before the close"][1] == "2026-11-25T21:00Z"
    assert found["hand, at the close"] == ["2026-11-27T14:30Z", "2026-11-27T18:00Z"]
    assert found["hand, on Sunday"][1] == "2026-11-27T18:00Z"
    assert found["hand, closed for six days"][1] == "2001-09-10T20:00Z"


def test_parts_of_a_session_end_at_its_close(found: dict[str, Any]) -> None:
    assert [run[1] for run in found["hourly"]] == [
        "2026-11-27T15:35Z",
        "2026-11-27T16:40Z",
        "2026-11-27T17:45Z",
        "2026-11-27T18:00Z",
        "2026-11-30T15:35Z",
    ]
    quarterly = found["quarterly"]
    assert [run[0] for run in quarterly[:2]] == ["2026-11-27T14:30Z", "2026-11-27T14:45Z"]
    assert quarterly[13][:2] == ["2026-11-27T17:45Z", "2026-11-27T18:00Z"]
    assert quarterly[14][0] == "2026-11-30T14:30Z"
    assert found["hand, quarterly"] == ["2026-11-27T14:45Z", "2026-11-27T15:00Z"]


def test_nothing_is_due_without_a_start_or_after_the_end(found: dict[str, Any]) -> None:
    assert found["no start"] == found["at an end"] == [None]
