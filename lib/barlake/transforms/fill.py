"""The session's grid: what every minute of every ticker is."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.transforms.frames import PRICES, require_columns

OBSERVED, FILLED = "observed", "filled"
BEFORE_FIRST, AFTER_LAST, EXTENDED = "before_first", "after_last", "extended"


def grid(pairs: DataFrame) -> DataFrame:
    """Give a row for each regular minute of each ticker and session.

    Takes `pairs` with ticker, session_date, open_utc, session_minutes and whatever else belongs to
    the pair; adds `minute_of_session` (SMALLINT) and `ts` (UTC).
    """
    every = F.explode(F.sequence(F.lit(0), F.col("session_minutes") - 1))
    return (
        pairs.withColumn("_minute", every)
        .withColumn("ts", F.timestamp_add("MINUTE", F.col("_minute"), F.col("open_utc")))
        .withColumn("minute_of_session", F.col("_minute").cast("smallint"))
        .drop("_minute")
    )


def with_states(minutes: DataFrame, regular: DataFrame) -> DataFrame:
    """Add what each minute of the grid is, and fill the ones that are missing.

    A minute is filled (O = H = L = C = previous close, volume 0) from the session's first observed
    bar to its last minute where the close was covered, else to the last observed bar.

    Args:
        minutes: `grid` of pairs that carry `is_covered`.
        regular: Believed bars of the regular segment.

    Returns:
        `minutes` with the bar's columns and `state`: observed, filled, before_first or after_last
        (the bar's columns are null in the last two); `fill_age` (minutes since the last observed
        bar).
    """
    require_columns(minutes, "is_covered", "session_minutes", "ts", where="with_states")
    session = Window.partitionBy("ticker", "session_date")
    so_far = session.orderBy("minute_of_session")
    bars = regular.drop("session_date", "open_utc", "close_utc", "session_minutes", "in_session")
    seen = F.when(F.col("close").isNotNull(), F.col("minute_of_session"))
    joined = minutes.join(bars, ["ticker", "ts"], how="left").withColumn("_seen", seen)
    spans = joined.withColumns(
        {
            "_first": F.min("_seen").over(session),
            "_last": F.max("_seen").over(session),
            "_age": F.col("minute_of_session") - F.last("_seen", ignorenulls=True).over(so_far),
            "_close": F.last("close", ignorenulls=True).over(so_far),
            "_source": F.last("source", ignorenulls=True).over(so_far),
        }
    )
    return _filled(spans.withColumn("state", _state())).drop(
        "_seen", "_first", "_last", "_age", "_close", "_source"
    )


def _state() -> Column:
    minute, first = F.col("minute_of_session"), F.col("_first")
    end = F.when(F.col("is_covered"), F.col("session_minutes") - 1).otherwise(F.col("_last"))
    return (
        F.when(F.col("_seen").isNotNull(), OBSERVED)
        .when(first.isNull() | (minute < first), BEFORE_FIRST)
        .when(minute <= end, FILLED)
        .otherwise(AFTER_LAST)
    )


def _filled(rows: DataFrame) -> DataFrame:
    is_filled = F.col("state") == FILLED
    carried = {p: F.when(is_filled, F.col("_close")).otherwise(F.col(p)) for p in PRICES}
    zero = F.when(is_filled, F.lit(0).cast("bigint"))
    return rows.withColumns(
        carried
        | {
            "volume": F.coalesce(zero, "volume"),
            "source": F.when(is_filled, F.col("_source")).otherwise(F.col("source")),
            "revision": F.when(is_filled, F.lit(0)).otherwise(F.col("revision")),
            "is_filled": is_filled,
            "fill_age": F.when(is_filled, F.col("_age")).otherwise(F.lit(0)).cast("smallint"),
            "segment": F.lit("regular"),
            "flags": F.coalesce("flags", F.array().cast("array<string>")),
        }
    )
