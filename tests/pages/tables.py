"""A lake of rows made up for the pages: every table of the model in DuckDB alone, no Spark."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow

from barlake.io.folder import Folder
from barlake.model import ref, silver
from barlake.model.silver import GAP
from barlake.model.table import Table
from barlake.model.tables import TABLES
from barlake.readers.duck import name_macros
from barlake.readers.frames import OpenLake

GAP_HERE = 'STRUCT("from" TIMESTAMPTZ, "to" TIMESTAMPTZ, minutes INT, reason VARCHAR)[]'
TYPES = {
    "STRING": "VARCHAR",
    "TIMESTAMP": "TIMESTAMPTZ",
    "ARRAY<STRING>": "VARCHAR[]",
    f"ARRAY<{GAP}>": GAP_HERE,
}
OPEN_HOUR = timedelta(hours=14, minutes=30)


def made_up(root: Path, rows: dict[Table, list[dict[str, Any]]]) -> OpenLake:
    """Give an open lake that holds these rows; columns that a row does not name are null."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    name_macros(connection)
    for table in TABLES:
        columns = ", ".join(f'"{c.name}" {TYPES.get(c.type, c.type)}' for c in table.columns)
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {table.zone}")
        connection.execute(f"CREATE TABLE {table} ({columns})")
    for table, given in rows.items():
        names = list(dict.fromkeys(name for row in given for name in row))
        whole = [{name: row.get(name) for name in names} for row in given]
        connection.register("given", pyarrow.Table.from_pylist(whole))
        connection.execute(" ".join(["INSERT INTO", str(table), "BY NAME FROM given"]))
    return OpenLake(Folder.at(str(root)), connection)


def weekdays(count: int, *, first: date = date(2026, 8, 3)) -> Iterator[date]:
    """Give that many days that are no Saturday or Sunday, in order."""
    day = first
    for _ in range(count):
        while day.weekday() > 4:
            day += timedelta(days=1)
        yield day
        day += timedelta(days=1)


def opened(day: date) -> datetime:
    """The instant at which the made-up exchange opens."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + OPEN_HOUR


def session(day: date, minutes: int = 390) -> dict[str, Any]:
    """One row of ref.sessions."""
    return {
        "exchange": "XNYS",
        "session_date": day,
        "open_utc": opened(day),
        "close_utc": opened(day) + timedelta(minutes=minutes),
        "minutes": minutes,
        "is_early_close": minutes < 390,
    }


def covered(
    ticker: str, day: date, gaps: list[tuple[int, int, str]], **changed: Any
) -> dict[str, Any]:
    """One row of silver.coverage; a gap is its minute since the open, its length, its reason."""
    lost = sum(minutes for _, minutes, _ in gaps)
    usual = {
        "ticker": ticker,
        "session_date": day,
        "expected": 390,
        "observed": 390 - lost,
        "filled": lost,
        "missing_before_first": 0,
        "missing_after_last": 0,
        "auction_observed": True,
        "longest_gap": max((minutes for _, minutes, _ in gaps), default=0),
        "gaps": [_gap(day, *found) for found in gaps],
        "revisions": 0,
        "quarantined": 0,
        "is_settled": True,
    }
    return usual | changed


def crowd(*, tickers: int, sessions: int) -> dict[Table, list[dict[str, Any]]]:
    """Rows for a large heatmap: dense names, sparse ones, an outage, a halt, late starters."""
    days = list(weekdays(sessions))
    names = [f"{chr(65 + n % 26)}{chr(65 + n // 26)}{chr(65 + n * 7 % 26)}" for n in range(tickers)]
    rows = [
        covered(name, day, _holes(n, d, sessions), is_settled=d < sessions - 1, revisions=n * d % 3)
        for n, name in enumerate(names)
        for d, day in enumerate(days)
        if d >= _start(n, sessions)
    ]
    return {ref.SESSIONS: [session(day) for day in days], silver.COVERAGE: rows}


def _start(n: int, sessions: int) -> int:
    """One name in nine was not asked for from the first day on."""
    return sessions * (1 + n % 5) // 8 if n % 9 == 4 else 0


def _holes(n: int, d: int, sessions: int) -> list[tuple[int, int, str]]:
    quiet = 40 + n % 50 if n % 10 == 3 else 0  # one name in ten trades in some minutes alone
    holes = [(at * 390 // quiet, 1 + (at + d) % 3, "no_trade") for at in range(quiet)]
    if d == sessions * 2 // 3:
        return [*(hole for hole in holes if hole[0] < 250), (260, 25, "outage")]
    if (n * 13 + d * 7) % 151 == 0:
        early = [hole for hole in holes if hole[0] < 60]
        return [*early, (70, 12 + n % 40, "halt"), (200, 120 + n % 70, "not_covered")]
    if (n * 5 + d * 11) % 7 == 0:
        return [*holes[:-1], (386, 1 + n % 3, "vendor_hole")]
    return holes


def _gap(day: date, at: int, minutes: int, reason: str) -> dict[str, Any]:
    first = opened(day) + timedelta(minutes=at)
    return {
        "from": first,
        "to": first + timedelta(minutes=minutes),
        "minutes": minutes,
        "reason": reason,
    }
