"""Bars for ClickHouse, optional: session by session, each replaced as a whole.

`clickhouse.sql` beside this file makes the tables, and says why bars enter through others first.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow

from barlake.io import history
from barlake.model import silver
from barlake.model.errors import InputError
from barlake.readers.frames import OpenLake

if TYPE_CHECKING:
    from chdb.session import Session

_STATEMENTS = Path(__file__).with_suffix(".sql")
_STATES = ("barlake.bars_5m_states", "barlake.vwap_states")
# States first, so that whoever sees new bars sees the states that belong to them.
_REPLACED = (*_STATES, "barlake.bars_1m")
_BARS = """
SELECT ticker, ts, session_date, minute_of_session, segment, open, high, low, close, volume,
       is_filled, revision
FROM silver.bars_1m WHERE session_date = $day ORDER BY ticker, ts
"""
_LOADED = "SELECT session_date, fingerprint FROM barlake.loads FINAL WHERE fingerprint <> ''"
_EMPTY = "TRUNCATE TABLE :table_next"
_COUNT = "SELECT count() AS n FROM :table_next"
_REPLACE = "ALTER TABLE :table REPLACE PARTITION {day:Date} FROM :table_next"
_DROP = "ALTER TABLE :table DROP PARTITION {day:Date}"
_RECORD = """
INSERT INTO barlake.loads (session_date, fingerprint, n_bars)
SELECT {day:Date}, {fingerprint:String}, {n_bars:UInt64}
"""


class Engine(Protocol):
    """A ClickHouse: a server's client, or the one inside Python."""

    def run(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """Run one statement; `{name:Type}` in it takes a value given here."""

    def insert(self, table: str, rows: pyarrow.Table) -> None:
        """Add rows to a table, columns by name."""


class Embedded:
    """ClickHouse inside this process, as chdb has it; one folder holds its tables."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    def run(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """Run one statement; `{name:Type}` in it takes a value given here."""
        texts = {name: str(value) for name, value in values.items()}
        answer = self._session.query(statement, "ArrowTable", params=texts)
        return list(answer.to_pylist())

    def insert(self, table: str, rows: pyarrow.Table) -> None:
        """Add rows to a table, columns by name."""
        columns = ", ".join(rows.column_names)
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        with self._session.send_insert(
            " ".join(["INSERT INTO", table, "(", columns, ")"]), "ArrowStream"
        ) as inserted:
            inserted.append(sink.getvalue().to_pybytes())
            inserted.finish()


@contextmanager
def embedded(folder: str) -> Iterator[Embedded]:
    """Open the ClickHouse whose tables stand in `folder`; a process has one at a time.

    Raises:
        InputError: chdb is not installed.
    """
    try:
        from chdb.session import Session  # noqa: PLC0415 - optional, and 550 MB
    except ImportError:
        raise InputError("ClickHouse inside Python needs chdb: pip install chdb==4.4.0") from None
    with Session(folder) as session:
        yield Embedded(session)


def load(lake: OpenLake, engine: Engine) -> dict[date, int]:
    """Bring the sessions whose bars changed since they were loaded; make the tables if need be.

    A session is replaced as a whole, its states included: loaded again it gives the same numbers,
    whatever was corrected, and whatever cut an earlier load off. One load at a time: nothing guards
    against a second one.

    Returns:
        The sessions that were replaced, each with its number of bars; 0 where the lake has none
        any more.
    """
    for statement in _STATEMENTS.read_text("utf-8").split(";\n"):
        if statement.strip():
            engine.run(statement)
    held = {row["session_date"]: row["fingerprint"] for row in engine.run(_LOADED)}
    wanted = dict.fromkeys(held, "") | fingerprints(lake)
    changed = sorted(day for day in wanted if wanted[day] != held.get(day))
    return {
        day: _replaced(lake, engine, day, wanted[day]) if wanted[day] else _removed(engine, day)
        for day in changed
    }


def fingerprints(lake: OpenLake) -> dict[date, str]:
    """Give for each session of silver.bars_1m a text that is another when its files are others.

    A compaction changes it too, and costs a load that changes no number.
    """
    files = defaultdict(list)
    for path in sorted(history.live_files(lake.store, silver.BARS_1M)):
        files[path.partition("/")[0].removeprefix("session_date=")].append(path)
    return {
        date.fromisoformat(day): sha256("\n".join(paths).encode()).hexdigest()
        for day, paths in files.items()
    }


def _replaced(lake: OpenLake, engine: Engine, day: date, fingerprint: str) -> int:
    rows = lake.sql(_BARS, day=day).arrow().read_all()
    for table in _REPLACED:
        engine.run(_EMPTY.replace(":table", table))
    if rows.num_rows:
        engine.insert("barlake.bars_1m_next", rows)
    for table in _REPLACED:
        [found] = engine.run(_COUNT.replace(":table", table))
        statement = _REPLACE if found["n"] else _DROP  # nothing replaces a partition with nothing
        engine.run(statement.replace(":table", table), day=day)
    engine.run(_RECORD, day=day, fingerprint=fingerprint, n_bars=rows.num_rows)
    return rows.num_rows


def _removed(engine: Engine, day: date) -> int:
    for table in _REPLACED:
        engine.run(_DROP.replace(":table", table), day=day)
    engine.run(_RECORD, day=day, fingerprint="", n_bars=0)
    return 0
