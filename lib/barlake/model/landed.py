"""What landing files hold: payloads as served, facts of their requests, and releases of rows."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from barlake.model.table import Column

FOLDER = "landing"
RELEASES = "landing/releases"
RELEASE_SOURCE = "release"

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

DECIDED = (
    Column("request_id", "STRING", "", "request that served the row", nullable=False),
    Column("row", "INT", "", "position in its payload, from 0", nullable=False),
    Column("rule", "STRING", "", "the rule that had refused it, and is set aside", nullable=False),
    Column("ticker", "STRING", "", "ticker as served", nullable=False),
    Column("ts_text", "STRING", "ISO 8601", "time as served", nullable=False),
    Column("release_id", "STRING", "", "the decision", nullable=False),
    Column("released_at", "TIMESTAMP", "UTC", "when it was taken, by the run's clock"),
    Column("released_by", "STRING", "", "who took it"),
    Column("why", "STRING", "", "why"),
)

SERVED_DDL = ", ".join(c.ddl for c in SERVED)
DECIDED_DDL = ", ".join(c.ddl for c in DECIDED).replace(" NOT NULL", "")


class Kind(StrEnum):
    """What answers hold; each kind lands in a folder of its own, `<source><kind>`."""

    MINUTES = ""
    DAILY = "-daily"
    ACTIONS = "-actions"


# Ends the id of each request that is not for minutes: the same file, or the same range at the same
# instant, may have been asked for its minutes as well.
ENDS_ID = {Kind.MINUTES: "", Kind.DAILY: "-1d", Kind.ACTIONS: "-actions"}
# Holds for the rows of ops.requests that may bring minutes: no others say what is covered. DuckDB
# and Spark read it alike.
OF_MINUTES = "(request_id NOT LIKE '%-1d' AND request_id NOT LIKE '%-actions')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A decision to let refused rows in: which rows stands in its landing file."""

    release_id: str
    released_at: datetime
    released_by: str
    why: str
    rows: int


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
