"""Many days of bars, made by Spark itself, and what the store was asked for meanwhile."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from barlake.model import silver
from barlake.model.table import Column as Declared

FIRST = date(2025, 1, 1)
SEEN = "2026-01-01T00:00:00Z"
_FIXED = {"BOOLEAN": "false", "STRING": "regular", "TIMESTAMP": SEEN}


def bars(
    spark: SparkSession,
    days: Sequence[date],
    *,
    tickers: int,
    minutes: int,
    price: float = 100.0,
) -> DataFrame:
    """Give rows of silver.bars_1m: so many tickers and minutes of each day, in order."""
    count = tickers * minutes
    whole = spark.range(count * len(days))
    places = [F.lit(day) for day in days]
    index = (F.col("id") / count).cast("int")
    ticker = F.format_string("T%03d", (F.col("id") % count / minutes).cast("int"))
    minute = F.col("id") % minutes
    day = F.element_at(F.array(*places), index + 1)
    opened = F.unix_timestamp(day.cast("timestamp")) + 15 * 3600
    told = {
        "ticker": ticker,
        "session_date": day,
        "ts": F.timestamp_seconds(opened + minute * 60),
        "minute_of_session": minute.cast("smallint"),
    }
    prices = F.round(F.lit(price) + minute % 7 * 0.1, 4)
    return whole.select(
        *(_value(c, told, prices).alias(c.name) for c in silver.BARS_1M.columns)
    ).orderBy("session_date", "ticker", "ts")


def run_of(count: int) -> list[date]:
    """Give so many days in a row."""
    return [FIRST + timedelta(days=number) for number in range(count)]


def now() -> datetime:
    """Give a clock for a lake."""
    return datetime(2026, 11, 21, tzinfo=UTC)


def _value(column: Declared, told: dict[str, Column], price: Column) -> Column:
    if column.name in told:
        return told[column.name]
    if column.name in ("open", "high", "low", "close"):
        return price
    if column.type.startswith("ARRAY"):
        return F.array().cast(column.type)
    return F.lit(_FIXED.get(column.type, "1")).cast(column.type)
