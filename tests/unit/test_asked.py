"""What of a plan need not be asked, and what brought no answer."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from barlake.landing import Batch
from barlake.model.landed import Facts, Outcome
from barlake.pipelines.asked import (
    in_fair_order,
    settled_since,
    still_wanted,
    unanswered,
    unknown,
    with_refused,
    withheld,
)
from barlake.sources.source import Request

MONDAY = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
WEEK = Request(ticker="AAPL", start=MONDAY, end=FRIDAY)


def answered(outcome: Outcome = Outcome.OK, **changed: Any) -> Batch:
    """One landing file with the answer to WEEK, half an hour after the last close."""
    usual: dict[str, Any] = {
        "request_id": "r",
        "ticker": "AAPL",
        "range_start": MONDAY,
        "range_end": FRIDAY,
        "requested_at": CLOSE,
        "received_at": CLOSE + timedelta(minutes=30),
        "attempts": 1,
        "rows": 1,
        "outcome": outcome,
        "detail": "",
    }
    source = changed.pop("source", "yahoo")
    return Batch("landing/x.parquet", source, (Facts(**(usual | changed)),))


# --- order


def test_what_expires_soonest_comes_first_whatever_the_ticker() -> None:
    later = [Request(ticker=t, start=FRIDAY, end=FRIDAY) for t in ["A", "B", "C"]]
    sooner = [Request(ticker=t, start=MONDAY, end=FRIDAY) for t in ["A", "B", "C"]]

    ordered = in_fair_order([*later, *sooner], date(2026, 11, 20))

    assert [r.start for r in ordered] == [MONDAY] * 3 + [FRIDAY] * 3


def test_every_ticker_is_among_the_last_on_some_night_and_first_on_another() -> None:
    tickers = [f"T{n}" for n in range(10)]
    requests = [Request(ticker=t, start=MONDAY, end=FRIDAY) for t in tickers]
    nights = [date(2026, 11, 1) + timedelta(days=n) for n in range(60)]

    orders = [[r.ticker for r in in_fair_order(requests, night)] for night in nights]

    assert {order[0] for order in orders} == {order[-1] for order in orders} == {*tickers}


def test_the_order_of_a_night_is_one_whatever_was_there_first() -> None:
    requests = [Request(ticker=f"T{n}", start=MONDAY, end=FRIDAY) for n in range(10)]

    assert in_fair_order(requests, date(2026, 11, 20)) == in_fair_order(
        requests[::-1], date(2026, 11, 20)
    )


# --- unknown tickers


def said(ticker: str, outcome: Outcome, day: int) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "outcome": outcome.value,
        "received_at": CLOSE + timedelta(days=day),
        "detail": f"said on day {day}",
    }


def test_a_ticker_is_unknown_as_long_as_the_vendors_last_word_says_so() -> None:
    rows = [
        said("GONE", Outcome.OK, 0),
        said("GONE", Outcome.UNKNOWN_TICKER, 1),
        said("BACK", Outcome.UNKNOWN_TICKER, 0),
        said("BACK", Outcome.OK, 1),
        said("AAPL", Outcome.RATE_LIMITED, 1),
    ]

    assert unknown(rows) == unknown(rows[::-1]) == {"GONE": "said on day 1"}


# --- what landed


@pytest.mark.parametrize(
    "outcome",
    [Outcome.OK, Outcome.PARTIAL, Outcome.EMPTY_EXPECTED, Outcome.UNKNOWN_TICKER],
)
def test_what_landed_since_the_close_was_final_is_not_asked_again(outcome: Outcome) -> None:
    assert still_wanted([WEEK], [answered(outcome)], CLOSE + timedelta(minutes=20)) == []


@pytest.mark.parametrize(
    "landed",
    [
        answered(Outcome.RATE_LIMITED),
        answered(Outcome.ERROR),
        answered(received_at=CLOSE + timedelta(minutes=19)),
        answered(ticker="MSFT"),
        answered(range_start=MONDAY + timedelta(minutes=1)),
        answered(range_end=FRIDAY - timedelta(minutes=1)),
        answered(ticker=None, range_start=None, range_end=None, source="files"),
    ],
    ids=["refused", "failed", "too early", "another", "starts later", "ends earlier", "a file"],
)
def test_what_does_not_answer_the_whole_request_leaves_it_wanted(landed: Batch) -> None:
    assert still_wanted([WEEK], [landed], CLOSE + timedelta(minutes=20)) == [WEEK]


def test_a_wider_answer_covers_a_request() -> None:
    wider = answered(range_start=MONDAY - timedelta(days=1), range_end=FRIDAY + timedelta(days=1))

    assert still_wanted([WEEK], [wider], CLOSE) == []


# --- what was said politely


def answers(**outcomes: Outcome) -> list[Batch]:
    return [answered(outcome, ticker=ticker) for ticker, outcome in outcomes.items()]


NOTHING, OK = Outcome.EMPTY_UNEXPECTED, Outcome.OK


@pytest.mark.parametrize(
    ("batches", "tickers"),
    [
        (answers(A=NOTHING, B=NOTHING, C=OK), ["A", "B"]),
        (answers(A=NOTHING, C=OK), []),
        (answers(A=NOTHING, NEW=NOTHING, B=OK), []),
        ([*answers(A=NOTHING, B=NOTHING, C=OK), *answers(A=OK)], []),
        ([answered(NOTHING, ticker="A", source="simulated")], []),
        (answers(A=Outcome.EMPTY_EXPECTED, B=Outcome.EMPTY_EXPECTED), []),
    ],
    ids=["most", "half", "new ones", "one has some", "no vendor", "a holiday"],
)
def test_where_most_tickers_that_had_bars_have_none_they_are_withheld(
    batches: list[Batch], tickers: list[str]
) -> None:
    assert [fact.ticker for fact in withheld(batches, {"A", "B", "C"})] == tickers


# --- what was refused


def test_what_was_refused_is_asked_for_with_the_rest_until_it_is_answered() -> None:
    before: dict[str, Any] = {"range_start": MONDAY - timedelta(days=20), "range_end": MONDAY}
    refused = answered(Outcome.RATE_LIMITED, **before)
    soon, late = (answered(**before, received_at=CLOSE + timedelta(days=n)) for n in (-1, 1))
    narrow = answered(range_end=MONDAY, received_at=CLOSE + timedelta(days=1))
    again = answered(Outcome.ERROR, **before, received_at=CLOSE + timedelta(days=2))
    wider = Request(ticker="AAPL", start=before["range_start"], end=FRIDAY)

    assert with_refused([WEEK], [refused]) == [wider]
    assert with_refused([WEEK], [late, refused]) == [WEEK]
    assert with_refused([WEEK], [soon, refused]) == [wider]
    assert with_refused([WEEK], [refused, narrow]) == [wider]
    assert with_refused([WEEK], [refused, late, again]) == [wider]


def test_what_another_ticker_was_refused_is_not_asked_of_this_one() -> None:
    refused = answered(Outcome.ERROR, ticker="MSFT", range_start=MONDAY - timedelta(days=1))

    assert with_refused([WEEK], [refused]) == [WEEK]


def test_an_answer_holds_all_from_when_the_last_close_was_final() -> None:
    closes = [CLOSE - timedelta(days=1), CLOSE]

    assert settled_since(CLOSE + timedelta(hours=2), closes, 20) == CLOSE + timedelta(minutes=20)
    assert settled_since(CLOSE + timedelta(minutes=19), closes, 20) == closes[0] + timedelta(
        minutes=20
    )


# --- what brought no answer


def test_refusals_and_faults_of_a_real_vendor_are_missing_and_nothing_else_is() -> None:
    batches = [answered(outcome) for outcome in Outcome]

    missing = unanswered([*batches, answered(Outcome.ERROR, source="simulated")])

    assert [fact.outcome for fact in missing] == [Outcome.RATE_LIMITED, Outcome.ERROR]
