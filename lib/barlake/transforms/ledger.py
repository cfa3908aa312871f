"""Deliveries and what is held -> every row's fate, and bronze's new revisions."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake.transforms.frames import PRICES
from barlake.transforms.observations import events, with_fate, with_revisions
from barlake.transforms.units import as_traded, with_factor

# What the ledger is worked out from: the texts stay behind, each window copies its rows whole.
_BAR = (
    "request_id",
    "row",
    "ticker",
    "ts",
    "session_date",
    "fetched_at",
    "source",
    *PRICES,
    *(f"{price}_served" for price in PRICES),
    "volume",
    "rule",
    "is_duplicate",
    "is_first_row",
    "releases",
)


def classify(
    observations: DataFrame,
    held: DataFrame,
    splits: DataFrame,
    *,
    zone: str,
    tolerance: float,
    ratio_min: float,
    rows_min: int,
    agreement_min: float,
) -> DataFrame:
    """Give every observation and every held revision with `fate`, `revision` and `is_news`.

    Args:
        observations: Judged rows (`validity.with_repeats`), with `is_first_row`; refused and
            duplicate ones pass through and touch nothing.
        held: Rows of bronze.bars of the sessions that the observations touch, with `session_date`.
        splits: See `units.with_factor`, which also tells of the numbers.
        zone: The exchange's time zone.
        tolerance: See `units.with_factor`.
        ratio_min: See `units.with_factor`.
        rows_min: See `units.with_factor`.
        agreement_min: See `units.with_factor`.
    """
    marked = observations.withColumn("volume", F.col("volume").try_cast("bigint"))
    passes = F.col("rule").isNull() & ~F.col("is_duplicate")
    bars = marked.select(*_BAR)
    sequence = events(bars.where(passes), held)
    in_unit = with_factor(
        sequence,
        splits,
        zone=zone,
        tolerance=tolerance,
        ratio_min=ratio_min,
        rows_min=rows_min,
        agreement_min=agreement_min,
    )
    numbered = with_revisions(as_traded(in_unit))
    everything = numbered.unionByName(bars.where(~passes), allowMissingColumns=True)
    return with_fate(everything.withColumn("is_held", F.coalesce("is_held", F.lit(False))))


def new_revisions(classified: DataFrame) -> DataFrame:
    """Give the rows that bronze.bars lacks, `run_id` left out: prices as served."""
    prices = [
        F.when(F.col("factor") == 1.0, F.col(f"{p}_served")).otherwise(F.col(p)).alias(p)
        for p in PRICES
    ]
    return classified.where(F.col("is_news") & ~F.col("is_held")).select(
        "ticker",
        "ts",
        F.col("revision").cast("int").alias("revision"),
        *prices,
        "volume",
        "source",
        "fetched_at",
        "request_id",
        F.date_format("session_date", "yyyy-MM").alias("session_month"),
    )


def corrected_ledger(derived: DataFrame, held: DataFrame) -> DataFrame:
    """Give what bronze.bars must become where a delivery came late: rows to put, rows to remove.

    Args:
        derived: `new_revisions` of all that ever landed for the sessions concerned.
        held: Rows of bronze.bars of the same sessions.
    """
    key = ["ticker", "ts", "revision"]
    gone = held.join(derived, key, how="left_anti").withColumn("is_gone", F.lit(True))
    kept = derived.withColumn("is_gone", F.lit(False))
    return kept.unionByName(gone.select(*kept.columns))


def of_sessions_touched(observations: DataFrame, pending: DataFrame) -> DataFrame:
    """Keep the observations of tickers and sessions that `pending` has good rows of."""
    touched = pending.where(F.col("rule").isNull()).select("ticker", "session_date").distinct()
    return observations.join(F.broadcast(touched), ["ticker", "session_date"], how="left_semi")
