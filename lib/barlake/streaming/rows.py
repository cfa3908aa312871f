"""Cells, alerts and refusals as rows of their tables."""

from datetime import datetime
from typing import Any

from barlake.model import rules
from barlake.model.streamed import MESSAGE_RULES
from barlake.streaming.crossings import Alert
from barlake.streaming.messages import Refusal
from barlake.streaming.series import Cell

RAW_MAX = 2_000  # characters of a refused message that are kept
_REASONS = {rule.name: rule.reason for rule in (*rules.RULES, *MESSAGE_RULES)}
_TEXTS = {f"{name}_text": name for name in (*rules.PRICES, "volume")}
Row = dict[str, Any]


def vwap_row(cell: Cell, *, batch_id: int, emitted_at: datetime, run_id: str) -> Row:
    """Give a row of gold.vwap_stream."""
    bar = cell.bar
    return {
        "ticker": bar.ticker,
        "ts": bar.ts,
        "session_date": bar.session_date,
        "cum_volume": cell.cum_volume,
        "cum_notional": cell.cum_notional,
        "vwap": cell.vwap,
        "n_bars": cell.n_bars,
        "close": bar.close,
        "bar_open": bar.open,
        "bar_high": bar.high,
        "bar_low": bar.low,
        "bar_volume": bar.volume,
        "bar_hlc3": bar.hlc3,
        "bar_revision": bar.revision,
        "kafka_partition": bar.partition,
        "kafka_offset": bar.offset,
        "alert_state": cell.alert_state,
        "produced_at": bar.produced_at,
        "batch_id": batch_id,
        "emitted_at": emitted_at,
        "run_id": run_id,
    }


def alert_row(alert: Alert, *, batch_id: int, emitted_at: datetime, run_id: str) -> Row:
    """Give a row of gold.alerts."""
    return {
        "alert_id": alert.alert_id,
        "ticker": alert.ticker,
        "ts": alert.ts,
        "session_date": alert.session_date,
        "rule": alert.rule,
        "crossing": alert.crossing,
        "value": alert.value,
        "threshold": alert.threshold,
        "direction": alert.direction,
        "message": alert.message,
        "batch_id": batch_id,
        "emitted_at": emitted_at,
        "run_id": run_id,
    }


def quarantine_row(refusal: Refusal, run_id: str) -> Row:
    """Give a row of silver.quarantine_stream: what could be read of the message, and all of it."""
    message, fields = refusal.message, refusal.fields
    texts = {column: _text(fields.get(name)) for column, name in _TEXTS.items()}
    return {
        "request_id": message.request_id,
        "ticker": _text(fields.get("ticker")) or "",
        "ts_text": _text(fields.get("ts")) or "",
        "rule": refusal.rule,
        "reason": _REASONS[refusal.rule],
        "severity": "quarantine",
        **texts,
        "raw": None if message.value is None else raw(message.value),
        "source": "kafka",
        "fetched_at": message.received_at,
        "run_id": run_id,
        "released_at": None,
        "released_by": None,
    }


def raw(value: bytes) -> str:
    r"""Give a message as text, bytes that are not UTF-8 as \xNN; a long one is cut, and says so."""
    text = value[: 4 * RAW_MAX].decode("utf-8", "backslashreplace")
    if len(value) <= 4 * RAW_MAX and len(text) <= RAW_MAX:
        return text
    return f"{text[:RAW_MAX]}… ({len(value):,} bytes)"


def _text(found: object) -> str | None:
    """Give a field as it would be written; surrogates, which no table can hold, as their escape."""
    if found is None:
        return None
    text = found if isinstance(found, str) else repr(found)
    return text[:RAW_MAX].encode("utf-8", "backslashreplace").decode()
