"""One message of the topic -> one bar, or why it is none."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from barlake.calendar import Session
from barlake.model import rules
from barlake.model.rules import PRICES

FIELDS = ("ticker", "ts", *PRICES, "volume", "revision", "produced_at")
SIZE_MAX = 10_000  # bytes; a bar has 200
AHEAD = timedelta(minutes=5)
FIRST = datetime(1990, 1, 1, tzinfo=UTC)
REVISION_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Message:
    """A message of Kafka, as it is; `received_at` (UTC) is when the broker got it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    received_at: datetime

    @property
    def request_id(self) -> str:
        """Where it stands, as silver.quarantine_stream names it."""
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar of one regular minute; `ts` and `produced_at` in UTC, prices in dollars."""

    ticker: str
    ts: datetime
    session_date: date
    open: float
    high: float
    low: float
    close: float
    volume: int
    revision: int
    produced_at: datetime
    partition: int
    offset: int

    @property
    def hlc3(self) -> float:
        """The typical price, in the order of transforms/vwap.py, so that the bits are the same."""
        return (self.high + self.low + self.close) / 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that is no bar: the rule that it breaks, and its fields, as far as they are."""

    message: Message
    rule: str
    fields: Mapping[str, Any]


class _BrokenError(Exception):
    """A message breaks a rule; its name is the argument."""


def read(
    message: Message, sessions: Mapping[date, Session], *, now: datetime | None = None
) -> Bar | Refusal:
    """Read a bar, by the first rule that it breaks refuse it.

    A bar may not be later than `AHEAD` of when the broker got it, so that the answer is the same
    whenever the message is read; `now`, where a run was given a clock, moves that.

    Args:
        message: What was in the topic.
        sessions: By the day in New York, which is that of every regular minute's UTC date.
        now: A clock ahead of the broker's.
    """
    fields: dict[str, Any] = {}
    try:
        fields = _fields(message)
        latest = max(message.received_at, now or message.received_at) + AHEAD
        return _bar(message, fields, sessions, latest)
    except _BrokenError as broken:
        return Refusal(message, str(broken), fields)


def _fields(message: Message) -> dict[str, Any]:
    value = message.value
    if value is None:
        raise _BrokenError("message_absent")
    _require(len(value) <= SIZE_MAX, "message_size")
    try:
        found = json.loads(value.decode("utf-8"))
    except UnicodeDecodeError:
        raise _BrokenError("message_text") from None
    except (ValueError, RecursionError):
        raise _BrokenError("message_json") from None
    _require(isinstance(found, dict), "message_json")
    return dict(found)


def _bar(
    message: Message,
    fields: dict[str, Any],
    sessions: Mapping[date, Session],
    latest: datetime,
) -> Bar:
    _require(set(fields) == set(FIELDS), "message_fields")
    ticker = _ticker(fields["ticker"])
    _require(message.key == ticker.encode(), "message_key")
    ts = _ts(fields["ts"])
    prices = {name: _price(fields[name]) for name in PRICES}
    _require(fields["volume"] is not None, "volume_missing")
    volume = _whole(fields["volume"], "volume_format")
    revision = _whole(fields["revision"], "revision_format")
    produced_at = _instant(fields["produced_at"], "produced_at_format")
    _require(ts >= FIRST, "ts_early")
    _require(ts <= latest, "ts_future")
    _require_sound(prices, volume)
    _require(0 <= revision <= REVISION_MAX, "revision_format")
    _require(ts.second == 0 and ts.microsecond == 0, "ts_grid")
    session = sessions.get(ts.date())
    _require(session is not None and session.open_utc <= ts < session.close_utc, "outside_regular")
    return Bar(
        ticker=ticker,
        ts=ts,
        session_date=ts.date(),
        **prices,
        volume=volume,
        revision=revision,
        produced_at=produced_at,
        partition=message.partition,
        offset=message.offset,
    )


def _require(holds: object, rule: str) -> None:
    if not holds:
        raise _BrokenError(rule)


def _ticker(found: object) -> str:
    _require(found, "ticker_missing")
    if not isinstance(found, str) or not re.fullmatch(rules.TICKER, found):
        raise _BrokenError("ticker_format")
    return found


def _ts(found: object) -> datetime:
    _require(found, "ts_missing")
    _require(not (isinstance(found, str) and re.fullmatch(rules.NAIVE, found)), "ts_naive")
    return _instant(found, "ts_format")


def _instant(found: object, rule: str) -> datetime:
    if not isinstance(found, str) or not re.fullmatch(rules.INSTANT, found):
        raise _BrokenError(rule)
    try:
        return datetime.fromisoformat(found).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _BrokenError(rule) from None


def _price(found: object) -> float:
    _require(found is not None, "price_missing")
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise _BrokenError("price_format")
    try:
        price = float(found)
    except OverflowError:
        raise _BrokenError("price_finite") from None
    _require(math.isfinite(price), "price_finite")
    return price


def _whole(found: object, rule: str) -> int:
    if isinstance(found, bool) or not isinstance(found, int):
        raise _BrokenError(rule)
    return found


def _require_sound(prices: Mapping[str, float], volume: int) -> None:
    high, low = prices["high"], prices["low"]
    _require(min(prices.values()) > 0, "price_positive")
    _require(max(prices.values()) <= rules.PRICE_MAX, "price_range")
    _require(0 <= volume <= rules.VOLUME_MAX, "volume_range")
    _require(high >= max(prices.values()), "high_highest")
    _require(low <= min(prices.values()), "low_lowest")
