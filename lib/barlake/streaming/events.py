"""What a replay sends: one event a message, and the bytes of each."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

HUGE_BYTES = 2_000_000
FUTURE = timedelta(days=3650)


class Bar(NamedTuple):
    """One observed bar: `ts` is the start of its minute, aware, UTC; `volume` in shares."""

    ticker: str
    ts: datetime
    open: float
    high: float
    low: float
    close: float
    volume: int
    revision: int


class Kind(StrEnum):
    """What an event is: a bar in its turn, or how it is out of order."""

    BAR = "bar"
    LATE = "late"
    DUPLICATE = "duplicate"
    SPOILED = "spoiled"
    """Wrong prices, which a `corrected` event of the next revision puts right."""
    CORRECTED = "corrected"
    MALFORMED = "malformed"
    FUTURE = "future"


class Fault(StrEnum):
    """In which way a malformed message is none of ours."""

    INVALID_UTF8 = "invalid_utf8"
    NOT_JSON = "not_json"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    TOMBSTONE = "tombstone"
    NULL_KEY = "null_key"
    HUGE = "huge"


class Event(NamedTuple):
    """One message to be: `at` is the market's time when it is sent, UTC."""

    at: datetime
    kind: Kind
    bar: Bar
    fault: Fault | None = None


def digest(events: Iterable[Event]) -> str:
    """Give SHA-256 over what is sent and when, but for the time of sending."""
    content = sha256()
    for event in events:
        content.update(repr(event).encode())
    return content.hexdigest()


def encode(event: Event, produced_at: datetime) -> tuple[bytes | None, bytes | None]:
    """Give a message's key and value; `produced_at` is when it is sent, aware."""
    fields = _fields(event, produced_at)
    key = None if event.fault is Fault.NULL_KEY else event.bar.ticker.encode()
    value = _text(fields) if event.fault is None else _SPOILED[event.fault](fields)
    return key, value


def _fields(event: Event, produced_at: datetime) -> dict[str, Any]:
    ts = event.bar.ts + FUTURE if event.kind is Kind.FUTURE else event.bar.ts
    fields = event.bar._replace(ts=ts)._asdict()
    return {**fields, "ts": _spelled(ts), "produced_at": _spelled(produced_at)}


def _text(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode()


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


_SPOILED: dict[Fault, Callable[[dict[str, Any]], bytes | None]] = {
    Fault.INVALID_UTF8: lambda fields: _text(fields).replace(b'"ticker"', b'"\xff\xfe"', 1),
    Fault.NOT_JSON: lambda fields: _text(fields)[:-1],
    Fault.MISSING_FIELD: lambda fields: _text({k: v for k, v in fields.items() if k != "close"}),
    Fault.WRONG_TYPE: lambda fields: _text({**fields, "volume": "many"}),
    Fault.TOMBSTONE: lambda _fields: None,
    Fault.NULL_KEY: _text,
    Fault.HUGE: lambda fields: _text({**fields, "filler": "x" * HUGE_BYTES}),
}
