"""Trailing windows over a session's grid."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from barlake.transforms.averages import with_averages
from barlake.transforms.frames import require_columns
from barlake.transforms.lookback import with_gap, with_relative_volume
from barlake.transforms.vwap import running_vwap


def features(grid: DataFrame, context: DataFrame) -> DataFrame:
    """Give the rows of gold.features_1m, `run_id` and `computed_at` left out.

    Windows count rows, which on a complete grid are minutes; they start at each session's first
    row and look only backward.

    Args:
        grid: Rows of silver.bars_1m's regular segment, whole sessions.
        context: Per ticker and session of `grid`: what earlier sessions say (`lookback.context`).
    """
    rows = with_trailing(with_averages(running_vwap(with_returns(grid))))
    known = with_gap(with_relative_volume(rows, context), context)
    return known.withColumns(
        {
            "vwap_dist": F.try_divide(F.col("close"), F.col("vwap")) - 1,
            "session_month": F.date_format("session_date", "yyyy-MM"),
        }
    )


def with_returns(grid: DataFrame) -> DataFrame:
    """Add `previous` (the close one minute before), and returns over 1, 5 and 15 minutes."""
    require_columns(grid, "ticker", "session_date", "ts", "close", where="with_returns")
    session = _session()

    def earlier(minutes: int) -> Column:
        return F.lag("close", minutes).over(session)

    close = F.col("close")
    simple = {f"ret_{n}m": close / earlier(n) - 1 for n in (1, 5)}
    logarithmic = {f"log_ret_{n}m": F.log(close / earlier(n)) for n in (1, 5, 15)}
    return grid.withColumns({"previous": earlier(1), **simple, **logarithmic})


def with_trailing(grid: DataFrame) -> DataFrame:
    """Add the windows of 15 to 60 minutes; each is null until it is full.

    Source of rv_30:
        Andersen, Bollerslev, Diebold and Labys (2003), "Modeling and Forecasting Realized
        Volatility", Econometrica 71(2), section 2.
    """
    require_columns(grid, "high", "low", "volume", "log_ret_1m", "is_filled", where="with_trailing")
    minute = F.row_number().over(_session())
    volume = F.col("volume").cast("double")
    square = F.col("log_ret_1m") * F.col("log_ret_1m")
    spread = F.stddev_samp(volume).over(_last(60))
    is_even = F.min("volume").over(_last(60)) == F.max("volume").over(_last(60))
    z = F.when(~is_even, (volume - F.avg(volume).over(_last(60))) / spread)
    return grid.withColumns(
        {
            "sma_20": _when_full(minute, 20, F.avg("close").over(_last(20))),
            "std_20": _when_full(minute, 20, F.stddev_samp("close").over(_last(20))),
            "rv_30": _when_full(minute, 31, F.sqrt(F.sum(square).over(_last(30)))),
            "high_30": _when_full(minute, 30, F.max("high").over(_last(30))),
            "low_30": _when_full(minute, 30, F.min("low").over(_last(30))),
            "volume_sum_15": _when_full(minute, 15, F.sum("volume").over(_last(15))),
            "volume_z_60": _when_full(minute, 60, z),
            "n_filled_60": F.sum(F.col("is_filled").cast("int")).over(_last(60)).cast("int"),
            "input_revision": F.max("revision").over(_session()),
        }
    )


def _session() -> WindowSpec:
    return Window.partitionBy("ticker", "session_date").orderBy("ts")


def _last(minutes: int) -> WindowSpec:
    return _session().rowsBetween(-(minutes - 1), Window.currentRow)


def _when_full(minute: Column, needed: int, value: Column) -> Column:
    return F.when(minute >= needed, value)
