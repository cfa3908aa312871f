"""What is asked of a vendor, and which sessions of gold read which."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barlake import calendar
from barlake.calendar import Session
from barlake.pipelines.gold import depending, looked_at
from barlake.pipelines.plan import plan_range
from barlake.settings import load
from barlake.sources.requests import requests_over
from barlake.sources.source import Request

NEW_YORK = ZoneInfo("America/New_York")
DAYS = calendar.between(date(2026, 9, 1), date(2026, 12, 31))
DATES = [day.session_date for day in DAYS]


def spans(requests: list[Request]) -> list[tuple[date, date]]:
    """Give the first and the last session date of each request."""
    return [
        (_local(request.start).date(), (_local(request.end) - timedelta(hours=1)).date())
        for request in requests
    ]


def sessions_in(request: Request) -> list[Session]:
    assert request.start
    assert request.end
    return [day for day in DAYS if request.start <= day.first and day.last <= request.end]


def _local(moment: datetime | None) -> datetime:
    assert moment
    return moment.astimezone(NEW_YORK)


# --- requests


def test_sessions_are_asked_for_by_fives_from_4_to_20_exchange_time() -> None:
    days = calendar.between(date(2026, 10, 26), date(2026, 11, 4))

    asked = requests_over("AAPL", days, 5)

    assert asked == [
        Request(
            ticker="AAPL",
            start=datetime(2026, 10, 26, 8, 0, tzinfo=UTC),
            end=datetime(2026, 10, 31, 0, 0, tzinfo=UTC),
        ),
        Request(  # the clocks went back on the Sunday between
            ticker="AAPL",
            start=datetime(2026, 11, 2, 9, 0, tzinfo=UTC),
            end=datetime(2026, 11, 5, 1, 0, tzinfo=UTC),
        ),
    ]


def test_a_request_never_spans_seven_days() -> None:
    """Over Thanksgiving, five sessions from a Tuesday on would end on the next Tuesday."""
    days = calendar.between(date(2026, 11, 24), date(2026, 12, 2))

    assert spans(requests_over("AAPL", days, 5)) == [
        (date(2026, 11, 24), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 12, 2)),
    ]


def test_sessions_that_are_held_leave_no_request_that_spans_a_week() -> None:
    days = [DAYS[0], DAYS[1], DAYS[10], DAYS[11], DAYS[40]]

    asked = requests_over("AAPL", days, 5)

    assert spans(asked) == [(DATES[0], DATES[1]), (DATES[10], DATES[11]), (DATES[40], DATES[40])]


def test_nothing_is_asked_where_nothing_is_missing() -> None:
    assert requests_over("AAPL", [], 5) == []


@settings(max_examples=60)
@given(
    missing=st.sets(st.integers(0, len(DAYS) - 1), max_size=40),
    per_request=st.integers(1, 7),
)
def test_every_missing_session_is_in_one_request_whatever_is_missing(
    missing: set[int], per_request: int
) -> None:
    days = [DAYS[at] for at in sorted(missing)]

    asked = requests_over("AAPL", days, per_request)

    covered = [day for request in asked for day in sessions_in(request) if day in days]
    assert covered == days
    for request in asked:
        assert request.start
        assert request.end
        assert request.end - request.start < timedelta(days=7)
        assert (_local(request.start).hour, _local(request.end).hour) == (4, 20)
        assert len([day for day in sessions_in(request) if day in days]) <= per_request


def test_a_range_is_asked_for_ticker_by_ticker_held_or_not() -> None:
    asked = plan_range(load().source, ["MSFT", "AAPL"], date(2026, 11, 20), date(2026, 11, 30))

    assert [request.ticker for request in asked] == ["MSFT", "MSFT", "AAPL", "AAPL"]
    assert spans(asked[:2]) == [
        (date(2026, 11, 20), date(2026, 11, 25)),
        (date(2026, 11, 27), date(2026, 11, 30)),
    ]


def test_a_range_without_a_session_asks_for_nothing() -> None:
    assert plan_range(load().source, ["AAPL"], date(2026, 11, 21), date(2026, 11, 22)) == []


# --- who reads whom


def test_a_changed_session_reaches_its_tickers_next_twenty() -> None:
    held = {"AAPL": DATES}

    assert depending(held, [DATES[5]]) == {*DATES[5:26]}


def test_the_twenty_are_the_tickers_own_however_far_apart() -> None:
    every_third = DATES[::3]  # 29 sessions, from the first
    held = {"AAPL": DATES[:10], "RARE": every_third}

    reached = depending(held, [DATES[0]])

    assert reached == {*DATES[:10], *every_third[:21]}
    assert max(reached) == DATES[60]


def test_a_ticker_that_does_not_hold_the_changed_session_is_reached_as_well() -> None:
    """It may have held it before: what was there and is gone has changed too."""
    held = {"RARE": DATES[1::3]}

    assert depending(held, [DATES[0]]) == {DATES[0], *DATES[1::3][:20]}


def test_the_calendars_next_session_reads_the_last_close() -> None:
    held = {"AAPL": [date(2026, 11, 25)], "MSFT": [date(2026, 11, 20)]}

    reached = depending(held, [date(2026, 11, 25)])

    assert reached == {date(2026, 11, 25), date(2026, 11, 27)}  # over Thanksgiving


def test_several_changed_sessions_reach_what_each_reaches() -> None:
    held = {"AAPL": DATES, "RARE": DATES[::3]}

    both = depending(held, [DATES[3], DATES[30]])

    assert both == depending(held, [DATES[3]]) | depending(held, [DATES[30]])


def test_a_target_looks_at_its_tickers_last_twenty() -> None:
    held = {"AAPL": DATES}

    assert looked_at(held, [DATES[30]]) == DATES[10:31]
    assert looked_at(held, [DATES[3]]) == DATES[:4]


def test_a_look_back_counts_each_tickers_own_sessions() -> None:
    held = {"AAPL": DATES[70:], "RARE": DATES[::3]}

    seen = looked_at(held, [DATES[75]])

    assert seen == sorted({*DATES[70:76], *DATES[15:75:3]})


def test_a_look_back_is_the_same_where_a_ticker_does_not_hold_the_target() -> None:
    held = {"RARE": DATES[::3]}

    assert looked_at(held, [DATES[76]]) == [*DATES[18:76:3], DATES[76]]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_whatever_a_session_reads_reaches_it_when_it_changes(step: int) -> None:
    held = {"AAPL": DATES[4:], "RARE": DATES[::step], "ONCE": [DATES[50]]}

    read = {
        (day, target)
        for ticker, days in held.items()
        for target in days
        for day in looked_at({ticker: days}, [target])
    }

    reached = {day: depending(held, [day]) for day in DATES}
    assert len(read) > 20 * 60
    assert [(day, target) for day, target in sorted(read) if target not in reached[day]] == []
