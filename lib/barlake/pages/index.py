"""The first page: what the lake holds, and where to look."""

from collections.abc import Iterator
from typing import Any

from barlake.io import history
from barlake.model.tables import TABLES
from barlake.pages.view import View, has_page, percent
from barlake.transforms.freshness import LOOK_BACK, MISSING, RULE

HELD = """
SELECT count(DISTINCT ticker) AS tickers, count(DISTINCT session_date) AS sessions,
       min(session_date)::VARCHAR AS first, max(session_date)::VARCHAR AS last,
       coalesce(sum(expected), 0)::BIGINT AS expected,
       coalesce(sum(observed), 0)::BIGINT AS observed,
       coalesce(sum(filled), 0)::BIGINT AS filled,
       coalesce(sum(revisions), 0)::BIGINT AS corrections
FROM silver.coverage
"""
_REFUSED = "SELECT count(*) AS refused FROM silver.quarantine WHERE released_at IS NULL"
_SOURCES = "SELECT DISTINCT source FROM ops.requests ORDER BY source"
# As traded, but for splits: earlier closes are told in today's share unit.
CLOSES = """
WITH days AS (
    SELECT DISTINCT session_date FROM gold.bars WHERE "interval" = '1d'
    ORDER BY session_date DESC LIMIT $sessions
), unit AS (
    SELECT b.ticker, b.session_date, b.close, coalesce(
        (SELECT product(a.value) FROM ref.actions a
         WHERE a.kind = 'split' AND a.ticker = b.ticker AND a.ex_date > b.session_date
           AND a.ex_date <= (SELECT max(session_date) FROM days)), 1) AS factor
    FROM gold.bars b JOIN days USING (session_date) WHERE b."interval" = '1d'
)
SELECT ticker, list(round(close / factor, 4) ORDER BY session_date) AS closes
FROM unit GROUP BY ticker ORDER BY ticker
"""
_RUNS = """
SELECT run_id, job, status, strftime(started_at, '%Y-%m-%d %H:%M') AS started_at,
       rows_written, bytes_written
FROM ops.runs ORDER BY ops.runs.started_at DESC, run_id LIMIT $runs
"""
# What the runs said of the last sessions: on time, late, or missing until one of them brought it.
_FRESHNESS = """
SELECT session_date::VARCHAR AS session_date, observed AS state, expected, passed
FROM (
    SELECT DISTINCT ON (session_date) * FROM ops.dq_results WHERE rule = ':rule'
    ORDER BY session_date, observed = ':missing', run_id
) ORDER BY session_date DESC LIMIT $sessions
""".replace(":rule", RULE).replace(":missing", MISSING)


def index(view: View) -> dict[str, Any]:
    """Give the page's numbers: `held`, `freshness`, `tickers` with closes, `tables`, and `runs`."""
    held = view.row(HELD)
    told = view.rows(_FRESHNESS, sessions=LOOK_BACK)
    return {
        "lake": view.lake.store.address.rpartition("/")[2],
        "as_of": view.clock,
        "sources": [row["source"] for row in view.rows(_SOURCES)],
        "held": {
            **held,
            "observed_percent": percent(held["observed"], held["expected"]),
            **view.row(_REFUSED),
        },
        "freshness": {"sessions": len(told), "late": [day for day in told if not day["passed"]]},
        "tickers": [
            _ticker(row) for row in view.rows(CLOSES, sessions=view.settings.gaps_sessions)
        ],
        "tables": list(_tables(view)),
        "runs": view.rows(_RUNS, runs=6),
    }


def _ticker(row: dict[str, Any]) -> dict[str, Any]:
    last, *before = row["closes"][::-1]
    change = round(100 * (last / before[0] - 1), 2) if before and before[0] else None
    return {**row, "close": last, "change_percent": change, "has_page": has_page(row["ticker"])}


def _tables(view: View) -> Iterator[dict[str, Any]]:
    store = view.lake.store
    for table in TABLES:
        version = history.latest(store, table)
        if version < 0:
            continue
        files = history.live_files(store, table)
        query = " ".join(["SELECT count(*) AS held FROM", str(table)])
        yield {
            "table": str(table),
            "doc": table.doc,
            "version": version,
            "rows": view.row(query)["held"],
            "files": len(files),
            "bytes": sum(files.values()),
        }
