"""A night in a bucket beside the same night in a folder, and a ticker's day read from both.

Run: make bench, or python -m benchmarks.bucket --tickers 200 --sessions 5
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

import barlake
from barlake import calendar
from barlake.pipelines.underway import Wanted
from barlake.readers.frames import OpenLake
from benchmarks.night import AS_OF, RESULTS, night
from infra import objectstore

READS = 15
_DAY = "SELECT ts, close, volume FROM bars WHERE ticker = $ticker AND session_date = $day"


def main() -> None:
    """Measure, print and keep the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tickers", type=int, default=200)
    options.add_argument("--sessions", type=int, default=5)
    asked = options.parse_args()
    root = Path(tempfile.mkdtemp(prefix="barlake-bench-"))
    try:
        with objectstore.either(root / "store") as store:
            store.make("lake")
            os.environ.update(store.environment)  # before Spark starts, which keeps it
            figures = {"store": store.name, **measured(root, asked.tickers, asked.sessions)}
    finally:
        shutil.rmtree(root)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "bucket.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))  # noqa: T201 - the result


def measured(root: Path, tickers: int, sessions: int) -> dict[str, Any]:
    """Give seconds of the nights, by step, and milliseconds of the reads, place after place."""
    names = [f"T{number:04d}" for number in range(tickers)]
    days = [day.session_date for day in calendar.closed_before(AS_OF, sessions + 1)]
    places = {"folder": str(root / "lake"), "bucket": "s3a://lake/main"}
    spans = {"history": days[:-1], "night": days[-1:], "same night again": days[-1:]}
    found: dict[str, Any] = {"tickers": tickers, "sessions": sessions}
    for name, span in spans.items():
        wanted = Wanted(start=span[0], end=span[-1])
        found[name] = {place: night(lake, names, wanted) for place, lake in places.items()}
    reads = {place: read(lake, names[-1], days[-1]) for place, lake in places.items()}
    found["a ticker's day, milliseconds"] = reads
    return found


def read(address: str, ticker: str, day: date) -> dict[str, float]:
    """Give the median milliseconds of one ticker's day: opened anew, open, and in DuckDB's own."""
    lake = barlake.open(address)
    own = _own(lake)
    return {
        "opened anew": _median(lambda: _bars(barlake.open(address), ticker, day), 5),
        "open": _median(lambda: _bars(lake, ticker, day), READS),
        "DuckDB's own table": _median(
            lambda: own.execute(_DAY, {"ticker": ticker, "day": day}).fetchall(), READS
        ),
    }


def _bars(lake: OpenLake, ticker: str, day: date) -> object:
    return lake.bars(ticker, start=day, end=day).fetchall()


def _own(lake: OpenLake) -> duckdb.DuckDBPyConnection:
    own = duckdb.connect()
    own.register("held", lake.sql("FROM silver.bars_1m ORDER BY ticker, ts").arrow().read_all())
    own.execute("CREATE TABLE bars AS FROM held")
    return own


def _median(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return round(median(taken) * 1000, 2)


if __name__ == "__main__":
    main()
