"""A frame of yfinance -> rows as served, as text."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from barlake.calendar import EXCHANGE_ZONE
from barlake.model.landed import TEXTS
from barlake.sources.source import SERVED_SCHEMA

_EVENTS = {"dividend_text": "Dividends", "split_text": "Stock Splits"}


def rows_served(
    frame: pd.DataFrame,
    *,
    request_id: str,
    ticker: str,
    fetched_at: datetime,
    unsaid: Collection[int],
    is_daily: bool,
) -> pa.Table:
    """Give a payload in SERVED_SCHEMA; prices are the shortest text of the float that came.

    A bar that was served as null has null texts throughout.

    Args:
        frame: Of `Ticker.history`, rows in time order, null rows kept.
        request_id: Of the request.
        ticker: As asked.
        fetched_at: When the answer came, UTC.
        unsaid: Stamps, in epoch seconds, whose volume was null: yfinance makes 0 of it.
        is_daily: The bars are of days: their time is the session's date.
    """
    rows = len(frame)
    spelled = _date if is_daily else _iso
    silent = {spelled(pd.Timestamp(at, unit="s", tz="UTC")) for at in unsaid}
    stamps = [spelled(at) for at in pd.DatetimeIndex(frame.index)]
    prices = {name: _texts(frame[name.capitalize()], _number) for name in TEXTS[:4]}
    told = [at not in silent for at in stamps]
    volumes = zip(told, frame["Volume"].tolist(), strict=True)
    columns: dict[str, pa.Array[Any]] = {
        "request_id": pa.repeat(pa.scalar(request_id), rows),
        "row": pa.array(range(rows), pa.int32()),
        "ticker": pa.repeat(pa.scalar(ticker), rows),
        "ts_text": pa.array(stamps, pa.string()),
        **{f"{name}_text": texts for name, texts in prices.items()},
        "volume_text": pa.array([str(v) if t else None for t, v in volumes], pa.string()),
        **{text: _texts(frame[name], _event) for text, name in _EVENTS.items()},
        "fetched_at_text": pa.nulls(rows, pa.string()),
        "fetched_at": pa.repeat(pa.scalar(fetched_at, pa.timestamp("us", tz="UTC")), rows),
        "raw": pa.nulls(rows, pa.string()),
    }
    return pa.table(columns, schema=SERVED_SCHEMA)


def unsaid_volumes(chart: dict[str, Any]) -> frozenset[int]:
    """Give the stamps of a chart's answer whose volume is null."""
    result = chart["chart"]["result"][0]
    volumes = result["indicators"]["quote"][0]["volume"]
    stamped = zip(result["timestamp"], volumes, strict=True)
    return frozenset(at for at, volume in stamped if volume is None)


def _texts(column: "pd.Series[float]", spelled: Callable[[float], str | None]) -> "pa.Array[Any]":
    return pa.array([spelled(value) for value in column.tolist()], pa.string())


def _number(value: float) -> str | None:
    return None if value != value else repr(value)  # noqa: PLR0124 - NaN, which yfinance makes of null


def _event(value: float) -> str | None:
    return repr(value) if value > 0 else None


def _iso(at: pd.Timestamp) -> str:
    return at.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ")


def _date(at: pd.Timestamp) -> str:
    return at.tz_convert(EXCHANGE_ZONE).strftime("%Y-%m-%d")
