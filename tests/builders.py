"""Whole valid rows, and whole runs, so that a test names only what it is about."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession

import barlake
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.landing import land
from barlake.model import ops
from barlake.model.jobs import RUN
from barlake.model.table import Table
from barlake.options import Options
from barlake.pipelines.ingest import Ingested, ingest
from barlake.pipelines.night import run
from barlake.pipelines.silver import build_silver
from barlake.pipelines.underway import Night, Wanted
from barlake.progress import Progress
from barlake.runtime import running
from barlake.settings import Settings
from barlake.sources.files import FilesSource
from barlake.sources.manners import Manners
from barlake.sources.simulated import SimulatedSource

SESSION = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
AFTER = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
COLUMNS = ("ticker", "ts", "open", "high", "low", "close", "volume")


def row(minute: int = 0, /, close: float = 100.0, **changed: Any) -> dict[str, Any]:
    """One flat AAPL bar in the form of the files source, `minute` minutes after the open."""
    usual = {
        "ticker": "AAPL",
        "ts": stamp(OPEN + timedelta(minutes=minute)),
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 100,
    }
    return usual | changed


def stamp(moment: datetime) -> str:
    """Write an instant as the files source takes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def write_bars(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """Write rows as CSV; a `fetched_at` in any of them makes a column of it."""
    known = list(rows)
    names = [*COLUMNS, *(["fetched_at"] if any("fetched_at" in r for r in known) else [])]
    lines = [",".join(names), *(",".join(str(r.get(n, "")) for n in names) for r in known)]
    path.write_text("\n".join(lines) + "\n")
    return path


def run_files(
    root: Path | str,
    path: Path,
    *,
    as_of: datetime = AFTER,
    run_id: str = "",
    is_daily: bool = False,
    asked: Sequence[str] | None = None,
) -> Night:
    """Do what `barlake run --source files --from PATH` does, and give the night."""
    wanted = Wanted(is_daily=is_daily)
    options = Options(lake=str(root), as_of=as_of, run_id=run_id or f"run-{uuid4()}")
    with running(RUN, options) as night:
        run(night, FilesSource(path=path, clock=lambda: as_of, asked=asked), wanted, [])
    return night


def run_simulated(
    root: Path | str,
    tickers: list[str],
    start: date,
    end: date,
    *,
    as_of: datetime = AFTER,
    manners: Manners | None = None,
    seed: int = 7,
    run_id: str = "",
) -> Night:
    """Do what `barlake run --source simulated` does over a range of sessions."""
    options = Options(lake=str(root), as_of=as_of, run_id=run_id or f"run-{uuid4()}")
    source = SimulatedSource(seed=seed, clock=lambda: as_of, manners=manners or Manners.none())
    with running(RUN, options) as night:
        run(night, source, Wanted(start=start, end=end), tickers)
    return night


def at(lake: Lake, moment: datetime) -> Lake:
    """The same lake, its clock at another moment, its run another."""
    return replace(lake, now=moment, run_id=f"test-{uuid4()}")


def resumed(lake: Lake, conf: Settings) -> Night:
    """A night over a lake that is open, without leases and records."""
    return Night(lake, conf, Progress())


def frame(spark: SparkSession, table: Table, *rows: dict[str, Any]) -> DataFrame:
    """The rows as a frame of the table's columns that they name."""
    names = tuple(name for name in table.names if name in rows[0])
    return arrow.frame(spark, table, rows, only=names)


def deliver(lake: Lake, conf: Settings, path: Path, *, now: datetime) -> Ingested:
    """Land one file, ingest it and bring its sessions to silver; gold and the books stay behind."""
    later = at(lake, now)
    source = FilesSource(path=path, clock=lambda: now)
    batches = [land(lake.store, "files", [answer]) for answer in source.answers()]
    done = ingest(later, conf, batches)
    build_silver(later, conf, done.sessions, requests=done.requests)
    later.merge(ops.REQUESTS, done.requests)
    return done


def held(lake: Lake, query: str) -> list[dict[str, Any]]:
    """Give the answer of a DuckDB query over the lake."""
    rows = barlake.open(lake.store).sql(query)
    return list(rows.arrow().read_all().to_pylist())
