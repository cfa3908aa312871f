"""When each session was due, and what became of it: on time, late, or still missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

RULE = "freshness"
TABLE = "silver.bars_1m"
MISSING = "missing"
ON_TIME = "on time"
# Sessions that are looked back upon: a month says enough.
LOOK_BACK = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What became of one session: `late_minutes` is 0 where it came by its deadline.

    Of a session that is still missing they count to the moment of the look.
    """

    session_date: date
    deadline: datetime
    late_minutes: int
    is_missing: bool = False

    @property
    def state(self) -> str:
        """Give it in words: `on time`, `35 minutes late` or `missing`."""
        if self.is_missing:
            return MISSING
        if not self.late_minutes:
            return ON_TIME
        return f"{self.late_minutes} minute{'s' if self.late_minutes > 1 else ''} late"


def deadlines(
    closes: Mapping[date, datetime], *, since: datetime, settle_minutes: int, deadline_minutes: int
) -> dict[date, datetime]:
    """Give each session's deadline: its close, the minutes to settle, and those of the setting.

    Sessions that were due before `since` are left out: what a lake's first run, or a backfill,
    brings of the past was never promised for then.
    """
    wait = timedelta(minutes=settle_minutes + deadline_minutes)
    due = {day: close + wait for day, close in closes.items()}
    return {day: moment for day, moment in due.items() if moment > since}


def arrivals(
    due: Mapping[date, datetime], published: Mapping[date, datetime], now: datetime
) -> list[Arrival]:
    """Tell what became of the sessions that were published, or whose deadline has passed.

    A session's first publication is the instant at which silver.coverage first held a ticker of it
    as settled: read after its close. How complete it then was, coverage says.

    Args:
        due: Deadline by session.
        published: First publication by session, for those that were.
        now: The moment of the look.
    """
    told = []
    for day, deadline in sorted(due.items()):
        came = published.get(day)
        if came is None and now <= deadline:
            continue
        late = max((came or now) - deadline, timedelta())
        told.append(
            Arrival(
                session_date=day,
                deadline=deadline,
                late_minutes=-(-late // timedelta(minutes=1)),
                is_missing=came is None,
            )
        )
    return told


def finding(arrival: Arrival) -> dict[str, Any]:
    """Give the row of ops.dq_results, `run_id` left out."""
    return {
        "table": TABLE,
        "rule": RULE,
        "ticker": "",
        "session_date": arrival.session_date,
        "severity": "warning",
        "observed": arrival.state,
        "expected": f"published by {arrival.deadline.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "passed": arrival.state == ON_TIME,
        "sample_keys": [],
    }


def told(row: Mapping[str, Any]) -> Arrival:
    """Read a row of ops.dq_results back; one of a missing session says nothing of how long."""
    observed = str(row["observed"])
    return Arrival(
        session_date=row["session_date"],
        deadline=datetime.fromisoformat(str(row["expected"]).removeprefix("published by ")),
        late_minutes=0 if observed in {MISSING, ON_TIME} else int(observed.partition(" ")[0]),
        is_missing=observed == MISSING,
    )
