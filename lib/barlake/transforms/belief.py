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


def with_flags(bars: DataFrame, revisions: DataFrame, requests: DataFrame) -> DataFrame:
    """Add `flags`: the warnings that did not quarantine the bar, sorted; empty where none is due.

    The first row of a vendor's request that starts inside a session may carry too little volume:
    what it brought is kept until a request that starts earlier brings it again.

    Args:
        bars: Believed bars, each with its session's times.
        revisions: Rows of bronze.bars of the same sessions, with `session_date`.
        requests: Rows of ops.requests that reach into the sessions.
    """
    times = bars.select("session_date", "open_utc", "close_utc").distinct()
    firsts = _first_rows(revisions.join(F.broadcast(times), "session_date"), requests)
    is_first = F.coalesce("_is_first", F.lit(False))
    flags = F.when(is_first, F.array(F.lit(FIRST_ROW.name)))
    return (
        bars.join(F.broadcast(firsts), ["request_id", "ts"], how="left")
        .withColumn("flags", F.coalesce(flags, F.array().cast("array<string>")))
        .drop("_is_first")
    )


def _first_rows(revisions: DataFrame, requests: DataFrame) -> DataFrame:
    """Give (request_id, ts) of the first minute known since a request's start when it came."""
    asked = requests.where(F.col("source") != "files").select(
        "ticker", F.col("request_id").alias("_request"), "range_start", "received_at"
    )
    starts_inside = (F.col("range_start") > F.col("open_utc")) & (
        F.col("range_start") < F.col("close_utc")
    )
    served_since = (F.col("ts") >= F.col("range_start")) & (F.col("ts") < F.col("close_utc"))
    return (
        revisions.join(F.broadcast(asked), "ticker")
        .where(starts_inside & served_since & (F.col("fetched_at") <= F.col("received_at")))
        .groupBy(F.col("_request").alias("request_id"))
        .agg(F.min("ts").alias("ts"))
        .withColumn("_is_first", F.lit(True))
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
