"""Good rows one way, broken ones the other, with the reason."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.model.landed import TEXTS
from barlake.model.rules import CONFLICTING_DUPLICATE, ROW_RULES, RULES, Rule
from barlake.transforms.frames import PRICES

_SAME = ("request_id", "fetched_at", "ticker", "_ts", "_text")


def with_rule(rows: DataFrame, rules: Sequence[Rule] = ROW_RULES) -> DataFrame:
    """Add `rule`: the first of the rules that the row breaks; null for a good one.

    Takes rows as `served.with_session(served.typed(...))` gives them, or `daily.placed`.
    """
    broken = [F.when(~_holds(rule.holds), F.lit(rule.name)) for rule in rules]
    return rows.withColumn("rule", F.coalesce(*broken))


def with_repeats(judged: DataFrame) -> DataFrame:
    """Tell repeated rows of one delivery from contradicting ones.

    A delivery is what one request brought at one knowledge time. Rows of one key that say the same
    are one row and its duplicates; rows that differ are both refused.

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
    differs = F.coalesce(F.min("_said").over(same) != F.max("_said").over(same), F.lit(False))
    first_so = F.min("row").over(Window.partitionBy(*_SAME, "_said"))
    return (
        rows.withColumns({"_differs": differs, "is_duplicate": F.col("row") != first_so})
        .withColumn(
            "rule",
            F.when(F.col("_differs"), F.lit(CONFLICTING_DUPLICATE.name)).otherwise(F.col("rule")),
        )
        .drop("_ts", "_text", "_said", "_differs")
    )


def refused(classified: DataFrame, judged: DataFrame) -> DataFrame:
    """Give the rows of silver.quarantine: one for each refused row, `run_id` left out.

    Several refused rows of one request with the same ticker, time and rule would share a key: from
    the second on the row's position is added to `request_id`.

    Args:
        classified: Every row's fate.
        judged: The same rows with their texts.
    """
    reasons = F.create_map(*(F.lit(t) for rule in RULES for t in (rule.name, rule.reason)))
    severities = F.create_map(*(F.lit(t) for rule in RULES for t in (rule.name, rule.severity)))
    blank = {name: F.coalesce(name, F.lit("")) for name in ("ticker", "ts_text")}
    key = Window.partitionBy("request_id", "ticker", "ts_text", "rule").orderBy("row")
    suffix = F.concat_ws("/", "request_id", F.col("row").cast("string"))
    bad = classified.where(F.col("fate") == "quarantined").select("request_id", "row", "rule")
    return (
        judged.drop("rule")
        .join(F.broadcast(bad), ["request_id", "row"], how="inner")
        .withColumns(blank)
        .withColumn("_position", F.row_number().over(key))
        .withColumns({"reason": reasons[F.col("rule")], "severity": severities[F.col("rule")]})
        .withColumn(
            "request_id", F.when(F.col("_position") > 1, suffix).otherwise(F.col("request_id"))
        )
        .withColumns(
            {
                "raw": _raw(),
                "released_at": F.lit(None).cast("timestamp"),
                "released_by": F.lit(None).cast("string"),
            }
        )
    )


def _raw() -> Column:
    names = ("ticker", "ts_text", *(f"{name}_text" for name in TEXTS), "fetched_at_text")
    fields = F.to_json(F.struct(*(F.col(n).alias(n.removesuffix("_text")) for n in names)))
    return F.coalesce("raw", fields)


def _holds(condition: str) -> Column:
    return F.coalesce(F.expr(condition), F.lit(False))
