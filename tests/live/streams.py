"""A lake whose stream is played by delta-rs: real Delta tables, no Spark, no Kafka."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
from deltalake import DeltaTable, write_deltalake

from barlake.io.folder import Folder
from barlake.io.schemas import schema
from barlake.io.store import Store
from barlake.model import ref, streamed
from barlake.model.table import Table

DAY, NEXT_DAY = date(2026, 11, 24), date(2026, 11, 25)
NOTHING = {"STRING": "", "BIGINT": 0, "INT": 0, "DOUBLE": 0.0, "BOOLEAN": False}


def opened(day: date = DAY) -> datetime:
    """The instant of the open."""
    return datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)


def bar(ticker: str, minute: int, *, day: date = DAY, **changed: Any) -> dict[str, Any]:
    """One row of gold.vwap_stream: a minute at 100 dollars, 100 shares."""
    emitted = opened(day) + timedelta(seconds=minute)
    usual = {
        "ticker": ticker,
        "ts": opened(day) + timedelta(minutes=minute),
        "session_date": day,
        **dict.fromkeys(("bar_open", "bar_high", "bar_low", "close", "bar_hlc3"), 100.0),
        "vwap": 100.0,
        "bar_volume": 100,
        "bar_revision": 0,
        "n_bars": minute + 1,
        "cum_volume": 100 * (minute + 1),
        "cum_notional": 10_000.0 * (minute + 1),
        "produced_at": emitted - timedelta(milliseconds=700),
        "emitted_at": emitted,
    }
    return usual | changed


def walk(ticker: str, minutes: int, *, day: date = DAY) -> list[dict[str, Any]]:
    """Rows of a session's first minutes whose price walks at random, with their VWAP."""
    draw = Random(f"{ticker} {day}")  # noqa: S311 - the same walk for each run of a test
    price = draw.uniform(20, 400)
    rows, notional, shares = [], 0.0, 0
    for minute in range(minutes):
        opens, price = price, price * (1 + draw.gauss(0, 0.0007))
        high = max(opens, price) * (1 + abs(draw.gauss(0, 0.0004)))
        low = min(opens, price) * (1 - abs(draw.gauss(0, 0.0004)))
        opens, high, low, price = (round(found, 2) for found in (opens, high, low, price))
        hlc3 = (high + low + price) / 3
        near_the_ends = 1 + 3 * abs(minute / 195 - 1) ** 3
        volume = int(draw.lognormvariate(8.5, 0.5) * near_the_ends)
        shares, notional = shares + volume, notional + hlc3 * volume
        drawn = {"bar_open": opens, "bar_high": high, "bar_low": low, "close": price}
        summed = {"cum_volume": shares, "cum_notional": notional, "vwap": notional / shares}
        rows.append(
            bar(ticker, minute, day=day, **drawn, **summed, bar_hlc3=hlc3, bar_volume=volume)
        )
    return rows


def alert(ticker: str, minute: int, *, day: date = DAY, **changed: Any) -> dict[str, Any]:
    """One row of gold.alerts."""
    usual = {
        "alert_id": f"{ticker}-{day}-{minute}",
        "ticker": ticker,
        "session_date": day,
        "ts": opened(day) + timedelta(minutes=minute),
        "rule": "vwap_cross",
        "direction": "up" if minute % 2 else "down",
        "message": f"{ticker} crossed its VWAP at minute {minute}.",
        "emitted_at": opened(day) + timedelta(seconds=minute),
    }
    return usual | changed


def crossings(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give an alert for each minute of a walk at which the price crosses its VWAP and stays."""
    told, side = [], 0
    for minute, row in enumerate(rows):
        away = row["close"] / row["vwap"] - 1
        new = (away > 0.0005) - (away < -0.0005)
        if new and new != side and side:
            way = "above" if new > 0 else "below"
            said = f"close {row['close']:.2f} crossed {way} the VWAP of {row['vwap']:.2f}"
            told.append(
                alert(row["ticker"], minute, direction="up" if new > 0 else "down", message=said)
            )
        side = new or side
    return told


Where = Path | Store  # a folder, or any store that holds a lake


def create(root: Where, *, days: Iterable[date] = (DAY, NEXT_DAY)) -> None:
    """Make the three tables that the page reads, and put sessions into ref.sessions."""
    for table in (streamed.VWAP_STREAM, streamed.ALERTS, ref.SESSIONS):
        append(root, table, [])
    sessions = [
        {
            "exchange": "XNYS",
            "session_date": day,
            "open_utc": opened(day),
            "close_utc": opened(day) + timedelta(minutes=390),
            "minutes": 390,
        }
        for day in days
    ]
    append(root, ref.SESSIONS, sessions)


def append(root: Where, table: Table, rows: list[dict[str, Any]]) -> None:
    """Append rows in one commit; what a row does not say is null, or nothing."""
    partitions = list(table.partition_by) or None
    path, options = _reached(root, table)
    write_deltalake(
        path,
        _frame(table, rows),
        mode="append",
        partition_by=partitions,
        storage_options=options,
    )


def merge(root: Where, rows: list[dict[str, Any]]) -> None:
    """Put bars in place of those of the same keys, as the stream corrects them."""
    path, options = _reached(root, streamed.VWAP_STREAM)
    found = DeltaTable(path, storage_options=options)
    same = "s.session_date = t.session_date AND s.ticker = t.ticker AND s.ts = t.ts"
    merging = found.merge(
        _frame(streamed.VWAP_STREAM, rows), same, source_alias="s", target_alias="t"
    )
    merging.when_matched_update_all().when_not_matched_insert_all().execute()


def _reached(root: Where, table: Table) -> tuple[str, dict[str, str] | None]:
    store = Folder.at(str(root)) if isinstance(root, Path) else root
    return store.path(table.path), store.access.deltalake() if store.access else None


def _frame(table: Table, rows: list[dict[str, Any]]) -> pyarrow.Table:
    empty = {c.name: None if c.nullable else NOTHING.get(c.type) for c in table.columns}
    strangers = {name for row in rows for name in row} - {*table.names}
    assert not strangers, strangers
    return pyarrow.Table.from_pylist([empty | row for row in rows], schema=schema(table.columns))
