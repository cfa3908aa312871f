"""5m to 1d buckets, anchored at the session's open."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from barlake.transforms.frames import require_columns
from barlake.transforms.vwap import hlc3

DAY = "1d"


def resample(bars: DataFrame, sessions: DataFrame, *, intervals: dict[str, int]) -> DataFrame:
    """Give the rows of gold.bars, `run_id` and `computed_at` left out.

    Args:
        bars: Rows of silver.bars_1m's regular segment; filled ones are left out here.
        sessions: Rows of ref.sessions.
        intervals: Name and minutes of each interval; "1d" is the session, however long.

    Returns:
        One row per ticker, interval and bucket with an observed bar. The last bucket of a session
        is `is_short` where the close cuts it.
    """
    require_columns(bars, "minute_of_session", "is_filled", "session_date", where="resample")
    kinds = F.array(
        *(F.struct(F.lit(k).alias("interval"), F.lit(n).alias("_n")) for k, n in intervals.items())
    )
    calendar = sessions.select("session_date", "open_utc", F.col("minutes").alias("_minutes"))
    bucket = F.floor(F.col("minute_of_session") / F.col("_n")).cast("int")
    rows = (
        bars.where(~F.col("is_filled"))
        .select("*", F.explode(kinds).alias("_kind"))
        .select("*", "_kind.*")
        .join(F.broadcast(calendar), "session_date", how="inner")
        .withColumn("_bucket", bucket)
    )
    in_bucket = Window.partitionBy("ticker", "session_date", "interval", "_bucket").orderBy("ts")
    return _buckets(rows.withColumn("_notional", F.sum(hlc3() * F.col("volume")).over(in_bucket)))


def _buckets(rows: DataFrame) -> DataFrame:
    start = F.col("_bucket") * F.col("_n")
    expected = F.least(F.col("_n"), F.col("_minutes") - start)
    keys = ["ticker", "session_date", "interval", "_bucket", "_n", "_minutes", "open_utc"]
    grouped = rows.groupBy(*keys).agg(
        F.min_by("open", "ts").alias("open"),
        F.max("high").alias("high"),
        F.min("low").alias("low"),
        F.max_by("close", "ts").alias("close"),
        F.sum("volume").alias("volume"),
        F.max_by("_notional", "ts").alias("_notional"),
        F.count("*").cast("int").alias("n_observed"),
    )
    return grouped.withColumns(
        {
            "ts": F.timestamp_add("MINUTE", start, F.col("open_utc")),
            "vwap": F.try_divide("_notional", F.col("volume").cast("double")),
            "n_expected": expected.cast("int"),
            "is_short": (expected < F.col("_n")) & (F.col("interval") != DAY),
            "session_month": F.date_format("session_date", "yyyy-MM"),
        }
    )
