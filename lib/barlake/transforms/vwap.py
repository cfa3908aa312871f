"""One running VWAP, for batch and stream."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.transforms.frames import require_columns


def hlc3() -> Column:
    """Give a bar's typical price, the mean of high, low and close."""
    return (F.col("high") + F.col("low") + F.col("close")) / 3


def running_vwap(bars: DataFrame) -> DataFrame:
    """Add `cum_volume` (shares) and `vwap` (dollars), running over each ticker's session.

    `vwap` is sum(hlc3 v) / sum(v), null until a share has traded. The sums run in order of `ts`, so
    that the same bars give the same bits.
    """
    require_columns(bars, "ticker", "session_date", "ts", "volume", where="running_vwap")
    so_far = Window.partitionBy("ticker", "session_date").orderBy("ts")
    notional = F.sum(hlc3() * F.col("volume")).over(so_far)
    return bars.withColumns(
        {"cum_volume": F.sum("volume").over(so_far), "_notional": notional}
    ).select(
        *bars.columns,
        "cum_volume",
        F.try_divide("_notional", F.col("cum_volume").cast("double")).alias("vwap"),
    )
