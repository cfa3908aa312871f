"""The facts of a batch -> rows of ops.dq_results: what each limit says of each session."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.checks.limits import Limit
from barlake.model import ops
from barlake.model.structure import TABLE
from barlake.transforms.facts import broken_rows
from barlake.transforms.frames import bar_key

SESSION_KEY = ("rule", "ticker", "session_date")
NAMES = tuple(name for name in ops.DQ_RESULTS.names if name != "run_id")


def results(facts: DataFrame, wanted: Sequence[Limit], keys: DataFrame | None) -> DataFrame:
    """Give a row for each limit and each session of which its fact says something.

    Args:
        facts: One row per ticker and session; that of the batch, under no ticker, is left out.
        wanted: The limits; those of a fact that nobody computes are left out.
        keys: `structural_keys` of the rules that are broken; None where none is.

    Returns:
        The columns of ops.dq_results but `run_id`, and `value`, the number observed. A rule that
        did not hold names the keys given, or the minute that shows it best.
    """
    known = set(facts.columns)
    entries = [F.when(limit.is_told, _entry(limit)) for limit in wanted if limit.fact in known]
    rows = (
        facts.where((F.col("ticker") != "") & F.col("session_date").isNotNull())
        .select("ticker", "session_date", F.explode(F.array_compact(F.array(*entries))).alias("_r"))
        .select("ticker", "session_date", "_r.*")
    )
    shown = F.array(bar_key(F.col("ts")))
    if keys is not None:
        rows = rows.join(F.broadcast(keys), list(SESSION_KEY), how="left")
        shown = F.coalesce("keys", shown)
    none = F.array().cast("array<string>")
    return rows.withColumns(
        {
            "table": F.lit(str(TABLE)),
            "observed": spelled(F.col("value")),
            "sample_keys": F.when(F.col("passed"), none).otherwise(shown),
        }
    ).select(*NAMES, "value")


def worst(found: DataFrame, *, results_max: int) -> DataFrame:
    """Give what did not hold, of each rule the worst `results_max` first; critical rules first."""
    ranked = Window.partitionBy("rule").orderBy(F.desc("value"), "ticker", "session_date")
    return (
        found.where(~F.col("passed"))
        .withColumn("_at", F.row_number().over(ranked))
        .where(F.col("_at") <= results_max)
        .orderBy("severity", "rule", "_at")
        .select(*NAMES)
    )


def structural_keys(rows: DataFrame, rules: Sequence[str], *, samples: int) -> DataFrame:
    """Give rule, ticker, session_date and `keys`: the first `samples` rows that break a condition.

    Ticker and session_date are null where a row has none.

    Args:
        rows: `facts.marked`.
        rules: Names of conditions.
        samples: How many.
    """
    found = broken_rows(rows).where(F.col("rule").isin(list(rules)))
    keys = F.array_sort(F.collect_set(bar_key(F.col("ts"))))
    return found.groupBy(*SESSION_KEY).agg(F.slice(keys, 1, samples).alias("keys"))


def spelled(value: Column) -> Column:
    """Write a number as Python's `:.6g` does: Java keeps the zeros at its end."""
    text = F.format_string("%.6g", value)
    shorter = F.regexp_replace(text, r"(\.[0-9]*?)0+(?=e|$)", "$1")
    return F.regexp_replace(shorter, r"\.(?=e|$)", "")


def _entry(limit: Limit) -> Column:
    return F.struct(
        F.lit(limit.rule).alias("rule"),
        F.lit(limit.severity).alias("severity"),
        F.lit(limit.expected).alias("expected"),
        limit.value.alias("value"),
        (~limit.is_broken).alias("passed"),
        limit.shown_by.alias("ts"),
    )
