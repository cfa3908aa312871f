"""What was refused of a batch -> facts of the quality gate."""

from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake.transforms.facts import MOMENTS, OF_SESSION, STRUCTURE
from barlake.transforms.neighbours import OF_NEIGHBOURS
from barlake.transforms.served import instant

OF_BATCH = (
    "batch_refused_share",
    "batch_refused_all",
    "batch_empty",
    "batch_sessions_behind",
)
FACTS = (*STRUCTURE, *OF_SESSION, *OF_NEIGHBOURS, "refused_share", *OF_BATCH)
FACTS_DDL = ", ".join(
    (
        "ticker STRING, session_date DATE",
        *(f"{name} DOUBLE" for name in FACTS),
        *(f"{name} TIMESTAMP" for name in (*MOMENTS, "refused_ts")),
    )
)


def refused_at(quarantine: DataFrame, *, zone: str) -> DataFrame:
    """Give ticker, session_date and `ts` (UTC) of refused rows, null where they cannot be read.

    Args:
        quarantine: Rows of silver.quarantine.
        zone: The exchange's time zone.
    """
    rows = quarantine.select("ticker", instant("ts_text").alias("ts"))
    day = F.to_date(F.from_utc_timestamp("ts", zone))
    return rows.select("ticker", day.alias("session_date"), "ts")


def with_refusals(
    facts: DataFrame, audit: DataFrame, refused: DataFrame | None, *, received_min: int
) -> DataFrame:
    """Add `refused_share`: of the rows received of a ticker's session, those refused.

    And `refused_ts` (UTC), the first minute refused, where it is known.

    Args:
        facts: `facts.session_facts`.
        audit: ticker, session_date, received, quarantined; a session may have several rows.
        refused: ticker, session_date, ts of the rows that were refused; None where none was.
        received_min: Rows that must have been received; null under that.
    """
    told = audit.withColumn("ts", F.lit(None).cast("timestamp"))
    if refused is not None:
        told = told.unionByName(refused, allowMissingColumns=True)
    counts = told.groupBy("ticker", "session_date").agg(
        F.sum("received").alias("_received"),
        F.sum("quarantined").alias("_refused"),
        F.min("ts").alias("refused_ts"),
    )
    share = F.when(F.col("_received") >= received_min, F.col("_refused") / F.col("_received"))
    return (
        facts.join(F.broadcast(counts), ["ticker", "session_date"], how="left")
        .withColumn("refused_share", share)
        .drop("_received", "_refused")
    )


def batch_facts(
    counts: Mapping[str, int], *, asked: int, received_min: int
) -> dict[str, float | None]:
    """Give `batch_refused_share`; 1 where all was refused, or nothing came.

    Args:
        counts: Rows of the batch, by fate; empty where nothing was ingested.
        asked: Answered requests of the batch that should have brought rows.
        received_min: Rows that must have been received to tell a share.
    """
    received, refused = counts.get("received", 0), counts.get("quarantined", 0)
    return {
        "batch_refused_share": refused / received if received >= received_min else None,
        "batch_refused_all": float(0 < received == refused),
        "batch_empty": float(asked > 0 and received == 0),
    }


def sessions_behind(
    newest: date | None, published: date | None, closed: Sequence[date]
) -> dict[str, float | None]:
    """Give `batch_sessions_behind`: how many sessions closed after the newest one held.

    Args:
        newest: Of the sessions of which the batch has a vendor's bar; a batch without one tells
            nothing: files may be of any age.
        published: The newest session that readers have: a batch that fills an older hole is no
            stale one.
        closed: The last sessions that are over, by the run's clock.
    """
    held = None if newest is None else max(newest, published or newest)
    behind = None if held is None else float(sum(day > held for day in closed))
    return {"batch_sessions_behind": behind}


def with_batch(
    facts: DataFrame, one: DataFrame, batch: Mapping[str, float | None], *, newest: date
) -> DataFrame:
    """Add the row of the whole batch: under no ticker and its newest session.

    So no expectation is without a row to look at.

    Args:
        facts: All facts of sessions.
        one: Any frame of one row.
        batch: `batch_facts` and `sessions_behind`.
        newest: The batch's last session.
    """
    told = {name: F.lit(value).cast("double") for name, value in batch.items()}
    sound = {name: F.lit(0.0) for name in STRUCTURE}
    key = {"ticker": F.lit(""), "session_date": F.lit(newest)}
    row = one.select(*(column.alias(name) for name, column in (key | sound | told).items()))
    return facts.unionByName(row, allowMissingColumns=True)
