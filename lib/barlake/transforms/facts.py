"""What is staged -> one row of facts for each ticker and session: what the quality gate judges.

Each fact is a number that grows with what is wrong; null where it says nothing of the session.
"""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.model.structure import CONDITIONS
from barlake.transforms.fill import EXTENDED, FILLED, OBSERVED
from barlake.transforms.frames import minutes, require_columns

SESSION = ("ticker", "session_date")
STRUCTURE = tuple(condition.name for condition in CONDITIONS)
OF_SESSION = (
    "beyond_calendar",
    "mixed_minutes",
    "bar_ratio",
    "missing_share",
    "filled_share",
    "is_empty",
    "stale_minutes",
    "zero_volume_share",
)
# The minutes, UTC, that show best what a fact says.
MOMENTS = (
    "first_ts",
    "last_ts",
    "widest_ts",
    "rare_unit_ts",
    "missing_ts",
    "filled_ts",
    "silent_ts",
    "vendor_ts",
    "open_utc",
)


def marked(states: DataFrame, *, zone: str, unit_ratio: float) -> DataFrame:
    """Add to each staged row what its neighbours in the session and the calendar say of it.

    Args:
        states: `states.states`; rows that are not published (before_first, after_last) may stand
            for a ticker and session without a bar.
        zone: The exchange's time zone.
        unit_ratio: Two neighbouring observed closes in this ratio may be in two share units.

    Returns:
        `states` with `is_published`; `is_observed` (a regular bar that a vendor gave);
        `is_repeated`, `is_backwards`, `is_placed` (see `model.structure`); `unit` (how often the
        price has changed its unit so far: +1 up, -1 down); `moment` (UTC: when it comes in order).
    """
    require_columns(states, "state", "session_minutes", "open_utc", where="marked")
    ordered = Window.partitionBy(*SESSION).orderBy("ts", "minute_of_session")
    before = ordered.rowsBetween(Window.unboundedPreceding, -1)
    seen = F.when(F.col("is_observed"), F.col("close"))
    ratio = F.try_divide(seen, F.last(seen, ignorenulls=True).over(before))
    step = F.when(ratio >= unit_ratio, 1).when(ratio <= 1 / unit_ratio, -1).otherwise(0)
    earlier = F.last("minute_of_session", ignorenulls=True).over(before)
    return (
        states.withColumns(
            {
                "is_published": F.col("state").isin(OBSERVED, FILLED, EXTENDED),
                "is_observed": F.col("state") == OBSERVED,
            }
        )
        .withColumns(
            {
                "is_repeated": F.coalesce(F.lag("ts").over(ordered) == F.col("ts"), F.lit(False)),
                "is_backwards": F.coalesce(F.col("minute_of_session") <= earlier, F.lit(False)),
                "is_placed": _is_placed(zone),
                "_step": step,
            }
        )
        .withColumn("unit", F.sum("_step").over(ordered))
    )


def session_facts(rows: DataFrame, *, now: datetime, settle_minutes: int) -> DataFrame:
    """Give one row per ticker and session of `marked` rows.

    A session is over when `settle_minutes` have passed since its close; before that nothing is
    missing yet.

    Returns:
        ticker, session_date; STRUCTURE: how many published rows break each condition; OF_SESSION:
        `beyond_calendar` (regular minutes above the calendar's), `mixed_minutes` (observed minutes
        in the rarer of two units, where the price changes to and fro), `bar_ratio` (largest high
        over low), `missing_share` (of the calendar's minutes, neither observed nor filled),
        `filled_share` (of both), `is_empty` (1 where nothing is observed), `stale_minutes` (from
        the last observed minute's end to the close or to now; vendors alone), `zero_volume_share`;
        and `volume` (shares), `first_open`, `last_close` (dollars); MOMENTS (UTC): of the observed
        minutes the first, the last, the one of the largest `bar_ratio`, the first in the rarer
        unit; the first that is missing, filled, without volume; the last one of a vendor; each null
        where there is none; the open.
    """
    counted = rows.groupBy(*SESSION).agg(
        *(_broken(condition.name, condition.holds) for condition in CONDITIONS),
        *_totals(),
        *_edges(),
    )
    close = F.timestamp_add("MINUTE", F.col("_expected"), F.col("open_utc"))
    is_over = F.lit(now) >= close + minutes(settle_minutes)
    held = F.col("_observed") + F.col("_filled")
    rare = F.least(F.col("_usual_unit"), F.col("_observed") - F.col("_usual_unit"))
    is_mixed = (F.col("_ups") > 0) & (F.col("_downs") > 0)
    is_stale = is_over | (F.col("open_utc") < F.lit(now))
    age = F.unix_timestamp(F.least(F.lit(now), close)) - F.unix_timestamp("last_ts") - 60
    share = F.try_divide(held, F.col("_expected"))
    facts = {
        "beyond_calendar": F.greatest(held - F.coalesce("_expected", F.lit(0)), F.lit(0)),
        "mixed_minutes": F.when(is_mixed, rare).otherwise(0),
        "missing_share": F.when(is_over & (F.col("_observed") > 0), 1 - share),
        "filled_share": F.when(held > 0, F.col("_filled") / held),
        "is_empty": F.when(is_over, (F.col("_observed") == 0).cast("int")),
        "stale_minutes": F.when(is_stale & (F.col("_source") != "files"), age / 60),
        "zero_volume_share": F.when(F.col("_observed") > 0, F.col("_silent") / F.col("_observed")),
    }
    is_usual_rare = F.col("_usual_unit") < F.col("_observed") - F.col("_usual_unit")
    rare_ts = F.when(is_usual_rare, F.col("_usual_ts")).otherwise(F.col("_other_ts"))
    moments = {
        "rare_unit_ts": rare_ts,
        "vendor_ts": F.when(F.col("_source") != "files", F.col("last_ts")),
    }
    numbers = {name: fact.cast("double") for name, fact in facts.items()}
    return counted.withColumns(numbers | moments).select(
        *SESSION,
        *STRUCTURE,
        *OF_SESSION,
        *MOMENTS,
        *("volume", "first_open", "last_close"),
    )


def broken_rows(rows: DataFrame) -> DataFrame:
    """Give ticker, session_date, ts and `rule`, one row for each condition that a row breaks."""
    names = F.array_compact(F.array(*(F.when(~_holds(c.holds), F.lit(c.name)) for c in CONDITIONS)))
    return rows.where("is_published").select(*SESSION, "ts", F.explode(names).alias("rule"))


def _broken(name: str, holds: str) -> Column:
    return F.count(F.when(F.col("is_published") & ~_holds(holds), 1)).cast("double").alias(name)


def _holds(condition: str) -> Column:
    return F.coalesce(F.expr(condition), F.lit(False))


def _is_placed(zone: str) -> Column:
    minute, count = F.col("minute_of_session"), F.col("session_minutes")
    close = F.timestamp_add("MINUTE", count, F.col("open_utc"))
    own = F.timestamp_add("MINUTE", minute.cast("int"), F.col("open_utc"))
    regular = minute.between(0, count - 1) & (F.col("ts") == own)
    outside = (F.col("ts") < F.col("open_utc")) | (F.col("ts") >= close)
    local = F.to_date(F.from_utc_timestamp("ts", zone))
    is_there = F.when(F.col("segment") == "regular", regular).otherwise(outside)
    return F.coalesce(is_there & (local == F.col("session_date")), F.lit(False))


def _totals() -> list[Column]:
    seen = F.col("is_observed")
    return [
        F.max("session_minutes").alias("_expected"),
        F.max("source").alias("_source"),
        F.count(F.when(seen, 1)).alias("_observed"),
        F.count(F.when(F.col("state") == FILLED, 1)).alias("_filled"),
        F.count(F.when(seen & (F.col("volume") == 0), 1)).alias("_silent"),
        F.count(F.when(seen & (F.col("unit") == 0), 1)).alias("_usual_unit"),
        F.count(F.when(F.col("_step") > 0, 1)).alias("_ups"),
        F.count(F.when(F.col("_step") < 0, 1)).alias("_downs"),
        F.sum(F.when(seen, F.col("volume"))).alias("volume"),
    ]


def _edges() -> list[Column]:
    seen, ts = F.col("is_observed"), F.col("ts")
    when = F.when(seen, ts)
    ratio = F.when(F.col("is_published"), F.try_divide(F.col("high"), F.col("low")))
    return [
        F.min_by("open", when).alias("first_open"),
        F.max_by("close", when).alias("last_close"),
        F.min(when).alias("first_ts"),
        F.max(when).alias("last_ts"),
        F.max(ratio).alias("bar_ratio"),
        F.max_by("ts", ratio).alias("widest_ts"),
        F.min(F.when(seen & (F.col("unit") == 0), ts)).alias("_usual_ts"),
        F.min(F.when(seen & (F.col("unit") != 0), ts)).alias("_other_ts"),
        F.min(F.when(~F.col("is_published"), ts)).alias("missing_ts"),
        F.min(F.when(F.col("state") == FILLED, ts)).alias("filled_ts"),
        F.min(F.when(seen & (F.col("volume") == 0), ts)).alias("silent_ts"),
        F.max("open_utc").alias("open_utc"),
    ]
