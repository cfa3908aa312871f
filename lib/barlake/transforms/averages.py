"""EMA, RSI, ATR: recursive means in plain Spark SQL."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from barlake.transforms.frames import require_columns


def recursive_mean(value: Column, *, weight: float, start: int, session: WindowSpec) -> Column:
    """Give s[start] = x[start], s = s[-1] + weight (x - s[-1]), over a session in order.

    Written out, s[i] = d^k (x[start] + sum of weight d^-j x[start + j]) with d = 1 - weight and
    k = i - start: one running sum, whose terms have one sign where x has, so that nothing cancels.
    d^-389 is below 1e29 for the weights used here.

    Args:
        value: What is averaged; finite and not null from row `start` on.
        weight: Of the newest value, between 0 and 1.
        start: The first row of the session that counts, from 0; null before it.
        session: Partitioned by ticker and session, ordered by time.
    """
    steps = F.row_number().over(session) - 1 - start
    term = F.when(steps == 0, value).otherwise(value * weight) * F.pow(F.lit(1 - weight), -steps)
    running = F.sum(F.when(steps >= 0, term)).over(session)
    return F.when(steps >= 0, running * F.pow(F.lit(1 - weight), steps))


def with_averages(grid: DataFrame) -> DataFrame:
    """Add `ema_12`, `ema_26`, `rsi_14` and `atr_14`, each started anew at every session.

    Args:
        grid: One row per ticker and regular minute, with `high`, `low`, `close` (dollars) and
            `previous` (the close one minute before, null on a session's first row).

    Returns:
        `grid` with four more columns. `rsi_14` is null for the first 14 minutes and 100 where the
        smoothed loss is 0; the others are never null.

    Source:
        Wilder (1978), "New Concepts in Technical Trading Systems", chapters 3 and 6.
    """
    require_columns(grid, "high", "low", "close", "previous", where="with_averages")
    session = Window.partitionBy("ticker", "session_date").orderBy("ts")
    step = F.col("close") - F.col("previous")
    gain, loss = (
        recursive_mean(F.greatest(move, F.lit(0.0)), weight=1 / 14, start=1, session=session)
        for move in (step, -step)
    )
    emas = {
        f"ema_{n}": recursive_mean(F.col("close"), weight=2 / (n + 1), start=0, session=session)
        for n in (12, 26)
    }
    atr = recursive_mean(_true_range(), weight=1 / 14, start=0, session=session)
    is_warm = F.row_number().over(session) > 14
    rows = grid.withColumns({**emas, "atr_14": atr, "_gain": gain, "_loss": loss, "_warm": is_warm})
    strength = F.try_divide("_gain", "_loss")
    rsi = F.when(F.col("_loss") == 0, F.lit(100.0)).otherwise(100 - 100 / (1 + strength))
    return rows.withColumn("rsi_14", F.when(F.col("_warm"), rsi)).drop("_gain", "_loss", "_warm")


def _true_range() -> Column:
    return F.greatest(
        F.col("high") - F.col("low"),
        F.abs(F.col("high") - F.col("previous")),
        F.abs(F.col("low") - F.col("previous")),
    )
