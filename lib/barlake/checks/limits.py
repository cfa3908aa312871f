"""The gate's suite: what the table's declaration demands, and the market rules of conf/."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.model.structure import CONDITIONS
from barlake.sections import QualitySettings

CRITICAL, WARNING = "critical", "warning"
# NaN and infinity are above every limit; a page and a table need a number.
_HUGE = 1e308
# Which minute of a session shows best what its fact says; the first one observed for all others.
_SHOWN_BY = {
    "beyond_calendar": "last_ts",
    "mixed_minutes": "rare_unit_ts",
    "bar_ratio": "widest_ts",
    "missing_share": "missing_ts",
    "filled_share": "filled_ts",
    "is_empty": "open_utc",
    "stale_minutes": "last_ts",
    "zero_volume_share": "silent_ts",
    "refused_share": "refused_ts",
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
        told = self._fact if self.is_structural else F.coalesce(self._fact, F.lit(0.0))
        return F.least(told, F.lit(_HUGE))

    @property
    def is_told(self) -> Column:
        """Hold where this limit is about a session, and its fact says something of it."""
        return F.lit(self.is_structural) | self._fact.isNotNull()

    @property
    def is_broken(self) -> Column:
        """Hold where a session breaks it."""
        return self.value > self.max

    @property
    def shown_by(self) -> Column:
        """The minute, UTC, that shows best what the fact says."""
        return F.coalesce(_SHOWN_BY.get(self.fact, "first_ts"), "first_ts", "open_utc")

    @property
    def _fact(self) -> Column:
        fact = F.col(self.fact)
        if self.ticker is not None:
            return F.when(F.col("ticker") == self.ticker, fact)
        if self.others:
            return F.when(~F.col("ticker").isin(list(self.others)), fact)
        return fact


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
