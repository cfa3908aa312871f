"""What a run received and what became of it, for the ops tables."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.calendar import EXCHANGE_ZONE
from barlake.transforms.frames import minutes

UNREADABLE = ("row_structure", "ticker_missing", "ticker_format")
FATES = ("new", "changed", "unchanged", "duplicate", "quarantined")


def audit(classified: DataFrame) -> DataFrame:
    """Count the fates by ticker and session: rows of ops.ingest_audit, the run's columns left out.

    Rows whose ticker or time cannot be read are counted under an empty ticker and 1970-01-01.
    """
    unreadable = F.col("rule").isin(*UNREADABLE)
    ticker = F.when(unreadable, F.lit("")).otherwise(F.coalesce("ticker", F.lit("")))
    # A time far outside what readers can hold counts as none: Python's dates end at 1 and 9999.
    is_told = F.year("session_date").between(1990, 2199)
    day = F.when(is_told, F.col("session_date")).otherwise(F.lit("1970-01-01").cast("date"))
    told = F.when(is_told, F.col("ts"))
    counts = [F.count(F.when(F.col("fate") == fate, 1)).alias(fate) for fate in FATES]
    return (
        classified.withColumns({"ticker": ticker, "session_date": day, "ts": told})
        .groupBy("ticker", "session_date")
        .agg(
            F.count("*").alias("received"),
            *counts,
            F.min("ts").alias("ts_min"),
            F.max("ts").alias("ts_max"),
        )
    )


def requests_of_files(judged: DataFrame, facts: DataFrame) -> DataFrame:
    """Give ops.requests' rows for files: one per ticker and delivery with a good row.

    A file without a good row has one row with an empty ticker.

    Args:
        judged: Judged rows of these files.
        facts: One row per file, as `ops.requests` has them.
    """
    good = judged.where(F.col("rule").isNull())
    found = good.groupBy("request_id", "ticker", F.col("fetched_at").alias("received_at")).agg(
        F.min("ts").alias("range_start"),
        (F.max("ts") + minutes(1)).alias("range_end"),
        F.count("*").alias("rows"),
    )
    rest = facts.drop("ticker", "range_start", "range_end", "rows", "received_at")
    default = facts.select("request_id", F.col("received_at").alias("_received_at"))
    return (
        rest.join(default, "request_id")
        .join(found, "request_id", how="left")
        .withColumns(
            {
                "ticker": F.coalesce("ticker", F.lit("")),
                "rows": F.coalesce("rows", F.lit(0).cast("bigint")),
                "received_at": F.coalesce("received_at", "_received_at"),
            }
        )
        .select(*facts.columns)
    )


def actions(rows: DataFrame) -> DataFrame:
    """Give ref.actions' rows that served rows announce: each (ticker, ex_date, kind) once.

    A vendor puts a split or a dividend on the first bar of its session, or tells it apart.

    Args:
        rows: With `session_date`.
    """
    kinds = {"split": "split_text", "dividend": "dividend_text"}
    announced = F.array(*(_action(kind, text) for kind, text in kinds.items()))
    return (
        rows.select(
            "ticker", "session_date", "source", "fetched_at", F.explode(announced).alias("_a")
        )
        .where(F.col("_a.value") > 0)
        .groupBy("ticker", F.col("session_date").alias("ex_date"), F.col("_a.kind").alias("kind"))
        .agg(
            F.max_by("_a.value", "fetched_at").alias("value"),
            F.first("source").alias("source"),
            F.min("fetched_at").alias("first_seen_at"),
        )
    )


def _action(kind: str, text: str) -> Column:
    value = F.coalesce(F.col(text).try_cast("double"), F.lit(0.0))
    return F.struct(F.lit(kind).alias("kind"), value.alias("value"))


def audit_of_abandoned(bars: DataFrame, refused: DataFrame) -> DataFrame:
    """Count what a run published that did not live to say so: rows of ops.ingest_audit.

    Args:
        bars: Rows of bronze.bars that the run wrote.
        refused: Rows of silver.quarantine that the run wrote, with `ts`.
    """
    fates = bars.select(
        "ticker", "ts", F.when(F.col("revision") == 0, "new").otherwise("changed").alias("fate")
    ).unionByName(refused.select("ticker", "ts", F.lit("quarantined").alias("fate")))
    dated = fates.withColumns(
        {"session_date": F.to_date(F.from_utc_timestamp("ts", EXCHANGE_ZONE)), "rule": F.lit("")}
    )
    unknown = F.lit(None)
    return audit(dated).withColumns(
        {
            "version_before": unknown.cast("bigint"),
            "version_after": unknown.cast("bigint"),
            "report": unknown.cast("string"),
        }
    )
