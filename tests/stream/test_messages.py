"""A message of the topic is a bar, or refused by the first rule that it breaks."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from barlake import calendar
from barlake.model.rules import RULES
from barlake.model.silver import QUARANTINE_STREAM
from barlake.model.streamed import MESSAGE_RULES
from barlake.streaming.messages import Bar, Message, Refusal, read
from barlake.streaming.rows import quarantine_row
from tests.stream.bars import OPEN, SESSION

RECEIVED = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
SESSIONS = {
    day.session_date: day for day in calendar.between(date(2026, 11, 16), date(2026, 11, 27))
}
GOOD: dict[str, Any] = {
    "ticker": "AAPL",
    "ts": "2026-11-20T14:30:00Z",
    "open": 100.0,
    "high": 101,
    "low": 99.5,
    "close": 100.25,
    "volume": 1200,
    "revision": 0,
    "produced_at": "2026-11-20T21:59:59.125+00:00",
}


def message(value: bytes | None, key: bytes | None = b"AAPL") -> Message:
    return Message("bars", 1, 42, key, value, RECEIVED)


def told(**values: object) -> Message:
    return message(json.dumps(GOOD | values).encode())


def test_a_bar_is_read_as_it_stands() -> None:
    assert read(told(), SESSIONS) == Bar(
        ticker="AAPL",
        ts=OPEN,
        session_date=SESSION,
        open=100.0,
        high=101.0,
        low=99.5,
        close=100.25,
        volume=1200,
        revision=0,
        produced_at=datetime(2026, 11, 20, 21, 59, 59, 125_000, tzinfo=UTC),
        partition=1,
        offset=42,
    )


def without(field: str) -> bytes:
    return json.dumps({name: v for name, v in GOOD.items() if name != field}).encode()


BROKEN = [
    (message(None), "message_absent"),
    (message(b"x" * 2_000_000), "message_size"),
    (message(b'{"ticker": "\xff"}'), "message_text"),
    (message(b"not JSON"), "message_json"),
    (message(b"[" * 9_000), "message_json"),
    (message(b"[1]"), "message_json"),
    (message(without("volume")), "message_fields"),
    (told(more=1), "message_fields"),
    (message(json.dumps(GOOD).encode(), None), "message_key"),
    (message(json.dumps(GOOD).encode(), b"MSFT"), "message_key"),
    (told(ticker=""), "ticker_missing"),
    (told(ticker="<b>"), "ticker_format"),
    (told(ticker=7), "ticker_format"),
    (told(ts=None), "ts_missing"),
    (told(ts="2026-11-20T14:30:00"), "ts_naive"),
    (told(ts="2026-11-31T14:30:00Z"), "ts_format"),
    (told(ts=1763649000), "ts_format"),
    (told(ts="0001-01-01T00:00:00+14:00"), "ts_format"),
    (told(ts="1989-11-20T14:30:00Z"), "ts_early"),
    (told(ts="2026-11-23T14:30:00Z"), "ts_future"),
    (told(ts="2026-11-20T14:30:30Z"), "ts_grid"),
    (told(ts="2026-11-20T14:29:00Z"), "outside_regular"),
    (told(ts="2026-11-20T21:00:00Z"), "outside_regular"),
    (told(ts="2026-11-19T05:00:00Z"), "outside_regular"),
    (told(close=None), "price_missing"),
    (told(close="100"), "price_format"),
    (told(close=True), "price_format"),
    (told(close=float("nan")), "price_finite"),
    (told(close=10**400), "price_finite"),
    (told(low=-1.0), "price_positive"),
    (told(high=1e9), "price_range"),
    (told(high=100.0), "high_highest"),
    (told(low=100.1), "low_lowest"),
    (told(volume=None), "volume_missing"),
    (told(volume=1.5), "volume_format"),
    (told(volume=-1), "volume_range"),
    (told(revision="0"), "revision_format"),
    (told(revision=-1), "revision_format"),
    (told(revision=2**31), "revision_format"),
    (told(produced_at="yesterday"), "produced_at_format"),
]


@pytest.mark.parametrize(("broken", "rule"), BROKEN, ids=lambda value: str(value)[:40])
def test_what_is_no_bar_is_refused_by_its_rule_and_kept(broken: Message, rule: str) -> None:
    refusal = read(broken, SESSIONS)

    assert isinstance(refusal, Refusal)
    assert refusal.rule == rule
    row = quarantine_row(refusal, "run")
    assert set(row) == set(QUARANTINE_STREAM.names)
    assert row["request_id"] == "bars/1/42"
    assert row["reason"] == {r.name: r.reason for r in (*RULES, *MESSAGE_RULES)}[rule]
    assert (row["raw"] is None) == (broken.value is None)
    assert len(row["raw"] or "") < 2_100
    json.dumps(row, default=str).encode()  # no surrogate that a table could not hold


def test_the_raw_message_says_how_much_was_cut_and_shows_bytes_that_are_no_text() -> None:
    rows = [
        quarantine_row(refusal, "run")
        for value in (b"x" * 2_000_000, b"\xff{")
        if isinstance(refusal := read(message(value), SESSIONS), Refusal)
    ]

    assert rows[0]["raw"].endswith("… (2,000,000 bytes)")
    assert rows[1]["raw"] == r"\xff{"


def test_a_bar_may_be_five_minutes_ahead_of_when_it_came_or_of_the_given_clock() -> None:
    early = Message("bars", 0, 0, b"AAPL", told().value, OPEN - timedelta(minutes=5))
    earlier = Message("bars", 0, 0, b"AAPL", told().value, OPEN - timedelta(minutes=6))

    assert isinstance(read(early, SESSIONS), Bar)
    assert isinstance(read(earlier, SESSIONS), Refusal)
    assert isinstance(read(earlier, SESSIONS, now=OPEN), Bar)


def test_an_early_close_ends_its_session() -> None:
    last, after = ("2026-11-27T17:59:00Z", "2026-11-27T18:00:00Z")
    later = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)

    assert isinstance(read(told(ts=last), SESSIONS, now=later), Bar)
    assert isinstance(read(told(ts=after), SESSIONS, now=later), Refusal)
