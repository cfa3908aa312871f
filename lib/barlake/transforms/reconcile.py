"""Minutes held against the daily bar: what differs, by how much is usual, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.transforms.frames import PRICES, require_columns

MEASURES = (*PRICES, "volume")
PAIR = ("ticker", "session_date")
# Standard deviations in a median absolute deviation, were the differences normal.
SIGMAS = 1.4826
# What an explanation may leave of a difference.
LEFT = 0.25

CLOSING_CROSS, EARLY_CLOSE, AFTER_HOURS = "closing_cross", "early_close", "after_hours"
REVISION, UNEXPLAINED = "revision", "unexplained"
REASONS = {
    CLOSING_CROSS: "the daily bar counts the closing auction",
    EARLY_CLOSE: "the daily bar runs on to the usual close",
    AFTER_HOURS: "the daily bar counts trades before the open or after the close",
    REVISION: "a minute was corrected after the daily bar came",
    UNEXPLAINED: "nothing that the lake holds explains it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How far a minute value may be from the daily one, as shares of the daily one.

    Nearer than `floor` is no difference; beyond `ceiling` none is usual. `unknown` holds while the
    ticker's history is too short to tell.
    """

    floor: float
    ceiling: float
    unknown: float


def differences(days: DataFrame, daily: DataFrame) -> DataFrame:
    """Hold the sessions' bars against the daily ones.

    Args:
        days: One row per ticker and session, from observed regular minutes; prices null where there
            is none.
        daily: `daily.believed_days`.

    Returns:
        (ticker, session_date, fetched_at, measure, minute_value, daily_value, difference) for the
        tickers and sessions in both: `difference` is minute / daily - 1, null where a side is
        absent or only the daily value is 0.
    """
    require_columns(days, *PAIR, *MEASURES, where="differences")
    require_columns(daily, *PAIR, *MEASURES, "fetched_at", where="differences")
    told = daily.select(*PAIR, "fetched_at", *(F.col(m).alias(f"_{m}") for m in MEASURES))
    each = F.explode(
        F.array(
            *(
                F.struct(
                    F.lit(measure).alias("measure"),
                    F.col(measure).cast("double").alias("minute_value"),
                    F.col(f"_{measure}").cast("double").alias("daily_value"),
                )
                for measure in MEASURES
            )
        )
    )
    is_same = F.col("minute_value") == F.col("daily_value")
    ratio = F.try_divide("minute_value", "daily_value") - 1
    return (
        days.join(told, [*PAIR], how="inner")
        .select(*PAIR, "fetched_at", each.alias("_each"))
        .select(*PAIR, "fetched_at", "_each.*")
        .withColumn("difference", F.when(is_same, 0.0).otherwise(ratio))
    )


def with_tolerance(
    rows: DataFrame,
    *,
    price: Bounds,
    volume: Bounds,
    sessions_back: int,
    sessions_min: int,
    deviations: float,
) -> DataFrame:
    """Add what is usual for the ticker: `usual`, `tolerance`, `floor`; and `is_usual`.

    Of the ticker's last sessions held against daily bars before this one, the median absolute
    deviation of the differences gives the tolerance. A volume's may be around their median, since
    minutes mostly count fewer trades than the daily bar; a price's is around 0, so that a price in
    another share unit never becomes usual.

    Args:
        rows: `differences`, of the sessions wanted and of those before them.
        price: Of open, high, low, close.
        volume: Of volume.
        sessions_back: How many sessions before this one are looked at.
        sessions_min: How many must be there to tell what is usual.
        deviations: Standard deviations, as the median absolute deviation gives them, that are
            usual.
    """
    before = (
        Window.partitionBy("ticker", "measure")
        .orderBy("session_date")
        .rowsBetween(-sessions_back, -1)
    )
    is_volume = F.col("measure") == "volume"
    floor, ceiling, unknown = (
        F.when(is_volume, getattr(volume, name)).otherwise(getattr(price, name))
        for name in ("floor", "ceiling", "unknown")
    )
    is_known = F.size("_past") >= sessions_min
    spread = F.lit(deviations * SIGMAS) * F.col("_spread")
    known = F.least(ceiling, F.greatest(floor, spread))
    away = F.abs(F.col("difference") - F.col("usual"))
    return (
        rows.withColumn("_past", F.collect_list("difference").over(before))
        .withColumn("_median", _median(F.col("_past")))
        .withColumn(
            "_spread", _median(F.transform("_past", lambda past: F.abs(past - F.col("_median"))))
        )
        .withColumns(
            {
                "floor": floor,
                "usual": F.when(is_volume & is_known, F.col("_median")).otherwise(0.0),
                "tolerance": F.when(is_known, known).otherwise(unknown),
            }
        )
        .withColumn("is_usual", F.coalesce(away <= F.col("tolerance"), F.lit(False)))
        .drop("_past", "_median", "_spread")
    )


def with_reason(rows: DataFrame, around: DataFrame) -> DataFrame:
    """Add `reason` and `passed`.

    A reason is given where the values differ by more than the floor and the bars around the session
    prove it: the auction's price, a high that was reached after the close, the auction's shares.
    Such a difference is no fault of either side, and holds. So does one that is usual for the
    ticker, without a reason. What is left does not hold: one of the sides is old or wrong.

    Args:
        rows: `with_tolerance`, of the sessions wanted.
        around: `around.around`, of the same sessions.
    """
    joined = rows.join(around, [*PAIR], how="left")
    differs = F.coalesce(F.abs("difference") > F.col("floor"), F.lit(True))
    proven = F.when(
        differs,
        F.when(_told_by("auction"), CLOSING_CROSS)
        .when(_told_by("late"), EARLY_CLOSE)
        .when(_told_by("outside"), AFTER_HOURS),
    )
    is_stale = F.col("revised_at") > F.col("fetched_at")
    fault = F.when(is_stale, REVISION).otherwise(UNEXPLAINED)
    return joined.withColumn("passed", F.col("is_usual") | proven.isNotNull()).withColumn(
        "reason", F.coalesce(proven, F.when(~F.col("passed"), fault))
    )


def _told_by(part: str) -> Column:
    """Whether the daily value is what the bars of one part of the day add to the minutes."""
    daily, floor = F.col("daily_value"), F.col("floor")
    left = F.least(floor, F.abs("difference") * LEFT)

    def is_near(value: Column) -> Column:
        return F.abs(F.try_divide(value, daily) - 1) <= left

    top, bottom = (F.col(f"{part}_{name}") for name in ("high", "low"))
    is_first = is_near(F.col(f"{part}_first"))
    told: Mapping[str, Column] = {
        "open": is_first & F.lit(part == "outside"),
        "high": (daily > F.col("minute_value")) & (daily <= top * (1 + floor)),
        "low": (daily < F.col("minute_value")) & (daily >= bottom * (1 - floor)),
        "close": is_near(F.col(f"{part}_close")) | (is_first & F.lit(part == "auction")),
        "volume": is_near(F.col("minute_value") + F.col(f"{part}_volume")),
    }
    chosen = F.coalesce(*(F.when(F.col("measure") == name, held) for name, held in told.items()))
    return F.coalesce(chosen, F.lit(False))


def _median(values: Column) -> Column:
    """The median of an array; null where it is empty."""
    ordered, count = F.array_sort(values), F.size(values)
    low, high = (F.get(ordered, F.floor(at).cast("int")) for at in ((count - 1) / 2, count / 2))
    return F.when(count > 0, (low + high) / 2)
