"""What traded around a session's regular minutes: the auction, the hours before and after."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.transforms.frames import minutes, require_columns


def around(bars: DataFrame, sessions: DataFrame, *, usual_minutes: int) -> DataFrame:
    """Give, per ticker and session, what a daily bar may count that regular minutes do not.

    Args:
        bars: Rows of silver.bars_1m of some sessions, every segment; filled ones count for nothing.
        sessions: Rows of ref.sessions.
        usual_minutes: Of a session that does not close early.

    Returns:
        One row per ticker and session: `revised_at` (UTC: when the last of its bars was corrected;
        null where none was); for each part of the day (`auction`: the bar at the close; `late`:
        after an early close, until the usual one; `outside`: before the open and after the close)
        `<part>_first` (its first price), `_high`, `_low`, `_close` and
        `_volume` (shares, the auction's among those of `late` and `outside`); null where the part
        has no bar. `open_ts`, `high_ts`, `low_ts`, `close_ts`: the regular minutes that made these
        prices.
    """
    require_columns(bars, "segment", "is_filled", "revision", "last_changed_at", where="around")
    days = sessions.select("session_date", "open_utc")
    usual_close = F.col("open_utc") + minutes(usual_minutes)
    is_auction = F.col("segment") == "close_auction"
    is_after = F.col("segment") == "post"
    parts = {
        "auction": (is_auction, is_auction),
        "late": (is_after & (F.col("ts") < usual_close), is_auction),
        "outside": (is_after | (F.col("segment") == "pre"), is_auction),
    }
    measured = {
        name: column
        for part, (mine, also_counted) in parts.items()
        for name, column in _measured(part, mine, also_counted).items()
    }
    seen = bars.where(~F.col("is_filled")).join(F.broadcast(days), "session_date", how="inner")
    revised = F.when(F.col("revision") > 0, F.col("last_changed_at"))
    return seen.groupBy("ticker", "session_date").agg(
        F.max(revised).alias("revised_at"),
        *(column.alias(name) for name, column in (measured | _keys()).items()),
    )


def _measured(part: str, mine: Column, also_counted: Column) -> dict[str, Column]:
    def only(name: str) -> Column:
        return F.when(mine, F.col(name))

    return {
        f"{part}_first": F.min_by("open", only("ts")),
        f"{part}_high": F.max(only("high")),
        f"{part}_low": F.min(only("low")),
        f"{part}_close": F.max_by("close", only("ts")),
        f"{part}_volume": F.sum(F.when(mine | also_counted, F.col("volume"))),
    }


def _keys() -> dict[str, Column]:
    def regular(name: str) -> Column:
        return F.when(F.col("segment") == "regular", F.col(name))

    return {
        "open_ts": F.min(regular("ts")),
        "high_ts": F.max_by("ts", regular("high")),
        "low_ts": F.min_by("ts", regular("low")),
        "close_ts": F.max(regular("ts")),
    }
