"""All that is known of some sessions -> what every minute of them is."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake.transforms.belief import believed, with_flags
from barlake.transforms.coverage import with_reasons
from barlake.transforms.fill import EXTENDED, grid, with_states
from barlake.transforms.served import segment, with_session

PAIR = ["ticker", "session_date"]


def belief(
    revisions: DataFrame,
    requests: DataFrame,
    sessions: DataFrame,
    *,
    zone: str,
    settle_minutes: int,
) -> DataFrame:
    """Give the bars that may be believed, each with its session, segment and flags.

    Args:
        revisions: Rows of bronze.bars of the sessions, with `session_date` and `confirmed_at`.
        requests: Rows of ops.requests that reach into the sessions.
        sessions: Rows of ref.sessions, these sessions alone.
        zone: The exchange's time zone.
        settle_minutes: See `belief.believed`.
    """
    bars = believed(revisions, settle_minutes=settle_minutes).drop("session_date")
    placed = with_session(bars, sessions, zone=zone)
    return with_flags(placed, revisions, requests).withColumn("segment", segment())


def states(
    bars: DataFrame,
    pairs: DataFrame,
    refused: DataFrame,
    *,
    dense_share: float,
    halt_minutes: int,
    outage_share: float,
    outage_tickers_min: int,
) -> DataFrame:
    """Give every regular minute, and every bar outside of them, of every ticker known.

    Args:
        bars: `belief`.
        pairs: `pairs`.
        refused: Rows of silver.quarantine, with `ts`.
        dense_share: See `coverage.with_reasons`.
        halt_minutes: See `coverage.with_reasons`.
        outage_share: See `coverage.with_reasons`.
        outage_tickers_min: See `coverage.with_reasons`.

    Returns:
        The columns of silver.bars_1m (but `run_id`) with `state`, `reason`, `is_covered` and
        `session_minutes`; the bars' columns are null where `state` is before_first or after_last.
    """
    regular = bars.where(F.col("segment") == "regular").drop("segment")
    minutes = with_reasons(
        with_states(grid(pairs), regular),
        bars.select("session_date", "ticker", "ts"),
        refused.select("ticker", "ts"),
        pairs,
        dense_share=dense_share,
        halt_minutes=halt_minutes,
        outage_share=outage_share,
        outage_tickers_min=outage_tickers_min,
    )
    return _settled(minutes.unionByName(_extended(bars, pairs), allowMissingColumns=True))


def pairs(reached: DataFrame, revisions: DataFrame, sessions: DataFrame) -> DataFrame:
    """Give every ticker and session that was asked for or is held, with the session's times.

    Args:
        reached: `delivered.per_session`.
        revisions: Rows of bronze.bars, with `session_date`.
        sessions: Rows of ref.sessions, these sessions alone.
    """
    days = sessions.select(
        "session_date", "open_utc", "close_utc", F.col("minutes").alias("session_minutes")
    )
    known = reached.select(*PAIR).unionByName(revisions.select(*PAIR)).distinct()
    return (
        known.where(F.col("ticker") != "")
        .join(reached, PAIR, how="left")
        .join(F.broadcast(days), "session_date", how="inner")
        .withColumn("is_covered", F.coalesce("is_covered", F.lit(False)))
    )


def counts(
    revisions: DataFrame, refused: DataFrame, sessions: DataFrame, *, zone: str
) -> DataFrame:
    """Count, per ticker and session, revisions above 0 and refused rows; see the auction."""
    placed = with_session(revisions.drop("session_date"), sessions, zone=zone)
    held = placed.groupBy(*PAIR).agg(
        F.count(F.when(F.col("revision") > 0, 1)).alias("revisions"),
        F.bool_or(F.col("ts") == F.col("close_utc")).alias("auction_observed"),
    )
    bad = (
        with_session(refused, sessions, zone=zone)
        .where(F.col("in_session"))
        .groupBy(*PAIR)
        .agg(F.count("*").alias("quarantined"))
    )
    return held.join(bad, PAIR, how="full")


def _extended(bars: DataFrame, pairs: DataFrame) -> DataFrame:
    told = pairs.select(*PAIR, "is_covered", "settled_from", "settled_to")
    return (
        bars.where(F.col("segment") != "regular")
        .join(told, PAIR, how="left")
        .withColumns(
            {
                "state": F.lit(EXTENDED),
                "is_filled": F.lit(False),
                "fill_age": F.lit(0).cast("smallint"),
            }
        )
    )


def _settled(rows: DataFrame) -> DataFrame:
    read_again = (F.col("ts") >= F.col("settled_from")) & (F.col("ts") < F.col("settled_to"))
    is_settled = F.col("is_covered") | F.coalesce(read_again, F.lit(False))
    return rows.withColumn("is_settled", is_settled)
