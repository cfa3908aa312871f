"""What peers need for the dear steps of a night, on the same bars: MERGE a day, and features."""

import shutil
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

from barlake.readers.frames import OpenLake

Figures = dict[str, float]

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


def features(lake: OpenLake, folder: Path) -> Figures:
    """Give the seconds for twelve features of every session, from memory to a Parquet file."""
    bars = _bars(lake)
    frame = pl.from_arrow(bars)
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("an Arrow table makes a frame")
    lake.connection.register("bars", bars)
    return {
        "duckdb": _least(lambda: lake.sql(_SQL).write_parquet(str(folder / "duckdb.parquet"))),
        "polars": _least(lambda: _polars(frame).write_parquet(folder / "polars.parquet")),
    }


def merge(lake: OpenLake, day: date, folder: Path) -> Figures:
    """Give the seconds to bring one day into all the days before it, keyed by ticker and ts."""
    bars = _bars(lake)
    is_new = pc.equal(bars["session_date"], pa.scalar(day))
    held, new = bars.filter(pc.invert(is_new)), bars.filter(is_new)
    return {
        "delta-rs": _least(lambda: _delta_rs(new, day, folder), lambda: _written(held, folder)),
        "duckdb": _least(lambda: _duckdb(new, folder), lambda: _inserted(held, folder)),
    }


def _bars(lake: OpenLake) -> pa.Table:
    query = "SELECT * FROM silver.bars_1m WHERE segment = 'regular' ORDER BY ticker, ts"
    return lake.sql(query).arrow().read_all()


def _written(held: pa.Table, folder: Path) -> None:
    shutil.rmtree(folder / "delta", ignore_errors=True)
    write_deltalake(folder / "delta", held, partition_by=["session_date"])


def _delta_rs(new: pa.Table, day: date, folder: Path) -> None:
    same = "t.ticker = s.ticker AND t.ts = s.ts AND t.session_date = DATE '" + day.isoformat() + "'"
    DeltaTable(folder / "delta").merge(
        new, same, source_alias="s", target_alias="t"
    ).when_matched_update_all().when_not_matched_insert_all().execute()


def _inserted(held: pa.Table, folder: Path) -> None:
    (folder / "bars.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "bars.duckdb")) as connection:
        connection.register("held", held)
        connection.execute("CREATE TABLE bars AS FROM held")


def _duckdb(new: pa.Table, folder: Path) -> None:
    with duckdb.connect(str(folder / "bars.duckdb")) as connection:
        connection.register("new", new)
        connection.execute(
            "MERGE INTO bars USING new ON bars.ticker = new.ticker AND bars.ts = new.ts "
            "WHEN MATCHED THEN UPDATE WHEN NOT MATCHED THEN INSERT"
        )


def _polars(bars: pl.DataFrame) -> pl.DataFrame:
    close, volume, session = pl.col("close"), pl.col("volume"), ["ticker", "session_date"]
    notional = (pl.col("high") + pl.col("low") + close) / 3 * volume
    made = {
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
    return bars.with_columns(**{name: value.over(session) for name, value in made.items()})


def _least(work: Callable[[], object], before: Callable[[], None] = lambda: None) -> float:
    """Give the least seconds of three; what `before` does is not counted."""
    times = []
    for _ in range(3):
        before()
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return round(min(times), 3)
