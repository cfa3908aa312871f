"""In which share unit a delivery was served."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.model.rules import SHARE_UNIT
from barlake.transforms.frames import PRICES, denoised, require_columns
from barlake.transforms.release import is_let_through

DELIVERY = ("request_id", "fetched_at", "ticker")


def with_factor(
    events: DataFrame,
    splits: DataFrame,
    *,
    zone: str,
    tolerance: float,
    ratio_min: float,
    rows_min: int,
    agreement_min: float,
) -> DataFrame:
    """Add `factor`, by which a served price must be multiplied to be as traded.

    After a split a vendor serves earlier bars in the new unit. The splits between a bar's session
    and its delivery give the factor that would explain another unit; the delivery's closes against
    those that were known before, per ticker and session, tell whether it is in that unit. Where
    nothing was known before, the vendor's manner is taken for granted.

    Args:
        events: Observations and held rows of bronze: `ticker`, `ts`, `session_date`, `fetched_at`,
            `request_id`, `row`, `is_held`, `close`, `rule`.
        splits: `ticker`, `ex_date`, `value` (new shares per old one).
        zone: The exchange's time zone.
        tolerance: How far a ratio may be from the one that explains it.
        ratio_min: The smallest ratio, or its inverse, that must be explained.
        rows_min: Minutes that must be known on both sides to refuse a delivery.
        agreement_min: Share of these minutes that must show the same ratio.

    Returns:
        `events` with `factor` (1 for held rows), and with `rule` set to share_unit on all rows of a
        delivery's ticker whose ratio no split explains.
    """
    require_columns(events, "is_held", "close", "rule", *DELIVERY, where="with_factor")
    tail = (1 - agreement_min) / 2
    quantiles = F.array(F.lit(tail), F.lit(0.5), F.lit(1 - tail))
    session = Window.partitionBy(*DELIVERY, "session_date")
    # Laid out once for both windows below: the second's key is a part of the first's.
    laid_out = _with_ratio(_with_explanation(events, splits, zone)).repartition(*DELIVERY)
    ratios = laid_out.withColumns(
        {
            "_n": F.count("_ratio").over(session),
            "_p": F.percentile("_ratio", quantiles).over(session),
        }
    )
    factor = F.when(F.col("is_held"), 1.0).otherwise(
        F.coalesce(_nearest(F.col("_p")[1], F.col("_explained")), "_explained")
    )
    judged = ratios.withColumn("factor", factor).withColumn(
        "_is_other", _is_other(tolerance, ratio_min, rows_min)
    )
    refused = F.bool_or("_is_other").over(Window.partitionBy(*DELIVERY))
    stands = F.col("is_held") | is_let_through(SHARE_UNIT)
    is_refused = ~stands & refused & F.col("rule").isNull()
    return (
        judged.withColumn("_refused", is_refused)
        .withColumn("rule", F.when(F.col("_refused"), SHARE_UNIT.name).otherwise(F.col("rule")))
        .drop("_explained", "_ratio", "_n", "_p", "_is_other", "_refused")
    )


def as_traded(events: DataFrame) -> DataFrame:
    """Convert prices and volume by `factor`; rows with factor 1 stay as they are."""
    is_converted = F.col("factor") != 1.0
    prices = {
        name: F.when(is_converted, F.col(name) * F.col("factor")).otherwise(F.col(name))
        for price in PRICES
        for name in (price, f"{price}_served")
    }
    shares = F.round(F.col("volume") / F.col("factor")).cast("bigint")
    volume = F.when(is_converted, shares).otherwise(F.col("volume"))
    return events.withColumns(prices | {"volume": volume}).withColumns(
        {p: denoised(p) for p in PRICES}
    )


def in_order() -> Column:
    """Order the events of one bar as they became known; what is held stands before its repeats."""
    return F.struct("fetched_at", ~F.col("is_held"), "request_id", "row")


def _with_explanation(events: DataFrame, splits: DataFrame, zone: str) -> DataFrame:
    per_ticker = splits.groupBy("ticker").agg(
        F.collect_list(F.struct("ex_date", "value")).alias("_splits")
    )
    fetched_day = F.to_date(F.from_utc_timestamp("fetched_at", zone))
    between = F.filter(
        F.coalesce("_splits", F.array()),
        lambda s: (s["ex_date"] > F.col("session_date")) & (s["ex_date"] <= F.col("_fetched_day")),
    )
    product = F.aggregate(between, F.lit(1.0), lambda total, s: total * s["value"])
    return (
        events.join(F.broadcast(per_ticker), "ticker", how="left")
        .withColumn("_fetched_day", fetched_day)
        .withColumn("_explained", F.when(F.col("is_held"), 1.0).otherwise(product))
        .drop("_splits", "_fetched_day")
    )


def _with_ratio(events: DataFrame) -> DataFrame:
    before = (
        Window.partitionBy("ticker", "ts")
        .orderBy(in_order())
        .rowsBetween(Window.unboundedPreceding, -1)
    )
    is_anchor = (F.col("_explained") == 1.0) & F.col("rule").isNull()
    anchor = F.first(F.when(is_anchor, F.col("close")), ignorenulls=True).over(before)
    return events.withColumn(
        "_ratio", F.when(~F.col("is_held"), F.try_divide(F.col("close"), anchor))
    )


def _nearest(ratio: Column, explained: Column) -> Column:
    is_explained = F.abs(F.log(ratio * explained)) < F.abs(F.log(ratio))
    return F.when(ratio.isNotNull(), F.when(is_explained, explained).otherwise(1.0))


def _is_other(tolerance: float, ratio_min: float, rows_min: int) -> Column:
    low, mid, high = (F.col("_p")[i] for i in range(3))
    is_constant = (high <= mid * (1 + tolerance)) & (low >= mid * (1 - tolerance))
    left = F.abs(F.log(mid * F.col("factor")))
    is_other = (F.col("_n") >= rows_min) & is_constant & (left >= F.log(F.lit(ratio_min)))
    return ~F.col("is_held") & F.coalesce(is_other, F.lit(False))
