"""Served daily bars -> one bar per ticker and session, as traded."""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.model.rules import DAILY_RULES, DAY, whole
from barlake.transforms.frames import PRICES, denoised, minutes
from barlake.transforms.release import with_releases
from barlake.transforms.served import typed
from barlake.transforms.validity import with_repeats, with_rule


def judged(rows: DataFrame, sessions: DataFrame, *, known_at: datetime, zone: str) -> DataFrame:
    """Give served daily bars their types, their session and the rule that each breaks.

    Args:
        rows: Rows of landing files of daily bars, with `is_asked`; `ts_text` is a date, or an
            instant, which means the exchange-local date that it falls on.
        sessions: Rows of ref.sessions.
        known_at: The run's clock, UTC.
        zone: The exchange's time zone.

    Returns:
        `rows` with `session_date`, `ts` (UTC: the session's open), `close_utc`, `rule` (null for a
        good bar), `is_duplicate` and `fate`, which is `quarantined` for a refused bar.
    """
    typed_rows = typed(rows, known_at=known_at)
    text = F.col("ts_text")
    dated = F.when(text.rlike(whole(DAY)), text.try_cast("date"))
    local = F.to_date(F.from_utc_timestamp("ts", zone))
    days = sessions.select("session_date", "open_utc", "close_utc")
    placed = (
        typed_rows.withColumn("session_date", F.coalesce(local, dated))
        .join(F.broadcast(days), "session_date", how="left")
        .withColumn("in_session", F.col("open_utc").isNotNull())
        .withColumn("ts", F.coalesce("open_utc", F.col("session_date").cast("timestamp")))
    )
    # A daily bar that was refused is not released: it enters no table.
    told = with_repeats(with_rule(with_releases(placed, None), DAILY_RULES)).drop(
        "known_at", "is_asked", "in_session", "is_let_in"
    )
    return told.withColumn("fate", F.when(F.col("rule").isNotNull(), "quarantined"))


def believed_days(known: DataFrame, splits: DataFrame, *, zone: str, settle: int) -> DataFrame:
    """Keep, of each ticker and session, the daily bar that came last, as traded.

    A bar received before its session was final is one in progress, and left out. Where a split lies
    between the session and the delivery, a vendor serves the bar in the new share unit: prices and
    volume are brought back to the unit in which the session traded.

    Args:
        known: `judged`.
        splits: Rows of ref.actions of kind split.
        zone: The exchange's time zone.
        settle: Minutes after the close until the session is final.

    Returns:
        (ticker, session_date, open, high, low, close, volume, fetched_at), one row per ticker and
        session.
    """
    is_final = F.col("fetched_at") >= F.col("close_utc") + minutes(settle)
    good = known.where(F.col("rule").isNull() & ~F.col("is_duplicate") & is_final)
    newest = Window.partitionBy("ticker", "session_date").orderBy(
        F.desc("fetched_at"), F.desc("request_id"), F.desc("row")
    )
    last = good.withColumn("_rank", F.row_number().over(newest)).where(F.col("_rank") == 1)
    told = splits.groupBy("ticker").agg(
        F.collect_list(F.struct("ex_date", "value")).alias("_splits")
    )
    factor = _factor(F.to_date(F.from_utc_timestamp("fetched_at", zone)))
    unit = last.join(F.broadcast(told), "ticker", how="left").withColumn("_factor", factor)
    is_converted = F.col("_factor") != 1.0
    return unit.select(
        "ticker",
        "session_date",
        *(
            F.when(is_converted, F.col(p) * F.col("_factor")).otherwise(F.col(p)).alias(p)
            for p in PRICES
        ),
        F.round(F.col("volume") / F.col("_factor")).cast("bigint").alias("volume"),
        "fetched_at",
    ).withColumns({p: denoised(p) for p in PRICES})


def _factor(fetched_on: Column) -> Column:
    """New shares that an old one became between the session and the delivery."""
    between = F.filter(
        F.coalesce("_splits", F.array()),
        lambda s: (s["ex_date"] > F.col("session_date")) & (s["ex_date"] <= fetched_on),
    )
    return F.aggregate(between, F.lit(1.0), lambda total, s: total * s["value"])
