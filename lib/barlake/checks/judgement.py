"""The facts of a batch -> a verdict, the page that explains it, and every result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake.checks import judge, report
from barlake.checks.limits import Limit, judged, limits
from barlake.checks.results import results, structural_keys, worst
from barlake.checks.verdict import Verdict, verdict
from barlake.io import arrow
from barlake.io.frozen import frozen
from barlake.sections import QualitySettings
from barlake.transforms.facts import STRUCTURE
from barlake.transforms.frames import bar_key

# Of one rule, on a page that is to be read.
RESULTS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Which batch is judged: the run, its clock, and its newest session."""

    run_id: str
    now: datetime
    newest: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict, its page, and what every limit says of every session: `results.results`."""

    verdict: Verdict
    html: str
    results: DataFrame

    def at(self, report: str) -> "Judgement":
        """The same with its page written."""
        return replace(self, verdict=self.verdict.at(report))


def judgement(
    facts: DataFrame,
    rows: DataFrame | None,
    behind: Mapping[str, DataFrame],
    conf: QualitySettings,
    batch: Batch,
) -> Judgement:
    """Hold facts against every limit.

    Args:
        facts: One row per ticker and session, and one of the batch (`refusals.with_batch`), cheap
            to look at several times.
        rows: The rows behind them (`facts.marked`), to find the keys of those that are broken.
        behind: What stands behind facts of the batch, by fact: `ticker` and `ts`, in the order in
            which they are to be named.
        conf: The rules.
        batch: What is judged.
    """
    wanted = limits(conf)
    result = judge.validate(judged(facts, wanted), wanted, name=f"staged by {batch.run_id}")
    outcomes = judge.outcomes(wanted, result)
    broken = [o.limit for o in outcomes if not (o.passed or o.fault)]
    keys = _structural(rows, broken, conf.samples)
    every = results(facts, wanted, keys)
    found = arrow.rows(worst(every, results_max=RESULTS_MAX)) if broken else []
    named = _named(broken, behind, keys, conf.samples)
    told = verdict(outcomes, found, named, newest=batch.newest, samples=conf.samples)
    page = report.page(result, told, run_id=batch.run_id, now=batch.now)
    return Judgement(verdict=told, html=page, results=every)


def _structural(rows: DataFrame | None, broken: Sequence[Limit], samples: int) -> DataFrame | None:
    names = [limit.rule for limit in broken if limit.rule in STRUCTURE]
    if rows is None or not names:
        return None
    return frozen(structural_keys(rows, names, samples=samples))


def _named(
    broken: Sequence[Limit],
    behind: Mapping[str, DataFrame],
    keys: DataFrame | None,
    samples: int,
) -> dict[str, list[str]]:
    """Name what belongs to no session, by rule: rows without one, and what a whole batch is of."""
    named: dict[str, list[str]] = {}
    if keys is not None:
        nowhere = keys.where(F.col("ticker").isNull() | F.col("session_date").isNull())
        for row in arrow.rows(nowhere):
            named.setdefault(row["rule"], []).extend(row["keys"])
    for limit in (limit for limit in broken if limit.fact in behind):
        some = behind[limit.fact].limit(samples).select(bar_key(F.col("ts")).alias("key"))
        named[limit.rule] = [row["key"] for row in arrow.rows(some)]
    return named
