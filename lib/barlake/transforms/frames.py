"""What several transforms need."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.model.errors import MissingColumnsError

PRICES = ("open", "high", "low", "close")


def require_columns(frame: DataFrame, *needed: str, where: str) -> None:
    """Refuse a frame that lacks a column, before any work is planned on it."""
    if missing := set(needed) - set(frame.columns):
        raise MissingColumnsError(where=where, missing=missing, present=frame.columns)


def denoised(price: str) -> Column:
    """Remove a vendor's float noise: 4 decimals below 1,000 dollars, 2 from there on.

    Half up on the shortest decimal form, so that 264.7749938964844 and 264.775 are one price.
    """
    value = F.col(price)
    return F.when(value < 1000, F.round(value, 4)).otherwise(F.round(value, 2))


def minutes(count: int) -> Column:
    """Give an interval of `count` minutes."""
    return F.make_dt_interval(mins=F.lit(count))


def bar_key(ts: Column) -> Column:
    """Spell `ticker` and an instant: TICKER@2026-11-20T14:30:00Z, a ? for what is not known."""
    spelled = F.date_format(ts, "yyyy-MM-dd'T'HH:mm:ss'Z'")
    ticker = F.nullif("ticker", F.lit(""))
    return F.concat_ws("@", F.coalesce(ticker, F.lit("?")), F.coalesce(spelled, F.lit("?")))
