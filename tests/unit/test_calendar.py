"""Which minutes exist: sessions, early closes, clocks that change, and days that nobody planned."""

from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from itertools import pairwise

import pytest
from exchange_calendars import get_calendar

from barlake import calendar
from barlake.calendar import Session
from barlake.model.errors import InputError

THANKSGIVING_EVE, BLACK_FRIDAY = date(2026, 11, 25), date(2026, 11, 27)


def session(day: date) -> Session:
    [found] = calendar.between(day, day)
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# --- sessions


@pytest.mark.parametrize(
    ("day", "minutes", "close"),
    [
        (date(2015, 12, 24), 210, "2015-12-24T18:00Z"),
        (date(2024, 7, 3), 210, "2024-07-03T17:00Z"),
        (BLACK_FRIDAY, 210, "2026-11-27T18:00Z"),
        (date(2026, 12, 24), 210, "2026-12-24T18:00Z"),
        (THANKSGIVING_EVE, 390, "2026-11-25T21:00Z"),
        (date(2026, 7, 1), 390, "2026-07-01T20:00Z"),
    ],
)
def test_an_early_close_has_210_minutes_and_any_other_session_390(
    day: date, minutes: int, close: str
) -> None:
    found = session(day)

    assert (found.minutes, found.is_early_close) == (minutes, minutes == 210)
    assert found.close_utc == at(close)


def test_a_session_is_390_minutes_or_an_early_close() -> None:
    known = calendar.between(date(2010, 1, 1), date(2026, 12, 31))

    assert {(day.minutes, day.is_early_close) for day in known} == {(390, False), (210, True)}
    assert len(known) == 4275


@pytest.mark.parametrize(
    ("day", "opens"),
    [
        # The clocks of New York: forward on 2026-03-08, back on 2026-11-01.
        (date(2026, 3, 6), "2026-03-06T14:30Z"),
        (date(2026, 3, 9), "2026-03-09T13:30Z"),
        (date(2026, 10, 30), "2026-10-30T13:30Z"),
        (date(2026, 11, 2), "2026-11-02T14:30Z"),
        # Weeks in which Europe's clocks have not changed yet, or already have.
        (date(2026, 3, 27), "2026-03-27T13:30Z"),
        (date(2026, 10, 26), "2026-10-26T13:30Z"),
    ],
)
def test_the_open_moves_in_utc_when_new_york_changes_its_clocks(day: date, opens: str) -> None:
    found = session(day)

    assert found.open_utc == at(opens)
    assert (found.open_utc.utcoffset(), found.minutes) == (timedelta(0), 390)


@pytest.mark.parametrize(
    "day",
    [
        date(2001, 9, 11),  # the attacks: closed through the 14th
        date(2001, 9, 14),
        date(2012, 10, 29),  # Sandy
        date(2012, 10, 30),
        date(2018, 12, 5),  # mourning for G. H. W. Bush
        date(2025, 1, 9),  # mourning for J. Carter
        date(2026, 11, 26),  # Thanksgiving
        date(2026, 7, 3),  # Independence Day, observed
        date(2026, 11, 21),  # a Saturday
    ],
)
def test_a_day_on_which_the_exchange_was_closed_has_no_session(day: date) -> None:
    assert calendar.between(day, day) == []
    assert session(calendar.next_session(day)).session_date > day


def test_sessions_come_in_order_each_once_and_never_overlap() -> None:
    known = calendar.sessions(date(2027, 12, 31))

    days = [day.session_date for day in known]
    assert days == sorted(set(days))
    assert days[0] == date(1990, 1, 2)
    assert all(a.last < b.first for a, b in pairwise(known))
    assert {day.session_date for day in known if day.session_date.weekday() > 4} == set()


def test_both_ends_of_a_range_are_inclusive() -> None:
    days = calendar.between(date(2026, 11, 24), date(2026, 11, 30))

    assert [day.session_date.day for day in days] == [24, 25, 27, 30]
    assert calendar.between(date(2026, 11, 30), date(2026, 11, 24)) == []


# --- 04:00 to 20:00


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        (date(2026, 7, 1), "2026-07-01T08:00Z", "2026-07-02T00:00Z"),
        (date(2026, 11, 20), "2026-11-20T09:00Z", "2026-11-21T01:00Z"),
        (BLACK_FRIDAY, "2026-11-27T09:00Z", "2026-11-28T01:00Z"),
    ],
)
def test_a_day_goes_from_4_to_20_exchange_time_early_closes_too(
    day: date, first: str, last: str
) -> None:
    found = session(day)

    assert (found.first, found.last) == (at(first), at(last))
    assert calendar.day_bounds(day) == (found.first, found.last)
    assert {found.first.utcoffset(), found.last.utcoffset()} == {timedelta(0)}


def test_every_day_has_16_hours_the_clocks_change_on_sundays_alone() -> None:
    known = calendar.between(date(2020, 1, 1), date(2026, 12, 31))

    assert {day.last - day.first for day in known} == {timedelta(hours=16)}


# --- before and after


def test_a_session_has_closed_at_its_close_and_not_a_moment_earlier() -> None:
    close = at("2026-11-27T18:00Z")

    def days(moment: datetime) -> list[int]:
        return [day.session_date.day for day in calendar.closed_before(moment, 2)]

    assert days(close - timedelta(microseconds=1)) == [24, 25]
    assert days(close) == [25, 27]
    assert days(at("2026-11-30T20:59:59Z")) == [25, 27]


def test_what_had_closed_is_told_in_any_zone_alike() -> None:
    """16:30 on Friday in New York is Saturday in Tokyo, and New Year comes there first."""
    in_tokyo = datetime.fromisoformat("2026-11-21T06:30+09:00")
    new_year = datetime.fromisoformat("2027-01-01T08:00+09:00")

    assert [d.session_date.day for d in calendar.closed_before(in_tokyo, 1)] == [20]
    assert [d.session_date.day for d in calendar.closed_before(new_year, 1)] == [31]


def test_no_session_of_none_is_none() -> None:
    assert calendar.closed_before(at("2026-11-20T22:00Z"), 0) == []


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 11, 20), date(2026, 11, 23)),  # over a weekend
        (date(2026, 11, 25), date(2026, 11, 27)),  # over Thanksgiving
        (date(2026, 7, 2), date(2026, 7, 6)),  # over a long weekend
        (date(2024, 12, 31), date(2025, 1, 2)),  # over the year's end
        (date(2001, 9, 10), date(2001, 9, 17)),  # the longest since 1990
        (date(2012, 10, 26), date(2012, 10, 31)),  # over Sandy
        (date(2026, 11, 21), date(2026, 11, 23)),  # from a day without one
    ],
)
def test_the_next_session_is_told_over_any_gap(day: date, following: date) -> None:
    assert calendar.next_session(day) == following


# --- how far it reaches


def test_200_days_or_more_are_known_ahead_of_today() -> None:
    now = datetime.now(UTC)

    ahead = calendar.sessions(calendar.horizon(now))[-1].session_date - now.date()
    library = get_calendar("XNYS").last_session.date() - now.date()

    assert ahead >= timedelta(days=200)
    assert library >= timedelta(days=200)


def test_the_horizon_moves_once_a_year_and_is_never_nearer_than_a_year() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    horizons = {calendar.horizon(datetime(d.year, d.month, d.day, tzinfo=UTC)) for d in days}

    assert horizons == {date(2027, 12, 31)}


def test_the_years_ahead_have_as_many_sessions_as_a_year_has() -> None:
    ahead = calendar.horizon(datetime.now(UTC)).year

    for year in (ahead - 1, ahead):
        assert 249 <= len(calendar.between(date(year, 1, 1), date(year, 12, 31))) <= 253


def test_the_librarys_version_is_recorded() -> None:
    assert f"exchange_calendars {version('exchange_calendars')}" == calendar.CALENDAR_VERSION


def test_before_1990_there_is_no_session() -> None:
    assert calendar.between(date(1980, 1, 1), date(1980, 12, 31)) == []
    assert calendar.closed_before(at("1985-01-01T00:00Z"), 5) == []
    assert [
        day.session_date.day for day in calendar.between(date(1980, 1, 1), date(1990, 1, 3))
    ] == [
        2,
        3,
    ]


@pytest.mark.parametrize("year", [2262, 2500, 9999])
def test_a_year_beyond_the_calendar_is_bad_input(year: int) -> None:
    with pytest.raises(InputError, match="calendar"):
        calendar.between(date(year, 1, 1), date(year, 1, 31))
    with pytest.raises(InputError, match="calendar"):
        calendar.closed_before(datetime(year, 1, 1, tzinfo=UTC), 5)
