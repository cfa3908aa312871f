"""Decisions to let refused rows in, put beside the rows that they name."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.model.rules import Rule

_MARK = "STRUCT<rule: STRING, release_id: STRING, released_at: TIMESTAMP, released_by: STRING>"


def with_releases(rows: DataFrame, decided: DataFrame | None) -> DataFrame:
    """Add `releases`: the rules that a row was released from, each with its first decision.

    Args:
        rows: Rows of landing files.
        decided: Rows of releases (`model.landed.DECIDED`); None where nothing was ever released.
    """
    none = F.array().cast(f"ARRAY<{_MARK}>")
    if decided is None:
        return rows.withColumn("releases", none)
    mark = F.struct("rule", "release_id", "released_at", "released_by")
    first = F.min_by(mark, F.struct("released_at", "release_id"))
    marks = (
        decided.groupBy("request_id", "row", "rule")
        .agg(first.alias("_mark"))
        .groupBy("request_id", "row")
        .agg(F.array_sort(F.collect_list("_mark")).cast(f"ARRAY<{_MARK}>").alias("releases"))
    )
    joined = rows.join(marks, ["request_id", "row"], how="left")
    return joined.withColumn("releases", F.coalesce("releases", none))


def is_let_through(rule: Rule) -> Column:
    """Hold where a decision sets the rule aside for this row; never where it can be no bar."""
    if not rule.releasable:
        return F.lit(False)
    return F.coalesce(F.array_contains(F.col("releases.rule"), rule.name), F.lit(False))


def is_decided(releases: Sequence[str]) -> Column:
    """Hold on the rows that one of these decisions names."""
    these = F.array(*(F.lit(name) for name in releases)).cast("ARRAY<STRING>")
    return F.coalesce(F.arrays_overlap(F.col("releases.release_id"), these), F.lit(False))


def near_decided(judged: DataFrame, releases: Sequence[str], new: Sequence[str]) -> DataFrame:
    """Keep rows of the requests `new`, and all of the tickers and sessions of decided rows."""
    is_new = F.col("request_id").isin(list(new))
    marked = judged.where(is_decided(releases))
    pairs = marked.select("ticker", "session_date").distinct().withColumn("_near", F.lit(True))
    near = judged.join(F.broadcast(pairs), ["ticker", "session_date"], how="left")
    return near.where(is_new | F.col("_near") | is_decided(releases)).drop("_near")


def decisions_of(judged: DataFrame, releases: Sequence[str]) -> DataFrame:
    """Give, per decision, `rows` and the minutes that they span (UTC): `first_ts`, `last_ts`."""
    return (
        judged.select("ts", F.explode("releases").alias("_mark"))
        .where(F.col("_mark.release_id").isin(list(releases)))
        .groupBy(F.col("_mark.release_id").alias("release_id"))
        .agg(
            F.count("*").alias("rows"), F.min("ts").alias("first_ts"), F.max("ts").alias("last_ts")
        )
    )
