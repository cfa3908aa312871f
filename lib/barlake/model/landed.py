"""What a landing file holds: payloads as served, and the facts of the requests that served them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from barlake.model.table import Column

TEXTS = ("open", "high", "low", "close", "volume")

SERVED = (
    Column("request_id", "STRING", "", "request that served the row", nullable=False),
    Column("row", "INT", "", "position in the payload, from 0", nullable=False),
    Column("ticker", "STRING", "", "as served; null where absent"),
    Column("ts_text", "STRING", "ISO 8601", "start of the minute as served"),
    *(Column(f"{name}_text", "STRING", "", f"{name} as served") for name in TEXTS),
    Column("dividend_text", "STRING", "USD per share", "dividend that the vendor put on the row"),
    Column("split_text", "STRING", "new per old", "split that the vendor put on the row"),
    Column("fetched_at_text", "STRING", "ISO 8601", "knowledge time, where the row brings its own"),
    Column("fetched_at", "TIMESTAMP", "UTC", "when the request was answered", nullable=False),
    Column("raw", "STRING", "", "the row as text, where it could not be split into fields"),
)

SERVED_DDL = ", ".join(c.ddl for c in SERVED)


class Outcome(StrEnum):
    """How a request ended; no ticker ends a run without one."""

    OK = "ok"
    EMPTY_EXPECTED = "empty_expected"
    EMPTY_UNEXPECTED = "empty_unexpected"
    RATE_LIMITED = "rate_limited"
    UNKNOWN_TICKER = "unknown_ticker"
    PARTIAL = "partial"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one request; all instants are UTC.

    `ticker`, `range_start` and `range_end` are None for a file, whose rows tell them. `asked` are
    the only tickers that were welcome; None for all.
    """

    request_id: str
    ticker: str | None
    range_start: datetime | None
    range_end: datetime | None
    requested_at: datetime
    received_at: datetime
    attempts: int
    rows: int
    outcome: Outcome
    detail: str
    asked: tuple[str, ...] | None = None
