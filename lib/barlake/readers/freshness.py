"""Which sessions came on time, came late, or are still missing: as the lake looks now."""

from datetime import datetime, timedelta

from barlake.readers.frames import OpenLake
from barlake.settings import Settings
from barlake.transforms.freshness import (
    LOOK_BACK,
    MISSING,
    RULE,
    Arrival,
    arrivals,
    deadlines,
    told,
)

_FIRST_RUN = (
    "SELECT 'first', epoch_us(min(started_at)) FROM ops.runs WHERE status IN ('ok', 'blocked')"
)
_OVER = """
SELECT session_date, epoch_us(close_utc) FROM ref.sessions WHERE close_utc <= getvariable('last')
ORDER BY close_utc DESC LIMIT getvariable('count')
"""
# The publication wins: of a session that was missing first there are two rows.
_TOLD = """
SELECT DISTINCT ON (session_date) session_date, observed, expected FROM ops.dq_results
WHERE rule = ':rule' AND observed <> ':missing' AND session_date >= getvariable('start')
ORDER BY session_date, run_id
""".replace(":rule", RULE).replace(":missing", MISSING)
_PUBLISHED = """
SELECT session_date, epoch_us(min(computed_at)) FROM silver.coverage
WHERE is_settled AND session_date >= getvariable('start') GROUP BY session_date
"""


def look(lake: OpenLake, settings: Settings, now: datetime) -> list[Arrival]:
    """Give what became of the last sessions that were due or came before that, newest first.

    Of those that a run has told of, what ops.dq_results says; the others are looked at now, so that
    a session is missing here although no run has started since.
    """
    first = lake.instants(_FIRST_RUN)
    if not first:
        return []
    settle = settings.timing.settle_minutes
    lake.name(last=now - timedelta(minutes=settle), count=LOOK_BACK)
    due = deadlines(
        dict(lake.instants(_OVER)),
        since=first[0][1],
        settle_minutes=settle,
        deadline_minutes=settings.freshness.deadline_minutes,
    )
    if not due:
        return []
    lake.name(start=min(due))
    known = [told(row) for row in lake.rows(_TOLD)]
    published = dict(lake.instants(_PUBLISHED))
    said = {arrival.session_date for arrival in known}
    found = arrivals({d: at for d, at in due.items() if d not in said}, published, now)
    return sorted([*known, *found], key=lambda arrival: arrival.session_date, reverse=True)
