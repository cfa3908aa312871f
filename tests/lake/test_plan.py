"""What a night asks for, given what the lake holds and what the vendor said."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.landing import kind_of, land
from barlake.model import ops, silver
from barlake.model.landed import ENDS_ID, Kind, Outcome
from barlake.pipelines import ledger
from barlake.pipelines.asking import fetched_rest, planned
from barlake.pipelines.underway import Wanted
from barlake.settings import Settings
from barlake.sources.manners import Manners
from barlake.sources.simulated import SimulatedSource
from barlake.sources.source import Request
from barlake.summary import summary
from tests.builders import resumed

EVENING = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
UNIVERSE = ["AAPL", "GONE", "MSFT"]
WEEK = Wanted(start=date(2026, 11, 16), end=date(2026, 11, 20))
VENDOR = SimulatedSource(seed=7, clock=lambda: EVENING, manners=Manners.none())


class Forgetful(SimulatedSource):
    """A vendor that forgets, as Yahoo does; asked for nothing here."""

    name = "yahoo"


def said(ticker: str, outcome: Outcome, days_ago: int, kind: Kind = Kind.MINUTES) -> dict[str, Any]:
    """A row of ops.requests."""
    at = EVENING - timedelta(days=days_ago)
    known = {"ticker": ticker, "outcome": outcome.value, "received_at": at}
    asked = {"requested_at": at, "range_start": at, "range_end": at, "attempts": 1, "rows": 0}
    known["detail"] = "404 Not Found"
    return {
        "request_id": f"{ticker} {at}{ENDS_ID[kind]}",
        "run_id": "r",
        "source": "yahoo",
        **known,
        **asked,
    }


def day_of_coverage(day: date, *, observed: int) -> dict[str, Any]:
    """A settled row of silver.coverage, all of its minutes at the end."""
    counts = {"expected": 390, "observed": observed, "missing_before_first": 390 - observed}
    nothing = dict.fromkeys(["filled", "missing_after_last", "longest_gap", "revisions"], 0)
    usual = {"quarantined": 0, "is_settled": True, "auction_observed": False}
    return {"ticker": "AAPL", "session_date": day, **counts, **nothing, **usual}


def keep_coverage(lake: Lake, held: list[dict[str, Any]]) -> None:
    told = tuple(name for name in silver.COVERAGE.names if name != "gaps")
    rows = arrow.frame(lake.spark, silver.COVERAGE, held, only=told)
    gaps = F.array().cast(f"array<{silver.GAP}>")
    lake.merge(silver.COVERAGE, rows.withColumn("gaps", gaps))


def asked(lake: Lake, conf: Settings, wanted: Wanted = Wanted()) -> list[Request]:  # noqa: B008
    """Plan a night, and give its requests."""
    return planned(resumed(lake, conf), VENDOR, wanted, UNIVERSE)


@pytest.mark.parametrize(("days_ago", "tickers"), [(6, {"AAPL", "MSFT"}), (8, {*UNIVERSE})])
def test_an_unknown_ticker_is_left_alone_for_a_week_and_asked_for_again(
    lake: Lake, conf: Settings, days_ago: int, tickers: set[str]
) -> None:
    rows = [said("GONE", Outcome.UNKNOWN_TICKER, days_ago), said("AAPL", Outcome.ERROR, 1)]
    lake.merge(ops.REQUESTS, arrow.frame(lake.spark, ops.REQUESTS, rows))

    night = resumed(lake, conf)
    assert {request.ticker for request in planned(night, VENDOR, Wanted(), UNIVERSE)} == tickers
    aside = [{"ticker": "GONE", "reason": "404 Not Found"}]
    assert summary(night)["set_aside"] == ([] if "GONE" in tickers else aside)


def test_of_a_range_a_vendor_is_asked_for_what_it_still_has_soonest_to_expire_first(
    lake: Lake, conf: Settings
) -> None:
    held = date(2026, 10, 20)
    keep_coverage(lake, [day_of_coverage(held, observed=390)])
    wanted = Wanted(start=date(2026, 10, 19), end=date(2026, 11, 20))
    yahoo = Forgetful(seed=7, clock=lambda: EVENING, manners=Manners.none())
    night = resumed(lake, conf)

    requests = planned(night, yahoo, wanted, UNIVERSE)

    starts = [request.start for request in requests if request.start]
    assert starts == sorted(starts)
    assert starts[:3] == [calendar.between(date(2026, 10, 23), date(2026, 10, 23))[0].first] * 3
    assert night.detail["lost"] == [
        {"session": "2026-10-19", "tickers": UNIVERSE},
        {"session": "2026-10-20", "tickers": ["GONE", "MSFT"]},
        {"session": "2026-10-21", "tickers": UNIVERSE},
        {"session": "2026-10-22", "tickers": UNIVERSE},
    ]
    # Daily bars are not forgotten, and other sources forget nothing that is named.
    daily = planned(night, yahoo, replace(wanted, is_daily=True), UNIVERSE)
    assert daily == planned(night, VENDOR, wanted, UNIVERSE)
    assert {request.ticker for request in daily[:5]} == {"AAPL"}


def test_what_is_said_of_daily_bars_and_actions_says_nothing_of_minutes(
    lake: Lake, conf: Settings
) -> None:
    rows = [said("GONE", Outcome.UNKNOWN_TICKER, 1, kind) for kind in (Kind.DAILY, Kind.ACTIONS)]
    rows += [
        dict(said("AAPL", Outcome.OK, 0, kind), range_start=EVENING - timedelta(days=1))
        for kind in Kind
    ]
    lake.merge(ops.REQUESTS, arrow.frame(lake.spark, ops.REQUESTS, rows))

    assert {request.ticker for request in asked(lake, conf)} == {*UNIVERSE}
    reaching = ledger.requests_of(lake, [date(2026, 11, 20)]).collect()
    assert [(r.ticker, r.request_id[-1]) for r in reaching] == [("AAPL", "0")]


def test_a_session_of_which_nothing_was_seen_is_asked_for_until_it_is_gone(
    lake: Lake, conf: Settings
) -> None:
    """An answer without a bar may have been a fault of the vendor's."""
    days = calendar.between(date(2026, 10, 23), date(2026, 11, 20))
    unseen = date(2026, 11, 10)
    held = [
        day_of_coverage(day.session_date, observed=0 if day.session_date == unseen else day.minutes)
        for day in days
    ]
    keep_coverage(lake, held)

    wanted = [request for request in asked(lake, conf) if request.ticker == "AAPL"]

    [alone] = [day for day in days if day.session_date == unseen]
    assert wanted == [
        Request(ticker="AAPL", start=alone.first, end=alone.last),
        Request(ticker="AAPL", start=days[-3].first, end=days[-1].last),  # read again
    ]


def test_what_a_dead_run_landed_is_not_asked_for_again_and_what_lacks_of_a_kind_is(
    lake: Lake, conf: Settings
) -> None:
    """It had the minutes of the first ticker and the daily bars of the last."""
    daily = conf.model_copy(update={"source": conf.source.model_copy(update={"daily": True})})
    night = resumed(lake, daily)
    requests = planned(night, VENDOR, WEEK, UNIVERSE)
    land(lake.store, VENDOR.name, [VENDOR.fetch(requests[0])])
    land(lake.store, VENDOR.name, [VENDOR.daily(requests[-1])], kind=Kind.DAILY)

    batches = fetched_rest(night, VENDOR, requests, WEEK)

    landed = [(kind_of(b), [f.ticker for f in b.facts]) for b in batches]
    assert landed == [(Kind.MINUTES, UNIVERSE[1:]), (Kind.DAILY, UNIVERSE[:-1])]
