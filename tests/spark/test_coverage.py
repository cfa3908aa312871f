"""Why a minute is absent, from what was served to the words of plan and explain: each reason."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.model import bronze, ops, ref, silver
from barlake.readers.explain import WHY, Minute, explain
from barlake.readers.frames import OpenLake
from barlake.readers.holes import Window, lacks
from barlake.settings import Settings
from barlake.transforms.coverage import coverage
from barlake.transforms.delivered import per_session
from barlake.transforms.states import belief, counts, pairs, states
from tests.builders import AFTER, CLOSE, OPEN, SESSION, frame, stamp
from tests.pages.tables import made_up

Row = dict[str, Any]
ALL = range(390)
[DAY] = calendar.between(SESSION, SESSION)
NOON = OPEN + timedelta(minutes=150)
# Nine in ten of the names that usually show a minute lack two of them; HOLDS alone has those.
LOST = {200, 201}
# Half of the names lack one minute: that is a hole in each of them, and no outage.
HALF = {300}
SHOWN: dict[str, set[int]] = {
    "HOLDS": {*ALL},
    **{f"FULL{at}": {*ALL} - LOST for at in range(4)},
    **{f"HALF{at}": {*ALL} - LOST - HALF for at in range(6)},
    "HALT": {*ALL} - LOST - {*range(100, 105)},
    "LONG": {*ALL} - LOST - {*range(100, 160)},
    "HOLE": {*ALL} - LOST - {*range(100, 104)},
    "BAD": {*ALL} - LOST - {30},
    "SPARSE": {*range(0, 390, 13)} - LOST,
    "LATE": {*range(20, 390)} - LOST,
    "NOON": {*range(130)},
    "YOUNG": {*ALL} - LOST,  # and minute 60, known too early alone
}
EARLY = ("YOUNG", 60)


def at(minute: int) -> datetime:
    return OPEN + timedelta(minutes=minute)


def asked(ticker: str) -> Row:
    """A request for the whole day after its close; NOON was asked for at noon, and not since."""
    is_noon = ticker == "NOON"
    return {
        "request_id": f"r-{ticker}",
        "run_id": "made",
        "source": "simulated",
        "ticker": ticker,
        "range_start": DAY.first,
        "range_end": NOON if is_noon else DAY.last,
        "received_at": NOON if is_noon else AFTER,
        "outcome": "unknown_ticker" if ticker == "NOBODY" else "ok",
    }


def served(ticker: str, minute: int) -> Row:
    """A revision; the early one came seconds after its minute, and did not come again."""
    is_early = (ticker, minute) == EARLY
    return {
        "ticker": ticker,
        "ts": at(minute),
        "revision": 0,
        **dict.fromkeys(("open", "high", "low", "close"), 100.0),
        "volume": 100,
        "source": "simulated",
        "fetched_at": at(minute + 1) if is_early else asked(ticker)["received_at"],
        "request_id": f"r-{ticker}",
        "run_id": "made",
    }


REQUESTS = [asked(ticker) for ticker in [*SHOWN, "NOBODY"]]
REVISIONS = [served(ticker, minute) for ticker, shown in SHOWN.items() for minute in shown]
REFUSED = [
    {
        "request_id": "r-BAD",
        "run_id": "made",
        "ticker": "BAD",
        "ts_text": stamp(at(30)),
        "rule": "price_range",
        "fetched_at": AFTER,
    }
]
DAYS = [
    {
        "exchange": "XNYS",
        "session_date": SESSION,
        "open_utc": OPEN,
        "close_utc": CLOSE,
        "minutes": 390,
        "is_early_close": False,
    }
]


@pytest.fixture(scope="module")
def told(spark: SparkSession, conf: Settings) -> list[Row]:
    """The rows of silver.coverage, by the chain of `silver.stage_silver`."""
    zone, settle = calendar.EXCHANGE_ZONE, conf.timing.settle_minutes
    days = frame(spark, ref.SESSIONS, *DAYS)
    requests = frame(spark, ops.REQUESTS, *REQUESTS)
    revisions = frame(spark, bronze.BARS, *REVISIONS).withColumns(
        {"session_date": F.lit(SESSION), "confirmed_at": F.col("fetched_at")}
    )
    refused = frame(spark, silver.QUARANTINE, *REFUSED).withColumn("ts", F.lit(at(30)))
    bars = belief(revisions, requests, days, zone=zone, settle_minutes=settle)
    known = pairs(per_session(requests, days, settle_minutes=settle), revisions, days)
    minutes = states(bars, known, refused, **conf.coverage.model_dump())
    told = coverage(
        minutes.where(F.col("state") != "extended"), counts(revisions, refused, days, zone=zone)
    )
    return arrow.rows(told)


def gaps_of(told: list[Row], ticker: str) -> list[tuple[int, int, str]]:
    """Give a ticker's gaps: minute of the session, minutes, reason."""
    [row] = [row for row in told if row["ticker"] == ticker]
    return [((g["from"] - OPEN).seconds // 60, g["minutes"], g["reason"]) for g in row["gaps"]]


OUTAGE = (200, 2, "outage")


@pytest.mark.parametrize(
    ("ticker", "gaps"),
    [
        ("HOLDS", []),
        ("FULL0", [OUTAGE]),
        ("HALF0", [OUTAGE, (300, 1, "vendor_hole")]),
        ("HALT", [(100, 5, "halt"), OUTAGE]),
        ("LONG", [(100, 60, "halt"), OUTAGE]),
        ("HOLE", [(100, 4, "vendor_hole"), OUTAGE]),
        ("BAD", [(30, 1, "quarantined"), OUTAGE]),
        ("NOON", [(130, 260, "not_covered")]),
        ("LATE", [(0, 20, "halt"), OUTAGE]),
        ("YOUNG", [(60, 1, "vendor_hole"), OUTAGE]),
    ],
)
def test_each_gap_has_the_reason_that_is_provable(
    told: list[Row], ticker: str, gaps: list[tuple[int, int, str]]
) -> None:
    assert gaps_of(told, ticker) == gaps


def test_a_sparse_ticker_lacks_minutes_because_nobody_traded(told: list[Row]) -> None:
    reasons = {minute: reason for minute, _, reason in gaps_of(told, "SPARSE")}

    assert reasons.pop(200) == "outage"
    assert {*reasons.values()} == {"no_trade"}


def test_the_parts_of_every_session_sum_up(told: list[Row]) -> None:
    assert {row["ticker"] for row in told} == {*SHOWN}
    for row in told:
        absent = row["filled"] + row["missing_before_first"] + row["missing_after_last"]
        assert row["observed"] + absent == row["expected"] == 390
        assert sum(gap["minutes"] for gap in row["gaps"]) == absent


# --- the same rows in a lake, as plan and explain word them


@pytest.fixture
def lake(told: list[Row], tmp_path: Path) -> Iterator[OpenLake]:
    rows = {
        ref.SESSIONS: DAYS,
        ops.REQUESTS: REQUESTS,
        bronze.BARS: REVISIONS,
        silver.QUARANTINE: REFUSED,
        silver.COVERAGE: told,
    }
    made = made_up(tmp_path, rows)
    yield made
    made.connection.close()


def planned(lake: OpenLake, now: datetime) -> dict[str, dict[str, int]]:
    """Give what plan says each ticker lacks of the session: minutes by reason."""
    window = Window(
        tickers=[*SHOWN, "NOBODY", "NEVER"],
        is_all=False,
        start=SESSION,
        end=SESSION,
        now=now,
        horizon_days=29,
        sessions_per_request=5,
    )
    found: dict[str, dict[str, int]] = {}
    for row in lacks(lake, window)["lacks"]:
        found.setdefault(row["ticker"], {})[row["reason"]] = row["minutes"]
    return found


def test_plan_words_each_reason(lake: OpenLake) -> None:
    found = planned(lake, AFTER)

    assert "HOLDS" not in found
    assert found["FULL0"] == {"outage": 2}
    assert found["HALT"] == {"halt": 5, "outage": 2}
    assert found["HOLE"] == {"vendor_hole": 4, "outage": 2}
    assert found["BAD"] == {"quarantined": 1, "outage": 2}
    assert found["SPARSE"] == {"no_trade": 358, "outage": 2}
    assert found["LATE"] == {"before_first": 20, "outage": 2}
    assert found["NOON"] == {"unsettled": 260}
    assert found["NOBODY"] == {"unknown_ticker": 390}
    assert found["NEVER"] == {"never_asked": 390}


def test_plan_gives_up_what_the_vendor_has_forgotten(lake: OpenLake) -> None:
    found = planned(lake, AFTER + timedelta(days=40))

    assert found["NOON"] == {"lost": 260}
    assert found["NEVER"] == {"lost": 390}
    assert found["NOBODY"] == {"unknown_ticker": 390}


@pytest.mark.parametrize(
    ("ticker", "minute", "reason"),
    [
        ("FULL0", 200, "outage"),
        ("HALF0", 300, "vendor_hole"),
        ("HALT", 104, "halt"),
        ("BAD", 30, "quarantined"),
        ("SPARSE", 1, "no_trade"),
        ("LATE", 19, "before_first"),
        ("NOON", 130, "unsettled"),
        ("YOUNG", 60, "provisional"),
        ("NEVER", 0, "never_asked"),
    ],
)
def test_explain_words_each_reason(lake: OpenLake, ticker: str, minute: int, reason: str) -> None:
    found = explain(lake, Minute(ticker=ticker, ts=at(minute), now=AFTER, horizon_days=29))

    assert (found["status"], found["reason"]) == ("absent", reason)
    assert found["why"] == WHY[reason]
