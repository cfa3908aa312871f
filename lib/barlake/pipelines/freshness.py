"""Whether sessions were published by their deadlines -> rows for ops.dq_results."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import structlog

from barlake import calendar
from barlake.io import delta_rs
from barlake.io.lake import Lake
from barlake.model import jobs, ops, silver
from barlake.model.table import Table
from barlake.pipelines.underway import Night
from barlake.transforms.freshness import (
    LOOK_BACK,
    RULE,
    Arrival,
    arrivals,
    deadlines,
    finding,
    told,
)

logger = structlog.get_logger()

# What publishes sessions night by night.
JUDGED = frozenset(job.name for job in (jobs.RUN, jobs.SILVER, jobs.RELEASE))
Filters = list[tuple[str, str, Any]]


def note_arrivals(night: Night, job: str, now: datetime) -> None:
    """Add to the night's findings what became of the sessions that came, or came due.

    A session gets its row when it is published, and one before that where a run found it missing:
    a second run over the same adds none. Called at the end, however the night ended: what the gate
    stopped is missing as well.

    Args:
        night: The night; its silver is published by now, or will not be.
        job: The run's job.
        now: The run's clock by now: when readers could see what it published.
    """
    if job not in JUDGED:
        return
    due = _due(night, now)
    if not due:
        return
    before = _told(night.lake, min(due))
    open_ones = {d: at for d, at in due.items() if d not in before or before[d].is_missing}
    if not open_ones:
        return
    found = arrivals(open_ones, _published(night.lake, min(open_ones), now), now)
    for arrival in found:
        if arrival.is_missing and arrival.session_date in before:
            continue
        night.findings.append(finding(arrival))
        if arrival.late_minutes:
            day = arrival.session_date.isoformat()
            logger.warning("session late", session_date=day, state=arrival.state)


def _due(night: Night, now: datetime) -> dict[date, datetime]:
    settle = night.settings.timing.settle_minutes
    over = calendar.closed_before(now - timedelta(minutes=settle), LOOK_BACK)
    return deadlines(
        {day.session_date: day.close_utc for day in over},
        since=_first_run(night.lake),
        settle_minutes=settle,
        deadline_minutes=night.settings.freshness.deadline_minutes,
    )


def _first_run(lake: Lake) -> datetime:
    """Give the start of the lake's first run that came to its end: before, nothing was due."""
    rows = _rows(lake, ops.RUNS, ("started_at", "status"), [])
    ended = [row["started_at"] for row in rows if row["status"] in ("ok", "blocked")]
    return min(ended, default=lake.now)


def _told(lake: Lake, start: date) -> dict[date, Arrival]:
    """Give what earlier runs said of the sessions from `start` on; the publication wins.

    A run of the same name does not count: what it says now takes the place of that.
    """
    columns = ("run_id", "rule", "session_date", "observed", "expected")
    wanted: Filters = [("session_date", ">=", start), ("rule", "=", RULE)]
    rows = _rows(lake, ops.DQ_RESULTS, columns, wanted)
    said = [told(row) for row in rows if row["run_id"] != lake.run_id]
    in_order = sorted(said, key=lambda arrival: not arrival.is_missing)
    return {arrival.session_date: arrival for arrival in in_order}


def _published(lake: Lake, start: date, now: datetime) -> dict[date, datetime]:
    """Give when each session was published first: now, where this very run settled it.

    Else by the run that computed its oldest settled row, which died before it could say so.
    """
    columns = ("session_date", "is_settled", "computed_at")
    rows = _rows(lake, silver.COVERAGE, columns, [("session_date", ">=", start)])
    first: dict[date, datetime] = {}
    for row in rows:
        if row["is_settled"]:
            day, at = row["session_date"], row["computed_at"]
            first[day] = min(first.get(day, now), now if at >= lake.now else at)
    return first


def _rows(
    lake: Lake, table: Table, columns: Sequence[str], filters: Filters
) -> list[dict[str, Any]]:
    """Read a few small rows without a Spark job, whose start costs more than they do."""
    opened = delta_rs.opened(lake.store, table)
    found = opened.to_pyarrow_table(columns=list(columns), filters=filters or None)
    return list(found.to_pylist())
