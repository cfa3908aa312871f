"""The gate's suite: what the table's declaration demands, and the market rules of conf/."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from barlake.model.structure import CONDITIONS
from barlake.settings import QualitySettings

CRITICAL, WARNING = "critical", "warning"
# NaN and infinity are above every limit; a page and a table need a number.
_HUGE = 1e308
# Which minute of a session shows best what its fact says; the first one observed for all others.
_SHOWN_BY = {
    "bar_ratio": "widest_ts",
    "stale_minutes": "last_ts",
    "missing_share": "last_ts",
    "is_empty": "open_utc",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a fact may be at most, for all tickers but `others`, or for `ticker` alone.

    A market rule says nothing where its fact is null; a structural one then fails.
    """

    rule: str
    fact: str
    severity: str
    max: float
    sentence: str
    ticker: str | None = None
    others: tuple[str, ...] = ()
    is_structural: bool = False

    @property
    def name(self) -> str:
        """Name of the column judged; each limit has its own."""
        return self.rule if self.ticker is None else f"{self.rule} of {self.ticker}"

    @property
    def expected(self) -> str:
        """What the rule wants, in words."""
        return f"{self.fact} at most {self.max:g}"

    @property
    def value(self) -> Column:
        """The fact, where this limit is about it; a missing structural one is above its limit."""
        fact = F.col(self.fact)
        if self.ticker is not None:
            fact = F.when(F.col("ticker") == self.ticker, fact)
        elif self.others:
            fact = F.when(~F.col("ticker").isin(list(self.others)), fact)
        told = fact if self.is_structural else F.coalesce(fact, F.lit(0.0))
        return F.least(told, F.lit(_HUGE))

    @property
    def is_broken(self) -> Column:
        """Hold where a session breaks it."""
        return self.value > self.max


def limits(conf: QualitySettings) -> list[Limit]:
    """Give every limit that a batch is held against."""
    structural = [
        Limit(
            rule=condition.name,
            fact=condition.name,
            severity=CRITICAL,
            max=0,
            sentence=condition.reason,
            is_structural=True,
        )
        for condition in CONDITIONS
    ]
    return structural + [limit for name in conf.rules for limit in _of_rule(conf, name)]


def judged(facts: DataFrame, wanted: Sequence[Limit]) -> DataFrame:
    """Give one column for each limit, named after it; none for a fact that nobody computes.

    So its expectation raises, and the batch is blocked: a misspelt rule must not pass.
    """
    known = set(facts.columns)
    return facts.select(*(w.value.alias(w.name) for w in wanted if w.fact in known))


def failures(facts: DataFrame, broken: Sequence[Limit], *, results_max: int) -> DataFrame:
    """Give ticker, session_date, limit, value and ts of what breaks some limits, worst first.

    `ts` (UTC) is the minute that shows it. At most `results_max` rows of one limit.
    """
    entries = [
        F.when(
            limit.is_broken,
            F.struct(
                F.lit(limit.name).alias("limit"),
                limit.value.alias("value"),
                F.col(_SHOWN_BY.get(limit.fact, "first_ts")).alias("ts"),
            ),
        )
        for limit in broken
    ]
    of_sessions = (F.col("ticker") != "") & F.col("session_date").isNotNull()
    worst = Window.partitionBy("limit").orderBy(F.desc("value"), "ticker", "session_date")
    return (
        facts.where(of_sessions & reduce(or_, [limit.is_broken for limit in broken]))
        .select("ticker", "session_date", F.explode(F.array_compact(F.array(*entries))).alias("_b"))
        .select("ticker", "session_date", "_b.*")
        .withColumn("_at", F.row_number().over(worst))
        .where(F.col("_at") <= results_max)
        .drop("_at")
    )


def _of_rule(conf: QualitySettings, name: str) -> list[Limit]:
    rule = conf.rules[name]
    shared: dict[str, Any] = {
        "rule": name,
        "fact": rule.fact,
        "severity": rule.severity,
        "sentence": rule.sentence,
    }
    own = [Limit(**shared, max=value, ticker=ticker) for ticker, value in rule.tickers.items()]
    return [Limit(**shared, max=rule.max, others=tuple(rule.tickers)), *own]
