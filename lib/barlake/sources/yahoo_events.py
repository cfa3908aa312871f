"""A chart's splits and dividends -> rows as served, as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from barlake.sources.source import SERVED_SCHEMA


@dataclass(frozen=True, slots=True)
class Event:
    """A split (new shares per old one) or a dividend (USD per share), and when; UTC."""

    at: datetime
    dividend: float | None = None
    split: float | None = None


def events_of(chart: dict[str, Any]) -> list[Event]:
    """Read the splits and dividends that a chart's answer tells, in time order."""
    told = chart["chart"]["result"][0].get("events", {})
    found = [
        *(Event(_at(d), dividend=float(d["amount"])) for d in told.get("dividends", {}).values()),
        *(
            Event(_at(s), split=s["numerator"] / s["denominator"])
            for s in told.get("splits", {}).values()
        ),
    ]
    return sorted(found, key=lambda event: event.at)


def rows_of_events(
    events: Sequence[Event], *, request_id: str, ticker: str, fetched_at: datetime
) -> pa.Table:
    """Give splits and dividends in SERVED_SCHEMA, one row each, without prices.

    Args:
        events: In time order.
        request_id: Of the request.
        ticker: As asked.
        fetched_at: When the answer came, UTC.
    """
    rows = [
        {
            "request_id": request_id,
            "row": row,
            "ticker": ticker,
            "ts_text": event.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "dividend_text": None if event.dividend is None else repr(event.dividend),
            "split_text": None if event.split is None else repr(event.split),
            "fetched_at": fetched_at,
        }
        for row, event in enumerate(events)
    ]
    return pa.Table.from_pylist(rows, schema=SERVED_SCHEMA)


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["date"], UTC)
