"""What a lake holds: versions, sizes, age, coverage, holes, the last runs."""

import json
from datetime import datetime, timedelta
from typing import Any

from barlake.io import history, lease
from barlake.model.errors import InputError
from barlake.model.table import Table
from barlake.model.tables import TABLES
from barlake.readers.frames import EPOCH, OpenLake
from barlake.readers.freshness import look
from barlake.settings import Settings
from barlake.transforms.freshness import Arrival

_COVERAGE = """
SELECT count(*) AS ticker_sessions, sum(expected) AS expected, sum(observed) AS observed,
       sum(filled) AS filled, sum(missing_before_first) AS missing_before_first,
       sum(missing_after_last) AS missing_after_last, sum(quarantined) AS quarantined,
       count(*) FILTER (WHERE NOT is_settled) AS unsettled
FROM silver.coverage
"""
_HOLES = """
SELECT ticker, session_date, g."from" AS "from", g."to" AS "to", g.minutes, g.reason
FROM (SELECT ticker, session_date, unnest(gaps) AS g FROM silver.coverage)
WHERE g.reason NOT IN ('no_trade', 'halt')
ORDER BY g.minutes DESC, ticker, "from" LIMIT 10
"""
_RUNS = """
SELECT run_id, job, started_at, status, rows_written, bytes_written
FROM ops.runs ORDER BY started_at DESC, run_id LIMIT 5
"""
_RUN = "SELECT * FROM ops.runs WHERE run_id = $run"


def status(lake: OpenLake, settings: Settings, now: datetime) -> dict[str, Any]:
    """Tell of tables, coverage, the largest holes that are not quiet, late sessions, last runs."""
    known = lake.labels()
    arrivals = look(lake, settings, now)
    return {
        "lake": lake.store.address,
        "tables": tables(lake, now),
        "labels": {"labels": len(known), "newest": known[-1] if known else None},
        "coverage": lake.rows(_COVERAGE)[0],
        "freshness": _freshness(arrivals),
        "late": _late(arrivals),
        "holes": lake.rows(_HOLES),
        "runs": lake.rows(_RUNS),
    }


def of_run(lake: OpenLake, run_id: str) -> dict[str, Any]:
    """Give a run's row of ops.runs, its `detail` read, and what the quality gate said in it.

    `verdict` has the whole address of its report; it is None where nothing was judged.

    Raises:
        InputError: No run of that id has ended.
    """
    rows = lake.rows(_RUN, run=run_id)
    if not rows:
        raise InputError(f"no run {run_id[:60]!r} has ended; `barlake status` shows the last ones")
    detail = json.loads(rows[0]["detail"])
    verdict = detail.get("verdict")
    if verdict:
        verdict = verdict | {"report": lake.store.path(verdict["report"])}
    return {"run": rows[0] | {"detail": detail}, "verdict": verdict}


def tables(lake: OpenLake, now: datetime) -> dict[str, dict[str, Any]]:
    """Give each table's version, -1 where it is not there; and its rows, files, bytes and age."""
    return {str(table): _table(lake, table, now) for table in TABLES}


def _freshness(arrivals: list[Arrival]) -> dict[str, int]:
    missing = sum(arrival.is_missing for arrival in arrivals)
    late = sum(arrival.late_minutes > 0 for arrival in arrivals if not arrival.is_missing)
    return {
        "sessions": len(arrivals),
        "on_time": len(arrivals) - late - missing,
        "late": late,
        "missing": missing,
    }


def _late(arrivals: list[Arrival]) -> list[dict[str, Any]]:
    return [
        {"session_date": a.session_date, "state": a.state, "deadline": a.deadline}
        for a in arrivals
        if a.late_minutes or a.is_missing
    ]


def _table(lake: OpenLake, table: Table, now: datetime) -> dict[str, Any]:
    version = history.latest(lake.store, table)
    if version < 0:
        return {"version": version}
    newest = "epoch_us(max(ts))" if "ts" in table.names else "NULL"
    [(rows, us)] = lake.sql(" ".join(["SELECT count(*),", newest, "FROM", str(table)])).fetchall()
    newest_ts = None if us is None else EPOCH + timedelta(microseconds=us)
    paths = history.live_files(lake.store, table)
    age = now - newest_ts if newest_ts else None
    holder = lease.holder_of(lake.store, table)
    return {
        "version": version,
        "rows": rows,
        "newest_ts": newest_ts,
        "files": len(paths),
        "bytes": sum(paths.values()),
        "age_hours": round(age.total_seconds() / 3600, 1) if age else None,
        "written_by": holder["run_id"] if holder else None,
    }
