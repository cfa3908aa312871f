"""Silver: what we believe, what we refused to, and what is absent."""

from barlake.model.columns import (
    COMPUTED_AT,
    FETCHED_AT,
    OHLC,
    OHLC_CHECKS,
    RUN_ID,
    SESSION_DATE,
    SOURCE,
    TICKER,
    TS,
    VOLUME,
)
from barlake.model.table import Column, Table, Zone

BARS_1M = Table(
    zone=Zone.SILVER,
    name="bars_1m",
    doc="What we believe: one row per ticker and minute. The regular segment is complete from the "
    "session's first observed bar; missing minutes carry the previous close, flagged.",
    columns=(
        TICKER,
        TS,
        SESSION_DATE,
        Column("minute_of_session", "SMALLINT", "minutes", "since the open; null outside regular"),
        Column("segment", "STRING", "", "pre, regular, close_auction or post", nullable=False),
        *OHLC,
        VOLUME,
        Column(
            "is_filled",
            "BOOLEAN",
            "",
            "no bar was given: the previous close carried forward, volume 0",
            nullable=False,
        ),
        Column(
            "fill_age",
            "SMALLINT",
            "minutes",
            "since the last observed bar; 0 when observed",
            nullable=False,
        ),
        Column(
            "is_settled",
            "BOOLEAN",
            "",
            "the minute was read after its session's close",
            nullable=False,
        ),
        Column(
            "revision",
            "INT",
            "",
            "of bronze.bars; 0 when filled",
            nullable=False,
        ),
        Column("first_seen_at", "TIMESTAMP", "UTC", "when revision 0 came; null when filled"),
        Column("last_changed_at", "TIMESTAMP", "UTC", "when this revision came; null when filled"),
        SOURCE,
        Column(
            "flags",
            "ARRAY<STRING>",
            "",
            "warnings that did not quarantine, sorted; empty when there is none",
            nullable=False,
        ),
        RUN_ID,
    ),
    key=("ticker", "ts"),
    partition_by=("session_date",),
    order_by=("ticker", "ts"),
    zorder_by=("ticker",),
    lineage=("run_id",),
    checks=(
        *OHLC_CHECKS,
        ("volume_counted", "volume >= 0"),
        ("filled_is_flat", "NOT is_filled OR (volume = 0 AND open = close AND high = low)"),
        ("on_the_minute", "ts = date_trunc('MINUTE', ts)"),
    ),
)

_QUARANTINE_COLUMNS = (
    Column(
        "request_id",
        "STRING",
        "",
        "request that served it: a file's hash, or topic/partition/offset; where one request holds "
        "several refused rows of one key, /row is added from the second on",
        nullable=False,
    ),
    Column("ticker", "STRING", "", "ticker as served; empty where it was absent", nullable=False),
    Column("ts_text", "STRING", "", "time as served; empty where it was absent", nullable=False),
    Column("rule", "STRING", "", "the first rule that the row broke", nullable=False),
    Column("reason", "STRING", "", "the rule, as a sentence"),
    Column("severity", "STRING", "", "quarantine, or warning where a stored bar was kept"),
    Column("open_text", "STRING", "", "open as served"),
    Column("high_text", "STRING", "", "high as served"),
    Column("low_text", "STRING", "", "low as served"),
    Column("close_text", "STRING", "", "close as served"),
    Column("volume_text", "STRING", "", "volume as served"),
    Column("raw", "STRING", "", "the whole row as served"),
    SOURCE,
    FETCHED_AT,
    Column("run_id", "STRING", "", "run that refused the row"),
    Column("released_at", "TIMESTAMP", "UTC", "when the row was let in; null while refused"),
    Column("released_by", "STRING", "", "who let the row in; why stands in landing/releases/"),
)

QUARANTINE = Table(
    zone=Zone.SILVER,
    name="quarantine",
    doc="Rows refused, with the raw values as text: one row and one rule for each refused row.",
    columns=_QUARANTINE_COLUMNS,
    key=("request_id", "ticker", "ts_text", "rule"),
    lineage=("run_id",),
    first_writer=("run_id",),
)

QUARANTINE_STREAM = Table(
    zone=Zone.SILVER,
    name="quarantine_stream",
    doc="Messages refused by the streaming job, which alone writes here.",
    columns=_QUARANTINE_COLUMNS,
    key=("request_id", "ticker", "ts_text", "rule"),
    lineage=("run_id",),
    first_writer=("run_id",),
)

GAP = "STRUCT<`from`: TIMESTAMP, `to`: TIMESTAMP, minutes: INT, reason: STRING>"

COVERAGE = Table(
    zone=Zone.SILVER,
    name="coverage",
    doc="Proof of completeness of the regular segment, one row per ticker and session: observed + "
    "filled + missing_before_first + missing_after_last = expected.",
    columns=(
        TICKER,
        SESSION_DATE,
        Column("expected", "INT", "minutes", "of the session by the calendar", nullable=False),
        Column("observed", "INT", "minutes", "that a vendor gave", nullable=False),
        Column("filled", "INT", "minutes", "that carry the previous close", nullable=False),
        Column(
            "missing_before_first", "INT", "minutes", "before the first observed", nullable=False
        ),
        Column(
            "missing_after_last",
            "INT",
            "minutes",
            "after the last eligible, the close not being covered",
            nullable=False,
        ),
        Column("auction_observed", "BOOLEAN", "", "a closing-auction bar is held", nullable=False),
        Column(
            "longest_gap", "INT", "minutes", "longest run without an observation", nullable=False
        ),
        Column(
            "gaps",
            f"ARRAY<{GAP}>",
            "",
            "each run of minutes without an observation, [from, to), and why: quarantined, "
            "not_covered, outage, halt, vendor_hole or no_trade",
            nullable=False,
        ),
        Column("revisions", "INT", "", "corrections received: revisions above 0", nullable=False),
        Column("quarantined", "INT", "rows", "refused and not released", nullable=False),
        Column("is_settled", "BOOLEAN", "", "the session was read after its close", nullable=False),
        Column("first_ts", "TIMESTAMP", "UTC", "first observed regular minute"),
        Column("last_ts", "TIMESTAMP", "UTC", "last observed regular minute"),
        COMPUTED_AT,
    ),
    key=("ticker", "session_date"),
    order_by=("session_date", "ticker"),
    prune_by=("session_date",),
    lineage=("computed_at",),
    checks=(
        (
            "parts_sum",
            "observed + filled + missing_before_first + missing_after_last = expected",
        ),
    ),
)
