"""What each metric asks of the tables: a column `value`, and a column for each label."""

from typing import Literal, NamedTuple

from barlake.model.landed import OF_MINUTES, Outcome
from barlake.readers.duck_reach import quoted
from barlake.transforms.freshness import RULE


class Asked(NamedTuple):
    """A metric by its name without `barlake_`, its kind, what it is, and its query."""

    name: str
    kind: Literal["counter", "gauge"]
    doc: str
    query: str


_FATES = """
SELECT fate, rows::BIGINT AS value FROM (
    SELECT coalesce(sum("new"), 0) AS "new", coalesce(sum(changed), 0) AS changed,
           coalesce(sum(unchanged), 0) AS unchanged, coalesce(sum(duplicate), 0) AS duplicate,
           coalesce(sum(quarantined), 0) AS quarantined
    FROM ops.ingest_audit :where
) UNPIVOT (rows FOR fate IN ("new", changed, unchanged, duplicate, quarantined))
"""
_INGESTED_LAST = """
WHERE run_id = (SELECT run_id FROM ops.runs WHERE job IN ('run', 'ingest', 'release', 'rebuild')
                ORDER BY started_at DESC, finished_at DESC, run_id DESC LIMIT 1)
"""
_REVISIONS = "SELECT count(*) AS value FROM bronze.bars WHERE revision > 0"
# An answer that came after the close was final had been asked for the bar's minute, in vain.
_LATE = """
SELECT count(*) AS value FROM (
    SELECT ticker, ts, session_date, first_seen_at FROM silver.bars_1m
    WHERE session_date >= getvariable('start') AND NOT is_filled
) b WHERE EXISTS (
    SELECT 1 FROM recent_answers a
    WHERE a.ticker = b.ticker AND a.session_date = b.session_date
      AND a.received_at < b.first_seen_at AND a.range_start <= b.ts AND a.range_end > b.ts
)
"""
RECENT_ANSWERS = """
CREATE OR REPLACE TEMP TABLE recent_answers AS
SELECT r.ticker, s.session_date, r.received_at, r.range_start, r.range_end
FROM ops.requests r JOIN ref.sessions s
  ON r.range_start < s.close_utc + INTERVAL 1 DAY AND r.range_end > s.open_utc - INTERVAL 1 DAY
 AND r.received_at >= s.close_utc + to_minutes(getvariable('settle'))
WHERE s.session_date >= getvariable('start') AND s.close_utc <= getvariable('now')
  AND r.range_end >= getvariable('start')
  AND r.outcome IN ('ok', 'empty_expected', 'empty_unexpected') AND :of_minutes
""".replace(":of_minutes", OF_MINUTES)
_QUARANTINE = """
SELECT rule, severity, state, count(*) AS value FROM (
    SELECT rule, coalesce(severity, '') AS severity,
           CASE WHEN released_at IS NULL THEN 'open' ELSE 'released' END AS state
    FROM (FROM silver.quarantine UNION ALL BY NAME FROM silver.quarantine_stream)
) GROUP BY ALL ORDER BY ALL
"""
# A rule that was told of each session is not counted once more for its whole batch.
_GATE = """
WITH by_session AS (
    SELECT DISTINCT run_id, "table", rule FROM ops.dq_results WHERE ticker <> ''
)
SELECT d.rule, coalesce(d.severity, '') AS severity,
       count(*) FILTER (WHERE NOT coalesce(d.passed, false)
                          AND (d.ticker <> '' OR s.rule IS NULL)) AS value
FROM ops.dq_results d LEFT JOIN by_session s
  ON s.run_id = d.run_id AND s."table" = d."table" AND s.rule = d.rule
WHERE d.rule <> ':freshness' GROUP BY ALL ORDER BY ALL
""".replace(":freshness", RULE)
_COVERAGE = """
SELECT session_date::VARCHAR AS session_date, :value AS value FROM silver.coverage
WHERE session_date >= getvariable('start') GROUP BY session_date ORDER BY session_date
"""
_UNSETTLED = "SELECT count(*) AS value FROM silver.coverage WHERE NOT is_settled"
_REQUESTS = """
SELECT s.source, o.outcome, count(r.outcome) AS value
FROM (SELECT DISTINCT source FROM ops.requests WHERE source <> 'release') s
CROSS JOIN (SELECT unnest([:outcomes]) AS outcome) o
LEFT JOIN ops.requests r ON r.source = s.source AND r.outcome = o.outcome
GROUP BY ALL ORDER BY ALL
""".replace(":outcomes", ", ".join(quoted(outcome.value) for outcome in Outcome))
_ATTEMPTS = """
SELECT source, coalesce(sum(attempts), 0)::BIGINT AS value FROM ops.requests
WHERE source <> 'release' GROUP BY source ORDER BY source
"""
_RUNS = """
SELECT job, status, count(*) AS value FROM ops.runs GROUP BY ALL ORDER BY ALL
"""
LAST_RUNS = """
CREATE OR REPLACE TEMP TABLE last_runs AS SELECT * FROM ops.runs
QUALIFY row_number() OVER (
    PARTITION BY job ORDER BY started_at DESC, finished_at DESC, run_id DESC) = 1
"""
_STATUS = """
SELECT job, s.status, (l.status = s.status)::INT AS value FROM last_runs l
CROSS JOIN (SELECT unnest(['ok', 'blocked', 'failed', 'abandoned']) AS status) s ORDER BY ALL
"""
_ENDED = "SELECT job, epoch(finished_at) AS value FROM last_runs ORDER BY job"
_SUCCEEDED = """
SELECT job, epoch(max(finished_at)) AS value FROM ops.runs WHERE status = 'ok'
GROUP BY job ORDER BY job
"""
_STEPS = """
SELECT job, took.key AS step, took.value AS value FROM (
    SELECT job, unnest(map_entries(json_extract(detail, '$.seconds')::MAP(VARCHAR, DOUBLE))) AS took
    FROM last_runs WHERE json_valid(detail)
) ORDER BY job, step
"""
_NEWEST_BAR = """
SELECT epoch(max(ts)) AS value FROM silver.bars_1m WHERE session_date >= getvariable('start')
"""
_NEWEST_CLOSE = """
SELECT epoch(max(close_utc)) AS value FROM ref.sessions
WHERE session_date = (SELECT max(session_date) FROM silver.coverage WHERE is_settled)
"""
_AGE = _NEWEST_CLOSE.replace("epoch(max(close_utc))", "epoch(getvariable('now') - max(close_utc))")

ASKED = (
    Asked(
        "ingest_rows_total",
        "counter",
        "Rows that all runs received, by what became of them.",
        _FATES.replace(":where", ""),
    ),
    Asked(
        "last_ingest_rows",
        "gauge",
        "Rows that the last run received that may ingest, by what became of them.",
        _FATES.replace(":where", _INGESTED_LAST),
    ),
    Asked("revisions_total", "counter", "Corrections received: revisions above 0.", _REVISIONS),
    Asked(
        "late_bars",
        "gauge",
        "Bars of the last five sessions that came after an answered request for their minute, "
        "received when the close was final, had not brought them.",
        _LATE,
    ),
    Asked(
        "quarantine_rows", "gauge", "Rows refused, by rule; open or released since.", _QUARANTINE
    ),
    Asked(
        "gate_failures_total",
        "counter",
        "Times that a rule did not hold: of a ticker and session, or of a batch as a whole.",
        _GATE,
    ),
    Asked(
        "coverage_ratio",
        "gauge",
        "Minutes observed of those expected, of the tickers held; the last five sessions.",
        _COVERAGE.replace(":value", "sum(observed) / sum(expected)"),
    ),
    Asked(
        "settled_tickers",
        "gauge",
        "Tickers whose session was read after its close; the last five sessions.",
        _COVERAGE.replace(":value", "count(*) FILTER (WHERE is_settled)"),
    ),
    Asked(
        "unsettled_ticker_sessions",
        "gauge",
        "Tickers and sessions that were not read after their close.",
        _UNSETTLED,
    ),
    Asked(
        "vendor_requests_total",
        "counter",
        "Requests by source and outcome; rate_limited is a refusal.",
        _REQUESTS,
    ),
    Asked(
        "vendor_attempts_total", "counter", "How often a source was asked, repeats too.", _ATTEMPTS
    ),
    Asked("runs_total", "counter", "Runs that ended, by job and status.", _RUNS),
    Asked("last_run_status", "gauge", "1 for the status of a job's last run, else 0.", _STATUS),
    Asked("last_run_end_timestamp_seconds", "gauge", "When a job's last run ended.", _ENDED),
    Asked(
        "last_success_timestamp_seconds",
        "gauge",
        "When the last run of a job that was ok ended.",
        _SUCCEEDED,
    ),
    Asked(
        "last_run_step_seconds",
        "gauge",
        "Time that a step of a job's last run took; without its books and its pages.",
        _STEPS,
    ),
    Asked("newest_bar_timestamp_seconds", "gauge", "Start of silver's newest minute.", _NEWEST_BAR),
    Asked(
        "newest_session_close_timestamp_seconds",
        "gauge",
        "Close of the newest session that was read after its close.",
        _NEWEST_CLOSE,
    ),
    Asked("newest_session_age_seconds", "gauge", "Time since that close.", _AGE),
)
