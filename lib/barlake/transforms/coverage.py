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
    pairs: DataFrame,
    *,
    dense_share: float,
    halt_minutes: int,
    outage_share: float,
    outage_tickers_min: int,
) -> DataFrame:
    """Add `reason`, why a minute was not observed; null where it was.

    In this order: `quarantined` (a row for it was refused), `not_covered` (no answered request
    reached it), `outage` (most of the tickers that usually show a minute do not show it), and in a
    ticker whose bars mostly follow each other `halt` (a long run) or `vendor_hole` (a short one);
    else `no_trade`.

    Args:
        states: `fill.with_states` of pairs with `asked_from`, `asked_to`.
        seen: ticker, session_date, ts of every bar held of these sessions, whatever the ticker.
        refused: ticker, ts of refused rows.
        pairs: ticker, session_date, open_utc, session_minutes, `asked_from`, `asked_to` of every
            ticker and session known.
        dense_share: Of the minutes right after its bars, the share that a dense ticker shows.
        halt_minutes: The shortest run that is called a halt.
        outage_share: Share of the tickers that usually show a minute, absent in an outage.
        outage_tickers_min: Tickers that must usually show a minute to tell an outage.
    """
    refused_minutes = F.broadcast(refused.distinct().withColumn("_bad", F.lit(True)))
    dark = F.broadcast(_dark(pairs, seen, share=outage_share, tickers_min=outage_tickers_min))
    known = (
        states.join(refused_minutes, ["ticker", "ts"], how="left")
        .join(dark, ["session_date", "ts"], how="left")
        .withColumn("_absent", F.col("state") != OBSERVED)
    )
    runs = (
        known.withColumns({"reason": _base(), "_follows": _follows()})
        .withColumn("_dense", _is_dense(dense_share))
        .withColumn("_run", _run("reason"))
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
        .drop("_bad", "_dark", "_absent", "_follows", "_dense", "_run", "_length")
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


def _follows() -> Column:
    """Hold on minutes right after a bar, in which another was due: no outage, and not the end."""
    order = Window.partitionBy(*SESSION).orderBy("minute_of_session")
    is_dark = F.col("_absent") & F.coalesce("_dark", F.lit(False))
    is_due = F.col("state").isin(OBSERVED, FILLED) & ~is_dark
    return is_due & ~F.coalesce(F.lag("_absent").over(order), F.lit(True))


def _is_dense(share: float) -> Column:
    # Minutes that follow a bar, not all: one long halt does not make a ticker sparse.
    session = Window.partitionBy(*SESSION)
    due = F.count(F.when(F.col("_follows"), 1)).over(session)
    came = F.count(F.when(F.col("_follows") & ~F.col("_absent"), 1)).over(session)
    return (due > 0) & (came >= share * due)


def _dark(pairs: DataFrame, seen: DataFrame, *, share: float, tickers_min: int) -> DataFrame:
    """Give the minutes that far fewer tickers show than usual, of those that were asked for then.

    Usual is the session's median, minutes that nobody shows left out: tickers that seldom trade
    weigh no more than they show, and a long outage is none the less one.
    """
    shown = seen.distinct().withColumn("_seen", F.lit(1))
    usual = F.median(F.when(F.col("_lit") > 0, F.col("_lit"))).over(
        Window.partitionBy("session_date")
    )
    is_dark = (1 - F.col("_lit") / F.col("_usual") >= share) & (
        F.col("_usual") * F.col("_asked") >= tickers_min
    )
    return (
        grid(pairs)
        .where((F.col("ts") >= F.col("asked_from")) & (F.col("ts") < F.col("asked_to")))
        .join(shown, ["ticker", "session_date", "ts"], how="left")
        .groupBy("session_date", "ts")
        .agg(F.count("*").alias("_asked"), (F.count("_seen") / F.count("*")).alias("_lit"))
        .withColumn("_usual", usual)
        .where(is_dark)
        .select("session_date", "ts", F.lit(True).alias("_dark"))
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
