"""landing/ -> bronze.bars, silver.quarantine, ref.sessions, ref.actions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import structlog
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.io.frozen import frozen
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import bronze, ref, silver
from barlake.model.landed import Release
from barlake.pipelines import ledger
from barlake.pipelines.delivery import Delivery, received, requests
from barlake.settings import Settings
from barlake.transforms.accounts import actions, audit
from barlake.transforms.ledger import corrected_ledger, new_revisions, of_sessions_touched
from barlake.transforms.observations import late_news
from barlake.transforms.release import near_decided
from barlake.transforms.served import instant
from barlake.transforms.validity import no_longer_refused, refused

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest did: the rows for ops, and the commits that it made.

    `is_recall` tells that releases had older files judged again; `refused` are the rows that were
    quarantined: ticker, session_date, ts (UTC; null where it cannot be read).
    """

    audit: DataFrame
    requests: DataFrame
    counts: dict[str, int]
    sessions: list[date]
    commits: dict[str, Commit | None] = field(default_factory=dict)
    is_recall: bool = False
    refused: DataFrame | None = None


def ingest(
    lake: Lake,
    settings: Settings,
    batches: Sequence[Batch],
    decisions: Sequence[Release] = (),
) -> Ingested:
    """Judge what landed, refuse what is wrong, and add what is news to the ledger.

    Quarantine is written first: where it cannot be, nothing is published.

    Args:
        lake: Where to.
        settings: Of share units.
        batches: Landing files; those that were ingested before change nothing.
        decisions: Releases: the rows that they name are judged again, in their own files' place.
    """
    keep_calendar(lake)
    recalled = ledger.recalled(lake, batches, decisions)
    given = Delivery(new=batches, decisions=decisions, recalled=recalled)
    whole = lake.stage("judged", ledger.judge(lake, given.batches))
    judged = near_decided(whole, given.releases, given.requests) if recalled else whole
    announced = _keep_actions(lake, judged, given.batches)
    known = _in_place(lake, settings, judged, given)
    # What was read beside it, to put it in place, was received before.
    rows = received(known.rows, given) if known.is_late else known.rows
    accounts = frozen(audit(rows))
    counts = _totals(accounts)
    commits = {"ref.actions": announced}
    if known.is_late or decisions or counts["quarantined"]:
        commits["silver.quarantine"] = lake.merge(silver.QUARANTINE, known.refused)
    if known.is_late or counts["new"] or counts["changed"]:
        commits["bronze.bars"] = lake.merge(bronze.BARS, known.news, ledger.bars_of(known.days))
    asked, sessions = requests(lake, whole, given)
    logger.info("ingested", batches=len(batches), sessions=len(known.days), **counts)
    bad = rows.where(F.col("fate") == "quarantined").select("ticker", "session_date", "ts")
    return Ingested(accounts, asked, counts, sessions, commits, bool(recalled), bad)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Every row's fate, and what bronze and the quarantine must become in the sessions touched."""

    days: list[date]
    rows: DataFrame
    news: DataFrame
    refused: DataFrame
    is_late: bool


def _in_place(lake: Lake, settings: Settings, judged: DataFrame, given: Delivery) -> _Known:
    """Put what was judged in the order in which it became known."""
    days = arrow.dates(judged.where(F.col("rule").isNull()), "session_date")
    held = ledger.held_revisions(lake, days)
    rows = lake.stage("observations", ledger.classified(lake, settings, judged, held))
    if not given.recalled and late_news(rows, ledger.requests_of(lake, days)).isEmpty():
        news, bad = new_revisions(rows), refused(rows, judged)
        return _Known(days=days, rows=rows, news=news, refused=bad, is_late=False)
    # Only what this delivery touches is derived again: other tickers' revisions stay.
    touched = of_sessions_touched(held, judged)
    everything = lake.stage("judged_late", ledger.in_order(lake, judged, given.batches))
    nothing = ledger.held_revisions(lake, [])
    rows = lake.stage("late", ledger.classified(lake, settings, everything, nothing))
    news = corrected_ledger(new_revisions(rows), touched)
    bad = lake.stage("refused", refused(rows, everything).withColumn("is_gone", F.lit(False)))
    minutes = of_sessions_touched(rows, judged).select("ticker", "ts").distinct()
    stored = lake.read(silver.QUARANTINE).withColumn("ts", instant("ts_text"))
    gone = no_longer_refused(stored, bad, minutes)
    changes = bad.unionByName(gone, allowMissingColumns=True)
    return _Known(days=days, rows=rows, news=news, refused=changes, is_late=True)


def _keep_actions(lake: Lake, judged: DataFrame, batches: Sequence[Batch]) -> Commit | None:
    if all(batch.source == "files" for batch in batches):
        return None  # a file has no column for them
    return lake.merge(ref.ACTIONS, actions(judged.where(F.col("rule").isNull())))


def keep_history(lake: Lake, batches: Sequence[Batch]) -> Commit | None:
    """Bring splits and dividends that landed apart into ref.actions."""
    if not batches:
        return None
    at = F.from_utc_timestamp(instant("ts_text"), calendar.EXCHANGE_ZONE)
    told = ledger.served(lake, batches).withColumn("session_date", F.to_date(at))
    return lake.merge(ref.ACTIONS, actions(told))


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


def _totals(accounts: DataFrame) -> dict[str, int]:
    names = ("received", "new", "changed", "unchanged", "duplicate", "quarantined")
    [row] = arrow.rows(accounts.agg(*(F.sum(n).alias(n) for n in names)))
    return {name: int(row[name] or 0) for name in names}


def _last_session(last: date) -> date:
    return calendar.sessions(last)[-1].session_date
