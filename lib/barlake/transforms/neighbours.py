"""What the sessions beside it say of a session's facts: jumps, share units, usual volume."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.transforms.frames import require_columns
from barlake.transforms.lookback import SESSIONS_BACK

OF_NEIGHBOURS = ("jump_share", "jump_factor", "unit_returns", "volume_factor")
# Two prices are in one unit up to what the market may do meanwhile.
NEAR = 1.2


def with_neighbours(
    facts: DataFrame,
    held: DataFrame,
    splits: DataFrame,
    *,
    unit_ratio: float,
    history_min: int,
) -> DataFrame:
    """Add OF_NEIGHBOURS: what a ticker's sessions before this one say of it; null without any.

    A price before a split is divided by it first: `splits` explain a ratio, all else is a jump.

    Args:
        facts: `facts.session_facts`.
        held: Sessions that are published: ticker, session_date, `first_open`, `last_close`,
            `volume`; those that `facts` tell as well count as `facts` say.
        splits: `ticker`, `ex_date`, `value` (new shares per old one).
        unit_ratio: The smallest ratio, or its inverse, that may be another share unit.
        history_min: Sessions that must be held to tell a usual volume.

    Returns:
        `facts` with `jump_share` (first open against the last close of the session held before,
        as a share of it), `jump_factor` (the same as a ratio of at least 1), `unit_returns` (1
        where the jump takes back the one before it, both `unit_ratio` or more), `volume_factor`
        (volume against the median of the last 20 sessions, as a ratio of at least 1).
    """
    require_columns(facts, "first_open", "last_close", "volume", where="with_neighbours")
    told = ["ticker", "session_date", "first_open", "last_close", "volume"]
    mine = facts.where(F.col("first_open").isNotNull()).select(*told, F.lit(True).alias("_mine"))
    others = held.select(*told, F.lit(False).alias("_mine")).join(
        mine.select("ticker", "session_date"), ["ticker", "session_date"], how="left_anti"
    )
    in_order = Window.partitionBy("ticker").orderBy("session_date")
    back = in_order.rowsBetween(-SESSIONS_BACK, -1)
    jumps = _with_splits(mine.unionByName(others), splits).withColumns(
        {
            "_ratio": F.try_divide("first_open", F.lag("last_close").over(in_order))
            * _split_since(F.lag("session_date").over(in_order)),
            "_usual": F.collect_list("volume").over(back),
        }
    )
    known = jumps.withColumn("_before", F.lag("_ratio").over(in_order)).where("_mine")
    return facts.join(
        known.select(
            "ticker",
            "session_date",
            F.abs(F.col("_ratio") - 1).alias("jump_share"),
            _factor(F.col("_ratio")).alias("jump_factor"),
            _returns(unit_ratio).cast("double").alias("unit_returns"),
            _volume_factor(history_min).alias("volume_factor"),
        ),
        ["ticker", "session_date"],
        how="left",
    )


def _with_splits(sessions: DataFrame, splits: DataFrame) -> DataFrame:
    per_ticker = splits.groupBy("ticker").agg(
        F.collect_list(F.struct("ex_date", "value")).alias("_splits")
    )
    return sessions.join(F.broadcast(per_ticker), "ticker", how="left")


def _split_since(previous: Column) -> Column:
    between = F.filter(
        F.coalesce("_splits", F.array()),
        lambda s: (s["ex_date"] > previous) & (s["ex_date"] <= F.col("session_date")),
    )
    return F.aggregate(between, F.lit(1.0), lambda total, s: total * s["value"])


def _factor(ratio: Column) -> Column:
    return F.greatest(ratio, F.try_divide(F.lit(1.0), ratio))


def _returns(unit_ratio: float) -> Column:
    now, before = F.col("_ratio"), F.col("_before")
    are_far = (_factor(now) >= unit_ratio) & (_factor(before) >= unit_ratio)
    return are_far & (_factor(now * before) <= NEAR)


def _volume_factor(history_min: int) -> Column:
    values, count = F.array_sort("_usual"), F.size("_usual")
    low = F.get(values, F.floor((count - 1) / 2).cast("int"))
    high = F.get(values, F.floor(count / 2).cast("int"))
    median = (low + high).cast("double") / 2
    traded = F.greatest(F.col("volume"), F.lit(1)).cast("double")
    is_usual = (count >= history_min) & (median > 0)
    return F.when(is_usual, _factor(F.try_divide(traded, median)))
