"""What a lake holds: versions, sizes, age, coverage, holes, the last runs."""

import json
from datetime import datetime
from typing import Any

from barlake.io import history, lease
from barlake.model.errors import InputError
from barlake.model.table import Table
from barlake.model.tables import TABLES
from barlake.readers.frames import OpenLake

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


def status(lake: OpenLake, now: datetime) -> dict[str, Any]:
    """Give tables, coverage, the largest holes that are not quiet minutes, and the last runs."""
    known = lake.labels()
    return {
        "lake": lake.store.address,
        "tables": {str(table): _table(lake, table, now) for table in TABLES},
        "labels": {"labels": len(known), "newest": known[-1] if known else None},
        "coverage": _rows(lake, _COVERAGE)[0],
        "holes": _rows(lake, _HOLES),
        "runs": _rows(lake, _RUNS),
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


def _table(lake: OpenLake, table: Table, now: datetime) -> dict[str, Any]:
    version = history.latest(lake.store, table)
    if version < 0:
        return {"version": version}
    newest = "max(ts)" if "ts" in table.names else "NULL"
    query = " ".join(["SELECT count(*) AS rows,", newest, "AS newest_ts FROM", str(table)])
    [held] = _rows(lake, query)
    paths = history.live_files(lake.store, table)
    age = now - held["newest_ts"] if held["newest_ts"] else None
    holder = lease.holder_of(lake.store, table)
    return {
        "version": version,
        **held,
        "files": len(paths),
        "bytes": sum(paths.values()),
        "age_hours": round(age.total_seconds() / 3600, 1) if age else None,
        "written_by": holder["run_id"] if holder else None,
    }


def _rows(lake: OpenLake, query: str) -> list[dict[str, Any]]:
    return list(lake.sql(query).arrow().read_all().to_pylist())
