"""Rows of thirty nights, for a quality page that has something to show."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from barlake.model import ops, ref, silver
from barlake.model.table import Table
from barlake.sections import QualityRule
from tests.pages.tables import opened, session, weekdays

Row = dict[str, Any]
NIGHTS = 30
BLOCKED = 26
# Which sessions of which tickers break a rule: every so many nights.
MARKED = {
    "mostly_filled": (4, ("PPLT",)),
    "few_rows": (9, ("SMMT", "ARKB")),
    "without_volume": (7, ("VIX",)),
    "volume_unusual": (6, ("NVDA",)),
    "jump": (13, ("SMMT",)),
}
REFUSED = (
    ("volume_dropped_to_zero", "A stored volume above 0 became 0.", 214),
    ("off_grid", "The time is not a whole minute.", 96),
    ("conflicting_duplicate", "One delivery says two things of one minute.", 12),
    ("price_range", "A price is not above 0, or above 10 million dollars.", 3),
)


def nights(rules: dict[str, QualityRule]) -> dict[Table, list[Row]]:
    """Give runs, what their gates said and what they refused."""
    days = list(weekdays(NIGHTS))
    return {
        ref.SESSIONS: [session(day) for day in days],
        ops.RUNS: [_run(at, day) for at, day in enumerate(days)],
        ops.INGEST_AUDIT: [_received(at, day) for at, day in enumerate(days)],
        ops.DQ_RESULTS: [row for at, day in enumerate(days) for row in _results(at, day, rules)],
        silver.QUARANTINE: list(_refused(days[-1])),
    }


def reports() -> list[str]:
    """Give the addresses of the runs' own reports, below the lake."""
    return [f"pages/quality/{_name(day)}/index.html" for day in weekdays(NIGHTS)]


def _name(day: date) -> str:
    return f"scheduled__{day}T22:00:00+00:00"


def _run(at: int, day: date) -> Row:
    started = opened(day) + timedelta(hours=8)
    is_marked = any(at % every == 0 for every, _ in MARKED.values())
    gate = "blocked" if at == BLOCKED else "warned" if is_marked else "passed"
    return {
        "run_id": _name(day),
        "job": "run",
        "status": "blocked" if at == BLOCKED else "ok",
        "started_at": started,
        "finished_at": started + timedelta(minutes=4),
        "detail": f'{{"verdict": {{"status": "{gate}"}}}}',
    }


def _received(at: int, day: date) -> Row:
    counts = {"received": 312_480 + 37 * at, "new": 78_112 - 11 * at, "changed": 140 + at % 7}
    return {
        "run_id": _name(day),
        "ticker": "",
        "session_date": day,
        **counts,
        "quarantined": 11 * (at % 4),
    }


def _results(at: int, day: date, rules: dict[str, QualityRule]) -> Iterator[Row]:
    for name, rule in rules.items():
        every, tickers = MARKED.get(name, (NIGHTS + 1, ()))
        broken = tickers if at % every == 0 else ()
        if (name, at) == ("other_unit", BLOCKED):
            broken = ("SMMT",)
        usual = {
            "run_id": _name(day),
            "table": "silver.bars_1m",
            "rule": name,
            "session_date": day,
            "severity": rule.severity,
            "expected": f"at most {rule.max:g}",
        }
        yield usual | {"ticker": "", "observed": "", "passed": not broken, "sample_keys": []}
        for ticker in broken:
            keys = [f"{ticker}@{day}T14:30:00Z"]
            found = {"observed": f"{3 * rule.max + 1:g}", "passed": False, "sample_keys": keys}
            yield usual | {"ticker": ticker} | found


def _refused(day: date) -> Iterator[Row]:
    served: datetime = opened(day) + timedelta(hours=8)
    for rule, reason, count in REFUSED:
        for at in range(count):
            yield {
                "request_id": f"r{at}",
                "ticker": f"T{at % 41}",
                "ts_text": f"{day}T14:{at % 60:02}:00Z",
                "rule": rule,
                "reason": reason,
                "severity": "critical",
                "fetched_at": served,
                "released_at": served if at % 50 == 49 else None,
            }
