"""What the streaming job writes of gold, and the rules by which it refuses a message."""

from barlake.model.columns import OHLC, RUN_ID, SESSION_DATE, TICKER, TS, VOLUME
from barlake.model.rules import Rule
from barlake.model.table import Column, Table, Zone

_BAR = tuple(
    Column(f"bar_{c.name}", c.type, c.unit, f"{c.doc}, of the bar", nullable=False)
    for c in (*OHLC[:3], VOLUME)
)
# Kept by every cell that it was emitted with, whatever a later correction does.
_ORIGIN = (
    Column("kafka_partition", "INT", "", "of the message that brought the bar", nullable=False),
    Column("kafka_offset", "BIGINT", "", "of that message, in its partition", nullable=False),
)

VWAP_STREAM = Table(
    zone=Zone.GOLD,
    name="vwap_stream",
    doc="Running session VWAP of hlc3 at every minute that the stream saw; a late or corrected bar "
    "changes every later minute of its session. It is also the streaming job's state.",
    columns=(
        TICKER,
        TS,
        SESSION_DATE,
        Column("cum_volume", "BIGINT", "shares", "of the session so far", nullable=False),
        Column("cum_notional", "DOUBLE", "USD", "sum of hlc3 x volume so far", nullable=False),
        Column("vwap", "DOUBLE", "USD", "cum_notional / cum_volume; null until a share traded"),
        Column("n_bars", "INT", "minutes", "seen of the session so far", nullable=False),
        Column("close", "DOUBLE", "USD", "last price of the bar", nullable=False),
        *_BAR,
        Column("bar_hlc3", "DOUBLE", "USD", "mean of high, low and close", nullable=False),
        Column("bar_revision", "INT", "", "of silver's bar; 0 is the first", nullable=False),
        *_ORIGIN,
        Column(
            "alert_state",
            "STRING",
            "",
            "JSON of the alert rules' states after the bar; null where it came late",
        ),
        Column("produced_at", "TIMESTAMP", "UTC", "when the bar was put into Kafka"),
        Column("batch_id", "BIGINT", "", "of the streaming query, that wrote the row last"),
        Column("emitted_at", "TIMESTAMP", "UTC", "when the row was computed", nullable=False),
        RUN_ID,
    ),
    key=("ticker", "ts"),
    partition_by=("session_date",),
    order_by=("ticker", "ts"),
    lineage=("batch_id", "emitted_at", "run_id"),
    checkpoint_every=100,
)

ALERTS = Table(
    zone=Zone.GOLD,
    name="alerts",
    doc="One row for each time that a rule of conf/alerts.yaml was crossed; decided by bars that "
    "extend their session, and never taken back.",
    columns=(
        Column(
            "alert_id",
            "STRING",
            "",
            "SHA-256 of rule, ticker, session and crossing: the same after any replay",
            nullable=False,
        ),
        TICKER,
        Column("ts", "TIMESTAMP", "UTC", "minute of the bar that crossed it", nullable=False),
        SESSION_DATE,
        Column("rule", "STRING", "", "name in conf/alerts.yaml", nullable=False),
        Column("crossing", "INT", "", "number in its session, from 1", nullable=False),
        Column("value", "DOUBLE", "", "what was measured, in the rule's unit", nullable=False),
        Column("threshold", "DOUBLE", "", "what it crossed, in the same unit", nullable=False),
        Column("direction", "STRING", "", "up, down or silent", nullable=False),
        Column("message", "STRING", "", "the alert as a sentence", nullable=False),
        Column("batch_id", "BIGINT", "", "of the streaming query"),
        Column("emitted_at", "TIMESTAMP", "UTC", "when it was decided", nullable=False),
        RUN_ID,
    ),
    key=("alert_id",),
    partition_by=("session_date",),
    order_by=("ticker", "ts"),
    lineage=("batch_id", "emitted_at", "run_id"),
    checkpoint_every=100,
)

MESSAGE_RULES = (
    Rule("message_absent", "", "The message has no value: the topic holds no deletions."),
    Rule("message_size", "", "The message is larger than any bar."),
    Rule("message_text", "", "The message is not UTF-8."),
    Rule("message_json", "", "The message is not a JSON object."),
    Rule("message_fields", "", "The message lacks a field of a bar, or has one that is none."),
    Rule("message_key", "", "The message's key is not its ticker."),
    Rule("revision_format", "", "The revision is not a whole number from 0."),
    Rule("produced_at_format", "", "The time of production is not an ISO 8601 instant."),
    Rule("outside_regular", "", "The minute is in no session's regular hours."),
)
