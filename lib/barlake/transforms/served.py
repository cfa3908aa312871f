"""Served texts -> typed bars, each with its session."""

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.calendar import POST_HOUR, PRE_HOUR
from barlake.model.landed import TEXTS
from barlake.model.rules import INSTANT, NUMBER, whole
from barlake.transforms.frames import PRICES, denoised, require_columns


def typed(rows: DataFrame, *, known_at: datetime) -> DataFrame:
    """Add what the texts of served rows mean; null where they mean nothing.

    Args:
        rows: Rows of landing files (`model.landed.SERVED`), with `is_asked`.
        known_at: The run's clock, UTC: no row can be known later.

    Returns:
        `rows`, with `ts` (UTC), `fetched_at` (UTC; the row's own where it brings one), `open`,
        `high`, `low`, `close` (dollars, without noise), `open_served` ... `close_served` (as the
        text has them), `volume` (DOUBLE that is whole: exact as far as the
        gate lets it pass), `known_at`.
    """
    require_columns(rows, "ts_text", "fetched_at_text", "ticker", where="typed")
    texts = {f"{name}_text": F.trim(f"{name}_text") for name in TEXTS}
    own = F.trim(F.coalesce("fetched_at_text", F.lit("")))
    served = {f"{p}_served": _number(f"{p}_text", "double") for p in PRICES}
    return (
        rows.withColumns(texts | {"ts_text": F.trim("ts_text")})
        .withColumns(served | {"ts": instant("ts_text"), "volume": _whole("volume_text")})
        .withColumn("fetched_at", F.when(own == "", F.col("fetched_at")).otherwise(_instant(own)))
        .withColumns({p: denoised(f"{p}_served") for p in PRICES})
        .withColumn("known_at", F.lit(known_at))
    )


def with_session(bars: DataFrame, sessions: DataFrame, *, zone: str) -> DataFrame:
    """Add the session that each bar's minute belongs to.

    Args:
        bars: Anything with `ts`, UTC.
        sessions: Rows of ref.sessions.
        zone: The exchange's time zone.

    Returns:
        `bars` with `session_date` (the exchange-local date of `ts` where no session holds it, null
        where `ts` is null), `open_utc`, `close_utc`, `session_minutes` (all null on days without a
        session), `in_session` (the minute is in [04:00, 20:00) exchange time of a session's day).
    """
    first, last = (
        F.to_utc_timestamp(F.timestamp_add("HOUR", F.lit(hour), _midnight()), zone)
        for hour in (PRE_HOUR, POST_HOUR)
    )
    days = sessions.select(
        "session_date",
        "open_utc",
        "close_utc",
        F.col("minutes").alias("session_minutes"),
        first.alias("_first"),
        last.alias("_last"),
    )
    is_inside = (F.col("ts") >= F.col("_first")) & (F.col("ts") < F.col("_last"))
    return (
        bars.withColumn("session_date", F.to_date(F.from_utc_timestamp("ts", zone)))
        .join(F.broadcast(days), "session_date", how="left")
        .withColumn("in_session", F.coalesce(is_inside, F.lit(False)))
        .drop("_first", "_last")
    )


def segment() -> Column:
    """Name the part of the day that a bar inside a session belongs to."""
    return (
        F.when(F.col("ts") < F.col("open_utc"), "pre")
        .when(F.col("ts") < F.col("close_utc"), "regular")
        .when(F.col("ts") == F.col("close_utc"), "close_auction")
        .otherwise("post")
    )


def instant(text: str) -> Column:
    """Read an ISO 8601 instant with an offset; null where the text is none."""
    return _instant(F.trim(F.col(text)))


def _instant(text: Column) -> Column:
    with_seconds = F.regexp_replace(text, r"^(.{10}[T ]\d\d:\d\d)(?!:)", "$1:00")
    return F.when(text.rlike(whole(INSTANT)), with_seconds.try_cast("timestamp"))


def _number(text: str, kind: str) -> Column:
    return F.when(F.col(text).rlike(whole(NUMBER)), F.col(text).try_cast(kind))


def _whole(text: str) -> Column:
    amount = _number(text, "double")
    return F.when(amount == F.rint(amount), amount)


def _midnight() -> Column:
    return F.col("session_date").cast("timestamp")
