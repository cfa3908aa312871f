"""What an ingest is given -> the rows of ops.requests, and the sessions that it reaches."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.io.frozen import frozen
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import ops
from barlake.model.landed import OF_MINUTES, RELEASE_SOURCE, Outcome, Release
from barlake.transforms.accounts import requests_of_files
from barlake.transforms.release import decisions_of, is_decided


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Landing files that are new, decisions, and the older files that hold rows decided on."""

    new: Sequence[Batch]
    decisions: Sequence[Release] = ()
    recalled: Sequence[Batch] = ()

    @property
    def batches(self) -> list[Batch]:
        """All files to judge."""
        return [*self.new, *self.recalled]

    @property
    def requests(self) -> list[str]:
        """The ids of the new requests."""
        return sorted({fact.request_id for batch in self.new for fact in batch.facts})

    @property
    def releases(self) -> list[str]:
        """The ids of the decisions."""
        return [decision.release_id for decision in self.decisions]


def received(classified: DataFrame, given: Delivery) -> DataFrame:
    """Keep what this ingest received: rows of new requests, and rows decided on."""
    is_new = F.col("request_id").isin(given.requests)
    return classified.where(is_new | is_decided(given.releases))


def requests(lake: Lake, judged: DataFrame, given: Delivery) -> tuple[DataFrame, list[date]]:
    """Give rows for ops.requests, and the sessions that must be worked out anew.

    Where there are decisions, `is_gone` marks recorded rows to remove.

    Args:
        lake: Where.
        judged: All rows of all files given.
        given: Files and decisions.
    """
    new = frozen(_requests(lake, judged, given.new))
    if not given.decisions:
        return new, sessions_of(new)
    decided = frozen(judged.where(is_decided(given.releases)))
    days = arrow.dates(decided.where(F.col("close_utc").isNotNull()), "session_date")
    old = frozen(_requests(lake, judged, given.recalled))
    reached = {*sessions_of(new), *days, *sessions_of(_stretched(lake, old))}
    taken = arrow.frame(lake.spark, ops.REQUESTS, _decisions(lake, decided, given))
    rows = new.unionByName(old).unionByName(taken).withColumn("is_gone", F.lit(False))
    return rows.unionByName(_replaced(lake, old)), sorted(reached)


def sessions_of(requests: DataFrame) -> list[date]:
    """Give the sessions that some request reached, in order."""
    ranges = arrow.rows(requests.select("range_start", "range_end").distinct().dropna())
    if not ranges:
        return []
    first = min(r["range_start"] for r in ranges).date() - timedelta(days=1)
    last = max(r["range_end"] for r in ranges).date() + timedelta(days=1)
    return [
        day.session_date
        for day in calendar.between(first, last)
        if any(r["range_start"] < day.last and r["range_end"] > day.first for r in ranges)
    ]


def _requests(lake: Lake, judged: DataFrame, batches: Sequence[Batch]) -> DataFrame:
    files = [batch for batch in batches if batch.source == "files"]
    vendors = [batch for batch in batches if batch.source != "files"]
    rows = judged.where(F.col("source") == "files")
    return facts(lake, vendors).unionByName(requests_of_files(rows, facts(lake, files)))


def facts(lake: Lake, batches: Sequence[Batch]) -> DataFrame:
    """Give one row for ops.requests per request."""
    rows = [
        asdict(fact) | {"source": batch.source, "run_id": lake.run_id, "ticker": fact.ticker or ""}
        for batch in batches
        for fact in batch.facts
    ]
    return arrow.frame(lake.spark, ops.REQUESTS, rows)


def _stretched(lake: Lake, old: DataFrame) -> DataFrame:
    """Give the requests of deliveries that reach further than is recorded: a row was let in.

    A delivery reaches as far as any of its tickers, so that all of its requests are concerned.
    """
    known = lake.read(ops.REQUESTS, F.expr(OF_MINUTES))
    alike = ["request_id", "ticker", "received_at", "range_start", "range_end"]
    further = old.dropna(subset=["range_start"]).join(known, alike, how="left_anti")
    moments = further.select("source", "received_at").distinct()
    concerned = known.join(F.broadcast(moments), ["source", "received_at"], how="left_semi")
    return further.select(*known.columns).unionByName(concerned)


def _replaced(lake: Lake, old: DataFrame) -> DataFrame:
    """Give the rows, `is_gone`, of files without a good row that have one now."""
    nobody = lake.read(ops.REQUESTS, F.col("ticker") == "")
    key = ["request_id", "ticker", "received_at"]
    of_these = nobody.join(old, "request_id", how="left_semi").join(old, key, how="left_anti")
    return of_these.withColumn("is_gone", F.lit(True))


def _decisions(lake: Lake, decided: DataFrame, given: Delivery) -> list[dict[str, Any]]:
    found = {row["release_id"]: row for row in arrow.rows(decisions_of(decided, given.releases))}
    return [_decision(lake, d, found.get(d.release_id, {})) for d in given.decisions]


def _decision(lake: Lake, taken: Release, found: dict[str, Any]) -> dict[str, Any]:
    last = found.get("last_ts")
    return {
        "request_id": taken.release_id,
        "run_id": lake.run_id,
        "source": RELEASE_SOURCE,
        "ticker": "",
        "range_start": found.get("first_ts"),
        "range_end": last + timedelta(minutes=1) if last else None,
        "requested_at": taken.released_at,
        "received_at": taken.released_at,
        "attempts": 1,
        "rows": taken.rows,
        "outcome": Outcome.OK.value,
        "detail": f"released by {taken.released_by}: {taken.why}",
    }
