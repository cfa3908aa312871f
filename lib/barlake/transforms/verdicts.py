"""Reconciled values -> rows of ops.dq_results."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.model import silver
from barlake.transforms.frames import bar_key
from barlake.transforms.reconcile import REASONS

SEVERITY = "warning"


def verdicts(rows: DataFrame, pairs: DataFrame) -> DataFrame:
    """Give the rows of ops.dq_results, `run_id` left out: one per ticker, session and measure.

    `observed` is the minutes' value, how far it is from the daily one, and, where they differ, the
    reason and what it means; `expected` is the daily value and how far is usual.

    Args:
        rows: `reconcile.with_reason`.
        pairs: Rows of silver.coverage, which say how many minutes were observed.
    """
    counted = pairs.select("ticker", "session_date", "observed", "expected")
    minutes = F.format_string("%s of %s minutes", "observed", "expected")
    words = F.create_map(*(F.lit(text) for pair in REASONS.items() for text in pair))
    why = F.concat(F.lit("; "), "reason", F.lit(": "), words[F.col("reason")])
    found = F.concat(_value("minute_value"), F.lit(" ("), _percent("difference", "+"), F.lit(")"))
    observed = F.concat(
        F.coalesce(found, _value("minute_value"), F.lit("none")),
        F.lit(" from "),
        minutes,
        F.coalesce(why, F.lit("")),
    )
    usual = F.when(F.col("usual") != 0, F.concat(F.lit(", usually "), _percent("usual", "+")))
    expected = F.concat(
        _value("daily_value"),
        F.coalesce(usual, F.lit("")),
        F.lit(" within "),
        _percent("tolerance", ""),
    )
    return rows.join(counted, ["ticker", "session_date"], how="left").select(
        F.lit(str(silver.BARS_1M)).alias("table"),
        F.concat(F.lit("daily_"), "measure").alias("rule"),
        "ticker",
        "session_date",
        F.lit(SEVERITY).alias("severity"),
        observed.alias("observed"),
        expected.alias("expected"),
        "passed",
        F.when(F.col("passed"), F.array().cast("array<string>"))
        .otherwise(F.array(_key()))
        .alias("sample_keys"),
    )


def _value(name: str) -> Column:
    shares = F.col(name).cast("bigint").cast("string")
    return F.when(F.col("measure") == "volume", shares).otherwise(F.col(name).cast("string"))


def _percent(name: str, sign: str) -> Column:
    return F.format_string(f"%{sign}.3f %%", F.col(name) * 100)


def _key() -> Column:
    """The minute that made the value; for the volume, the session's first."""
    made_by = {"high": "high_ts", "low": "low_ts", "close": "close_ts"}
    moments = [F.when(F.col("measure") == name, F.col(ts)) for name, ts in made_by.items()]
    return bar_key(F.coalesce(*moments, "open_ts"))
