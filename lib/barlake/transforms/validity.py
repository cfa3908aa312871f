"""Good rows one way, broken ones the other, with the reason."""

from collections.abc import Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from barlake.model.landed import TEXTS
from barlake.model.rules import CONFLICTING_DUPLICATE, CROSS_ROW_RULES, RULES, Rule
from barlake.transforms.frames import PRICES
from barlake.transforms.release import is_let_through

_SAME = ("request_id", "fetched_at", "ticker", "_ts", "_text")


def with_rule(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Add `rule`: the first of the rules that the row breaks; null for a good one.

    A rule that the row was released from is passed over; `is_let_in` marks the rows that would be
    refused without that. Takes rows as `served.with_session(served.typed(...))` gives them, or
    `daily.placed`, with `releases`.
    """
    broken = [
        F.when(~(_holds(rule.holds) | is_let_through(rule)), F.lit(rule.name)) for rule in rules
    ]
    set_aside = [~_holds(r.holds) & is_let_through(r) for r in rules if r.releasable]
    return rows.withColumns(
        {"rule": F.coalesce(*broken), "is_let_in": reduce(or_, set_aside, F.lit(False))}
    )


def with_repeats(judged: DataFrame) -> DataFrame:
    """Tell repeated rows of one delivery from contradicting ones.

    A delivery is what one request brought at one knowledge time. Rows of one key that say the same
    are one row and its duplicates; rows that differ are both refused. A row that a release let in
    is refused alone where it differs: it takes no row out that was good without it.

    Returns:
        `judged` with `is_duplicate`; `rule` is set where good rows contradict each other.
    """
    is_good = F.col("rule").isNull()
    texts = [F.coalesce(f"{name}_text", F.lit("\0")) for name in ("ts", *TEXTS, "fetched_at")]
    as_served = F.concat_ws("\1", *texts, F.coalesce("raw", F.lit("\0")))
    key = {"_ts": F.when(is_good, F.col("ts")), "_text": F.when(~is_good, as_served)}
    said = F.when(is_good, F.struct(*PRICES, "volume"))
    rows = judged.withColumns({**key, "_said": said})
    same = Window.partitionBy(*_SAME)
    usual = F.when(~F.col("is_let_in"), F.col("_said"))
    differs = F.when(F.col("is_let_in"), _differ(F.col("_said"), same)).otherwise(
        _differ(usual, same)
    )
    contradicts = is_good & differs & ~is_let_through(CONFLICTING_DUPLICATE)
    first_so = F.min("row").over(Window.partitionBy(*_SAME, "_said"))
    return (
        rows.withColumns({"_differs": contradicts, "is_duplicate": F.col("row") != first_so})
        .withColumn(
            "rule",
            F.when(F.col("_differs"), F.lit(CONFLICTING_DUPLICATE.name)).otherwise(F.col("rule")),
        )
        .drop("_ts", "_text", "_said", "_differs")
    )


def refused(classified: DataFrame, judged: DataFrame) -> DataFrame:
    """Give the rows of silver.quarantine: one for each refused row, `run_id` left out.

    A row that was released keeps its row, marked; one that breaks another rule has two. Several
    refused rows of one request with the same ticker, time and rule would share a key: from the
    second on the row's position is added to `request_id`.

    Args:
        classified: Every row's fate.
        judged: The same rows with their texts.
    """
    reasons = F.create_map(*(F.lit(t) for rule in RULES for t in (rule.name, rule.reason)))
    severities = F.create_map(*(F.lit(t) for rule in RULES for t in (rule.name, rule.severity)))
    blank = {name: F.coalesce(name, F.lit("")) for name in ("ticker", "ts_text")}
    key = Window.partitionBy("request_id", "ticker", "ts_text", "rule").orderBy("row")
    suffix = F.concat_ws("/", "request_id", F.col("row").cast("string"))
    return (
        judged.drop("rule")
        .join(F.broadcast(_bad(classified)), ["request_id", "row"], how="inner")
        .withColumns(blank)
        .withColumn("_position", F.row_number().over(key))
        .withColumns({"reason": reasons[F.col("rule")], "severity": severities[F.col("rule")]})
        .withColumn(
            "request_id", F.when(F.col("_position") > 1, suffix).otherwise(F.col("request_id"))
        )
        .withColumn("raw", _raw())
    )


def no_longer_refused(stored: DataFrame, now: DataFrame, minutes: DataFrame) -> DataFrame:
    """Give the rows to remove from silver.quarantine, with `is_gone`.

    A rule that compares rows may no longer refuse one once another row came between.

    Args:
        stored: Rows of silver.quarantine, with `ts`.
        now: `refused` of all that ever landed for these minutes.
        minutes: (ticker, ts) that were worked out again.
    """
    of_rows = F.col("rule").isin([rule.name for rule in CROSS_ROW_RULES])
    return (
        stored.where(of_rows & F.col("released_at").isNull())
        .join(F.broadcast(minutes), ["ticker", "ts"], how="left_semi")
        .join(now, ["request_id", "ticker", "ts_text", "rule"], how="left_anti")
        .drop("ts")
        .withColumn("is_gone", F.lit(True))
    )


def _bad(classified: DataFrame) -> DataFrame:
    """Give (request_id, row, rule) of what is refused, and of what was and is released."""
    mark = {"released_at": "timestamp", "released_by": "string"}
    unmarked = [F.lit(None).cast(kind).alias(name) for name, kind in mark.items()]
    bad = classified.where(F.col("fate") == "quarantined").select(
        "request_id", "row", "rule", *unmarked
    )
    released = classified.select("request_id", "row", F.explode("releases").alias("_mark")).select(
        "request_id", "row", "_mark.rule", "_mark.released_at", "_mark.released_by"
    )
    return (
        bad.unionByName(released)
        .groupBy("request_id", "row", "rule")
        .agg(*(F.when(F.count("released_at") == F.count("*"), F.min(n)).alias(n) for n in mark))
    )


def _differ(said: Column, same: WindowSpec) -> Column:
    return F.coalesce(F.min(said).over(same) != F.max(said).over(same), F.lit(False))


def _raw() -> Column:
    names = ("ticker", "ts_text", *(f"{name}_text" for name in TEXTS), "fetched_at_text")
    fields = F.to_json(F.struct(*(F.col(n).alias(n.removesuffix("_text")) for n in names)))
    return F.coalesce("raw", fields)


def _holds(condition: str) -> Column:
    return F.coalesce(F.expr(condition), F.lit(False))
