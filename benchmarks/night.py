"""A night of 200 tickers into 20 sessions, step by step, beside DuckDB and Polars on its features.

Run: make bench, or python benchmarks/night.py --tickers 200 --sessions 20
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

import barlake
from barlake import calendar
from barlake.model.jobs import RUN
from barlake.options import Options
from barlake.pipelines.night import Wanted, run
from barlake.readers.frames import OpenLake
from barlake.runtime import running
from barlake.sources.manners import Manners
from barlake.sources.simulated import SimulatedSource
from barlake.summary import summary

AS_OF = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
RESULTS = Path(__file__).parent / "results"

# Twelve of the twenty features: what all three engines say alike, in one pass over the grid.
_SQL = """
SELECT ticker, ts, close / lag(close) OVER s - 1 AS ret_1m, ln(close / lag(close, 15) OVER s),
       avg(close) OVER w20, stddev_samp(close) OVER w20, max(high) OVER w30, min(low) OVER w30,
       sum(volume) OVER w15, avg(volume) OVER w60, stddev_samp(volume) OVER w60,
       sum((high + low + close) / 3 * volume) OVER s / nullif(sum(volume) OVER s, 0) AS vwap
FROM bars
WINDOW s AS (PARTITION BY ticker, session_date ORDER BY ts),
       w15 AS (s ROWS 14 PRECEDING), w20 AS (s ROWS 19 PRECEDING),
       w30 AS (s ROWS 29 PRECEDING), w60 AS (s ROWS 59 PRECEDING)
"""


def main() -> None:
    """Measure, print and keep the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tickers", type=int, default=200)
    options.add_argument("--sessions", type=int, default=20)
    asked = options.parse_args()
    root = Path(tempfile.mkdtemp(prefix="barlake-bench-"))
    try:
        figures = measured(root, asked.tickers, asked.sessions)
    finally:
        shutil.rmtree(root)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "night.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))  # noqa: T201 - the result


def measured(root: Path, tickers: int, sessions: int) -> dict[str, Any]:
    """Give seconds by step: history at once, one night, the same night again; and the peers'."""
    names = [f"T{n:04d}" for n in range(tickers)]
    days = [day.session_date for day in calendar.closed_before(AS_OF, sessions + 1)]
    history = _night(root, names, Wanted(start=days[0], end=days[-2]))
    night = _night(root, names, Wanted(start=days[-1], end=days[-1]))
    again = _night(root, names, Wanted(start=days[-1], end=days[-1]))
    return {
        "tickers": tickers,
        "sessions": sessions,
        "history": history,
        "night": night,
        "same night again": again,
        "peers, 12 features of all sessions": peers(barlake.open(str(root))),
    }


def peers(lake: OpenLake) -> dict[str, float]:
    """Give the seconds of DuckDB and Polars for twelve features of every session, in memory."""
    query = "SELECT * FROM silver.bars_1m WHERE segment = 'regular' ORDER BY ticker, ts"
    bars = lake.sql(query).arrow().read_all()
    lake.connection.register("bars", bars)
    frame = pl.from_arrow(bars)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("an Arrow table makes a frame")
    return {
        "duckdb": _least(lambda: lake.sql(_SQL).arrow().read_all()),
        "polars": _least(lambda: _polars(frame)),
    }


def _polars(bars: pl.DataFrame) -> pl.DataFrame:
    close, volume, session = pl.col("close"), pl.col("volume"), ["ticker", "session_date"]
    notional = (pl.col("high") + pl.col("low") + close) / 3 * volume
    features = {
        "ret_1m": close / close.shift(1) - 1,
        "log_ret_15m": (close / close.shift(15)).log(),
        "sma_20": close.rolling_mean(20),
        "std_20": close.rolling_std(20),
        "high_30": pl.col("high").rolling_max(30),
        "low_30": pl.col("low").rolling_min(30),
        "volume_sum_15": volume.rolling_sum(15),
        "volume_mean_60": volume.rolling_mean(60),
        "volume_std_60": volume.rolling_std(60),
        "vwap": notional.cum_sum() / volume.cum_sum(),
    }
    return bars.with_columns(**{name: value.over(session) for name, value in features.items()})


def _night(root: Path, names: list[str], wanted: Wanted) -> dict[str, Any]:
    source = SimulatedSource(seed=1, clock=lambda: AS_OF, manners=Manners.none())
    with running(RUN, Options(lake=str(root), as_of=AS_OF)) as night:
        run(night, source, wanted, names)
    done = summary(night)
    written = sum(t["bytes_written"] for t in done["tables"].values())
    return {"received": done["received"], "bytes_written": written, "seconds": done["seconds"]}


def _least(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return round(min(times), 3)


if __name__ == "__main__":
    main()
