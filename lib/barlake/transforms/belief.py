"""Bronze's revisions -> the bars that we believe."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from barlake.model.rules import FIRST_ROW
from barlake.transforms.frames import PRICES, denoised, minutes, require_columns


def believed(revisions: DataFrame, *, settle_minutes: int) -> DataFrame:
    """Keep, of each bar, the last revision that may be believed.

    A revision may be believed when it was served, first or again, `settle_minutes` after its minute
    had ended; or when a later delivery confirmed it.

    Args:
        revisions: Rows of bronze.bars with `confirmed_at` (UTC: when the revision was last served,
            at the latest known).
        settle_minutes: How long after its minute a bar is final.

    Returns:
        One row per ticker and ts, prices without noise, with `first_seen_at`, `last_changed_at`
        (UTC) instead of `fetched_at`.
    """
    require_columns(revisions, "ticker", "ts", "revision", "confirmed_at", where="believed")
    bar = Window.partitionBy("ticker", "ts")
    final = F.col("ts") + minutes(1 + settle_minutes)
    may = (F.col("confirmed_at") >= final) | (F.col("confirmed_at") > F.col("fetched_at"))
    return (
        revisions.withColumn("first_seen_at", F.min("fetched_at").over(bar))
        .where(may)
        .withColumn("_rank", F.row_number().over(bar.orderBy(F.desc("revision"))))
        .where(F.col("_rank") == 1)
        .withColumns({p: denoised(p) for p in PRICES})
        .withColumnRenamed("fetched_at", "last_changed_at")
        .drop("_rank", "confirmed_at")
    )


def with_flags(bars: DataFrame, requests: DataFrame) -> DataFrame:
    """Add `flags`: the warnings that did not quarantine the bar, sorted; empty where none is due.

    The first minute of a request of a vendor that starts inside a session may carry too little
    volume: what it brought is kept until a request that starts earlier brings it again.
    """
    firsts = (
        requests.where(F.col("source") != "files")
        .select("request_id", F.col("range_start").alias("ts"), F.lit(True).alias("_is_first"))
        .distinct()
    )
    inside = (F.col("ts") > F.col("open_utc")) & (F.col("ts") < F.col("close_utc"))
    flags = F.when(
        F.coalesce("_is_first", F.lit(False)) & inside, F.array(F.lit(FIRST_ROW.name))
    ).otherwise(F.array().cast("array<string>"))
    return (
        bars.join(F.broadcast(firsts), ["request_id", "ts"], how="left")
        .withColumn("flags", flags)
        .drop("_is_first")
    )


def has_unconfirmed(revisions: DataFrame, *, settle_minutes: int) -> DataFrame:
    """Keep the revisions that were received before their minute was final."""
    return revisions.where(F.col("fetched_at") < F.col("ts") + minutes(1 + settle_minutes))


def with_confirmations(revisions: DataFrame, confirmed: DataFrame) -> DataFrame:
    """Add `confirmed_at`: when each revision was last served, by what landed; null-free."""
    key = ["ticker", "ts", "revision"]
    told = confirmed.select(*key, "confirmed_at").distinct()
    return revisions.join(told, key, how="left").withColumn(
        "confirmed_at", F.coalesce("confirmed_at", "fetched_at")
    )
