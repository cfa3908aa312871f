"""What earlier sessions say of a session: usual volume, prior close."""

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.transforms.frames import require_columns

SESSIONS_BACK = 20
SESSIONS_MIN = 5
MINUTES_MAX = 390


def shapes(bars: DataFrame) -> DataFrame:
    """Give one row per ticker and session held.

    Takes rows of silver.bars_1m's regular segment; gives `cum_volumes` (ARRAY<BIGINT>, shares
    traded through each of 390 minutes: 0 before the first bar, the last value after an early
    close), `first_open` and `last_close` (dollars).
    """
    require_columns(bars, "minute_of_session", "volume", "open", "close", where="shapes")
    minute = F.col("minute_of_session").cast("int")
    so_far = Window.partitionBy("ticker", "session_date").orderBy("minute_of_session")
    rows = bars.withColumn("_cum", F.sum("volume").over(so_far))
    held = rows.groupBy("ticker", "session_date").agg(
        F.min(minute).alias("_first"),
        F.array_sort(F.collect_list(F.struct("minute_of_session", "_cum"))).alias("_cums"),
        F.min_by("open", "minute_of_session").alias("first_open"),
        F.max_by("close", "minute_of_session").alias("last_close"),
    )
    known = F.transform("_cums", lambda entry: entry["_cum"])
    before = F.array_repeat(F.lit(0).cast("bigint"), F.col("_first"))
    after = F.array_repeat(
        F.element_at(known, -1), F.lit(MINUTES_MAX) - F.col("_first") - F.size("_cums")
    )
    return held.select(
        "ticker",
        "session_date",
        F.concat(before, known, after).alias("cum_volumes"),
        "first_open",
        "last_close",
    )


def context(held: DataFrame, sessions: DataFrame, targets: list[date]) -> DataFrame:
    """Give what each target session of each ticker needs of the sessions before it.

    Args:
        held: `shapes` of the targets and of all that their look-back may hold.
        sessions: Rows of ref.sessions, which tell the previous session.
        targets: Session dates that are computed.

    Returns:
        ticker, session_date, `usual` (ARRAY of arrays: `cum_volumes` of the last 20 sessions held
        before it), `gap_from_prior_close` (null where the previous session is not held).
    """
    before = Window.partitionBy("ticker").orderBy("session_date").rowsBetween(-SESSIONS_BACK, -1)
    previous = sessions.select(
        "session_date",
        F.lag("session_date").over(Window.orderBy("session_date")).alias("_previous"),
    ).where(F.col("session_date").isin(targets))
    closes = held.select("ticker", F.col("session_date").alias("_previous"), "last_close")
    return (
        held.withColumn("usual", F.collect_list("cum_volumes").over(before))
        .drop("last_close", "cum_volumes")
        .join(F.broadcast(previous), "session_date", how="inner")
        .join(closes, ["ticker", "_previous"], how="left")
        .withColumn("gap_from_prior_close", F.col("first_open") / F.col("last_close") - 1)
        .select("ticker", "session_date", "usual", "gap_from_prior_close")
    )


def with_relative_volume(rows: DataFrame, known: DataFrame) -> DataFrame:
    """Add `rel_volume_20d`: cumulative volume over its median at the same minute before.

    Null under 5 sessions, and where the median is 0.
    """
    medians = known.select(
        "ticker", "session_date", F.posexplode(_medians()).alias("_minute", "_usual")
    ).withColumn("minute_of_session", F.col("_minute").cast("smallint"))
    keys = ["ticker", "session_date", "minute_of_session"]
    relative = F.when(F.col("_usual") > 0, F.col("cum_volume").cast("double") / F.col("_usual"))
    return (
        rows.join(medians, keys, how="left")
        .withColumn("rel_volume_20d", relative)
        .drop("_minute", "_usual")
    )


def with_gap(rows: DataFrame, known: DataFrame) -> DataFrame:
    """Add `gap_from_prior_close`, the same on every row of a session."""
    gaps = known.select("ticker", "session_date", "gap_from_prior_close")
    return rows.join(F.broadcast(gaps), ["ticker", "session_date"], how="left")


def _medians() -> Column:
    count = F.size("usual")
    each_minute = F.sequence(F.lit(0), F.lit(MINUTES_MAX - 1))

    def median(minute: Column) -> Column:
        values = F.array_sort(F.transform("usual", lambda day: F.get(day, minute)))
        low = F.get(values, F.floor((count - 1) / 2).cast("int"))
        high = F.get(values, F.floor(count / 2).cast("int"))
        return F.when(count >= SESSIONS_MIN, (low + high).cast("double") / 2)

    return F.transform(each_minute, median)
