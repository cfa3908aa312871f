"""expected = observed + filled + missing, by ticker and session; and why minutes are absent."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.transforms.fill import AFTER_LAST, BEFORE_FIRST, FILLED, OBSERVED, grid
from barlake.transforms.frames import minutes, require_columns

SESSION = ("ticker", "session_date")


def coverage(states: DataFrame, counts: DataFrame) -> DataFrame:
    """Give the rows of silver.coverage, `computed_at` left out.

    Args:
        states: Every minute of the grid with `state` and `reason` (see `with_reasons`).
        counts: Per ticker and session: `auction_observed`, `revisions`, `quarantined`.
    """
    require_columns(states, "state", "reason", "is_covered", where="coverage")
    observed = F.when(F.col("state") == OBSERVED, F.col("ts"))
    parts = states.groupBy(*SESSION).agg(
        F.max("session_minutes").cast("int").alias("expected"),
        _count(OBSERVED).alias("observed"),
        _count(FILLED).alias("filled"),
        _count(BEFORE_FIRST).alias("missing_before_first"),
        _count(AFTER_LAST).alias("missing_after_last"),
        F.bool_or("is_covered").alias("is_settled"),
        F.min(observed).alias("first_ts"),
        F.max(observed).alias("last_ts"),
    )
    zero = {name: F.coalesce(name, F.lit(0)).cast("int") for name in ("revisions", "quarantined")}
    return (
        parts.join(_gaps(states), list(SESSION), how="left")
        .join(counts, list(SESSION), how="left")
        .withColumns(zero)
        .withColumns(
            {
                "gaps": F.coalesce("gaps", F.array()),
                "longest_gap": F.coalesce("longest_gap", F.lit(0)),
                "auction_observed": F.coalesce("auction_observed", F.lit(False)),
            }
        )
    )


def with_reasons(
    states: DataFrame,
    seen: DataFrame,
    refused: DataFrame,
    sessions: DataFrame,
    *,
    dense_share: float,
    halt_minutes: int,
    outage_tickers_min: int,
) -> DataFrame:
    """Add `reason`, why a minute was not observed; null where it was.

    In this order: `quarantined` (a row for it was refused), `not_covered` (no answered request
    reached it), `outage` (no ticker of the session shows it), and in a ticker that shows most of
    its minutes `halt` (a long run) or `vendor_hole` (a short one); else `no_trade`.

    Args:
        states: `fill.with_states` of pairs with `asked_from`, `asked_to`.
        seen: ticker, session_date, ts of every bar held of these sessions, whatever the ticker.
        refused: ticker, ts of refused rows.
        sessions: session_date, open_utc, session_minutes of these sessions, each once.
        dense_share: Share of its minutes that a dense ticker shows.
        halt_minutes: The shortest run that is called a halt.
        outage_tickers_min: Tickers that a session must hold to tell an outage.
    """
    refused_minutes = F.broadcast(refused.distinct().withColumn("_bad", F.lit(True)))
    dark = F.broadcast(_dark(sessions, seen, outage_tickers_min))
    known = (
        states.join(refused_minutes, ["ticker", "ts"], how="left")
        .join(dark, ["session_date", "ts"], how="left")
        .withColumn("_absent", F.col("state") != OBSERVED)
    )
    runs = known.withColumns({"reason": _base(), "_dense": _is_dense(dense_share)}).withColumn(
        "_run", _run("reason")
    )
    length = F.count("*").over(Window.partitionBy(*SESSION, "reason", "_run"))
    quiet = (
        F.when(~F.col("_dense"), "no_trade")
        .when(F.col("_length") >= halt_minutes, "halt")
        .otherwise("vendor_hole")
    )
    return (
        runs.withColumn("_length", length)
        .withColumn("reason", F.when(F.col("reason") == "quiet", quiet).otherwise(F.col("reason")))
        .drop("_bad", "_dark", "_absent", "_dense", "_run", "_length")
    )


def _base() -> Column:
    outside = (
        (F.col("state") == AFTER_LAST)
        | F.col("asked_from").isNull()
        | (F.col("ts") < F.col("asked_from"))
        | (F.col("ts") >= F.col("asked_to"))
    )
    return (
        F.when(~F.col("_absent"), F.lit(None))
        .when(F.col("_bad"), "quarantined")
        .when(outside, "not_covered")
        .when(F.col("_dark"), "outage")
        .otherwise("quiet")
    )


def _is_dense(share: float) -> Column:
    session = Window.partitionBy(*SESSION)
    shown = F.count(F.when(~F.col("_absent"), 1)).over(session)
    alive = F.count(F.when(F.col("state").isin(OBSERVED, FILLED), 1)).over(session)
    return shown >= share * alive


def _dark(sessions: DataFrame, seen: DataFrame, tickers_min: int) -> DataFrame:
    """Give the minutes that no ticker of a session shows, where enough tickers are held."""
    busy = (
        seen.groupBy("session_date")
        .agg(F.count_distinct("ticker").alias("_n"))
        .where(F.col("_n") >= tickers_min)
        .select("session_date")
    )
    lit_up = seen.select("session_date", "ts").distinct()
    return (
        grid(sessions.join(busy, "session_date", how="left_semi"))
        .select("session_date", "ts")
        .join(F.broadcast(lit_up), ["session_date", "ts"], how="left_anti")
        .withColumn("_dark", F.lit(True))
    )


def _gaps(states: DataFrame) -> DataFrame:
    absent = states.where(F.col("reason").isNotNull())
    longest = (
        absent.withColumn("_any", F.lit("any"))
        .withColumn("_run", _run("_any"))
        .groupBy(*SESSION, "_run")
        .count()
        .groupBy(*SESSION)
        .agg(F.max("count").cast("int").alias("longest_gap"))
    )
    start, end = F.min("ts"), F.max("ts") + minutes(1)
    gap = F.struct(F.col("from"), F.col("to"), F.col("minutes"), F.col("reason"))
    runs = (
        absent.withColumn("_run", _run("reason"))
        .groupBy(*SESSION, "reason", "_run")
        .agg(start.alias("from"), end.alias("to"), F.count("*").cast("int").alias("minutes"))
        .groupBy(*SESSION)
        .agg(F.array_sort(F.collect_list(gap)).alias("gaps"))
    )
    return runs.join(longest, list(SESSION), how="inner")


def _run(of: str) -> Column:
    order = Window.partitionBy(*SESSION, of).orderBy("minute_of_session")
    return F.col("minute_of_session") - F.row_number().over(order)


def _count(state: str) -> Column:
    return F.count(F.when(F.col("state") == state, 1)).cast("int")
