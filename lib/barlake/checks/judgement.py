"""The facts of a batch -> a verdict, and the page that explains it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake.checks import judge, report
from barlake.checks.limits import Limit, failures, judged, limits
from barlake.checks.verdict import Verdict, key_of, verdict
from barlake.io import arrow
from barlake.settings import QualitySettings
from barlake.transforms.facts import STRUCTURE, broken_rows

# Of one limit: a page that is to be read, and a table that is to stay small.
RESULTS_MAX = 200
Keys = dict[tuple[str, str, date], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Which batch is judged: the run, its clock, and its newest session."""

    run_id: str
    now: datetime
    newest: date


def judgement(
    facts: DataFrame, rows: DataFrame | None, conf: QualitySettings, batch: Batch
) -> tuple[Verdict, str]:
    """Hold facts against every limit; give the verdict, and its page as HTML.

    Args:
        facts: One row per ticker and session, and one of the batch (`refusals.with_batch`).
        rows: The rows behind them (`facts.marked`), to find the keys of those that are broken.
        conf: The rules.
        batch: What is judged.
    """
    wanted = limits(conf)
    kept = facts.localCheckpoint()
    result = judge.validate(judged(kept, wanted), wanted, name=f"staged by {batch.run_id}")
    outcomes = judge.outcomes(wanted, result)
    broken = [o.limit for o in outcomes if not (o.passed or o.fault)]
    found = arrow.rows(failures(kept, broken, results_max=RESULTS_MAX)) if broken else []
    keys = _keys(rows, broken, conf.samples)
    told = verdict(outcomes, found, keys, newest=batch.newest, samples=conf.samples)
    return told, report.page(result, told, run_id=batch.run_id, now=batch.now)


def _keys(rows: DataFrame | None, broken: Sequence[Limit], samples: int) -> Keys:
    names = [limit.rule for limit in broken if limit.rule in STRUCTURE]
    if rows is None or not names:
        return {}
    key = ["rule", "ticker", "session_date"]
    found = broken_rows(rows).where(F.col("rule").isin(names) & F.col("ticker").isNotNull())
    some = found.groupBy(*key).agg(
        F.slice(F.array_sort(F.collect_set("ts")), 1, samples).alias("ts")
    )
    return {
        (row["rule"], row["ticker"], row["session_date"]): [
            key_of(row["ticker"], ts) for ts in row["ts"]
        ]
        for row in arrow.rows(some)
    }
