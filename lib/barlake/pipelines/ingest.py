"""landing/ -> bronze.bars, silver.quarantine, ref.sessions, ref.actions."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import bronze, ops, ref, silver
from barlake.pipelines import ledger
from barlake.settings import Settings
from barlake.transforms.accounts import actions, audit, requests_of_files
from barlake.transforms.ledger import corrected_ledger, new_revisions, of_sessions_touched
from barlake.transforms.observations import late_news
from barlake.transforms.validity import refused

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did: the rows for ops, and the commits that it made."""

    audit: DataFrame
    requests: DataFrame
    counts: dict[str, int]
    sessions: list[date]
    commits: dict[str, Commit | None] = field(default_factory=dict)


def ingest(lake: Lake, settings: Settings, batches: Sequence[Batch]) -> Ingested:
    """Judge what landed, refuse what is wrong, and add what is news to the ledger.

    Quarantine is written first: where it cannot be, nothing is published.

    Args:
        lake: Where to.
        settings: Of share units.
        batches: Landing files; those that were ingested before change nothing.
    """
    keep_calendar(lake)
    judged = lake.stage("judged", ledger.judge(lake, batches))
    days = arrow.dates(judged.where(F.col("rule").isNull()), "session_date")
    commits = {"ref.actions": _keep_actions(lake, judged, batches)}
    held = ledger.held_revisions(lake, days)
    rows = lake.stage("observations", ledger.classified(lake, settings, judged, held))
    news = new_revisions(rows)
    accounts = audit(rows).localCheckpoint()
    is_late = not late_news(rows, ledger.requests_of(lake, days)).isEmpty()
    if is_late:
        # Only what this delivery touches is derived again: other tickers' revisions stay.
        touched = of_sessions_touched(held, judged)
        judged = lake.stage("judged_late", ledger.in_order(lake, judged, batches))
        nothing = ledger.held_revisions(lake, [])
        rows = lake.stage("late", ledger.classified(lake, settings, judged, nothing))
        news = corrected_ledger(new_revisions(rows), touched)
        accounts = audit(_received(rows, batches)).localCheckpoint()
    counts = _totals(accounts)
    if is_late or counts["quarantined"]:
        commits["silver.quarantine"] = lake.merge(silver.QUARANTINE, refused(rows, judged))
    if is_late or counts["new"] or counts["changed"]:
        commits["bronze.bars"] = lake.merge(bronze.BARS, news, ledger.bars_of(days))
    requests = _requests(lake, judged, batches).localCheckpoint()
    logger.info("ingested", batches=len(batches), sessions=len(days), **counts)
    return Ingested(accounts, requests, counts, sessions_of(requests), commits)


def _keep_actions(lake: Lake, judged: DataFrame, batches: Sequence[Batch]) -> Commit | None:
    if all(batch.source == "files" for batch in batches):
        return None  # a file has no column for them
    return lake.merge(ref.ACTIONS, actions(judged))


def keep_calendar(lake: Lake) -> None:
    """Bring ref.sessions up to date: new once a year, or with a new calendar."""
    last = calendar.horizon(lake.now)
    known = lake.read(ref.SESSIONS).agg(F.max("session_date"), F.max("calendar_version")).first()
    if known is not None and tuple(known) == (_last_session(last), calendar.CALENDAR_VERSION):
        return
    rows = [
        {
            "exchange": calendar.EXCHANGE,
            "session_date": day.session_date,
            "open_utc": day.open_utc,
            "close_utc": day.close_utc,
            "minutes": day.minutes,
            "is_early_close": day.is_early_close,
            "calendar_version": calendar.CALENDAR_VERSION,
        }
        for day in calendar.sessions(last)
    ]
    lake.merge(ref.SESSIONS, arrow.frame(lake.spark, ref.SESSIONS, rows))


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


def _received(classified: DataFrame, batches: Sequence[Batch]) -> DataFrame:
    ids = {fact.request_id for batch in batches for fact in batch.facts}
    return classified.where(F.col("request_id").isin(sorted(ids)))


def _requests(lake: Lake, judged: DataFrame, batches: Sequence[Batch]) -> DataFrame:
    files = [batch for batch in batches if batch.source == "files"]
    vendors = [batch for batch in batches if batch.source != "files"]
    found = requests_of_files(judged.where(F.col("source") == "files"), _facts(lake, files))
    return _facts(lake, vendors).unionByName(found)


def _facts(lake: Lake, batches: Sequence[Batch]) -> DataFrame:
    rows = [
        asdict(fact) | {"source": batch.source, "run_id": lake.run_id, "ticker": fact.ticker or ""}
        for batch in batches
        for fact in batch.facts
    ]
    return arrow.frame(lake.spark, ops.REQUESTS, rows)


def _totals(accounts: DataFrame) -> dict[str, int]:
    names = ("received", "new", "changed", "unchanged", "duplicate", "quarantined")
    [row] = arrow.rows(accounts.agg(*(F.sum(n).alias(n) for n in names)))
    return {name: int(row[name] or 0) for name in names}


def _last_session(last: date) -> date:
    return calendar.sessions(last)[-1].session_date
