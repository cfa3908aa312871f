"""The quality page: what the gate said of each run, and what was refused."""

from typing import Any
from urllib.parse import quote

from barlake.model.jobs import CHECK
from barlake.pages.view import View, percent

RUNS = """
WITH checked AS (
    SELECT run_id, count(*) AS checks, count(*) FILTER (WHERE NOT coalesce(passed, false)) AS failed
    FROM ops.dq_results GROUP BY run_id
), fates AS (
    SELECT run_id, sum(received) AS received, sum("new") AS "new", sum(changed) AS changed,
           sum(quarantined) AS quarantined
    FROM ops.ingest_audit GROUP BY run_id
)
SELECT r.run_id, r.job, strftime(r.started_at, '%Y-%m-%d %H:%M') AS started_at, r.status,
       CASE WHEN json_valid(r.detail) THEN json_extract_string(r.detail, '$.verdict.status') END
           AS gate,
       coalesce(c.checks, 0) AS checks, coalesce(c.failed, 0) AS failed,
       coalesce(f.received, 0)::BIGINT AS received, coalesce(f."new", 0)::BIGINT AS "new",
       coalesce(f.changed, 0)::BIGINT AS changed,
       coalesce(f.quarantined, 0)::BIGINT AS quarantined
FROM ops.runs r LEFT JOIN checked c USING (run_id) LEFT JOIN fates f USING (run_id)
ORDER BY r.started_at DESC, r.run_id LIMIT $runs
"""
# A rule that was told of each session is not counted once more for its whole batch.
RATES = """
WITH shown AS (
    SELECT DISTINCT session_date FROM ops.dq_results WHERE session_date IS NOT NULL
    ORDER BY session_date DESC LIMIT $sessions
), by_session AS (
    SELECT DISTINCT run_id, "table", rule FROM ops.dq_results WHERE ticker <> ''
)
SELECT d.rule, d.session_date::VARCHAR AS session_date, max(d.severity) AS severity,
       count(*) AS checks, count(*) FILTER (WHERE coalesce(d.passed, false)) AS passed
FROM ops.dq_results d JOIN shown USING (session_date)
LEFT JOIN by_session s ON s.run_id = d.run_id AND s."table" = d."table" AND s.rule = d.rule
WHERE d.ticker <> '' OR s.rule IS NULL
GROUP BY d.rule, d.session_date ORDER BY d.rule, d.session_date
"""
FAILURES = """
SELECT run_id, "table", rule, ticker, session_date::VARCHAR AS session_date, severity, observed,
       expected, coalesce(sample_keys, []) AS sample_keys
FROM ops.dq_results WHERE NOT coalesce(passed, false)
ORDER BY session_date DESC, severity, rule, ticker, run_id, "table" LIMIT $failures
"""
REFUSED = """
SELECT rule, count(*) AS "rows", count(DISTINCT ticker) AS tickers,
       count(*) FILTER (WHERE released_at IS NOT NULL) AS released,
       strftime(max(fetched_at), '%Y-%m-%d %H:%M') AS last_seen, min(reason) AS reason,
       min(severity) AS severity, min(ticker || ' ' || ts_text) AS example
FROM silver.quarantine GROUP BY rule ORDER BY "rows" DESC, rule
"""
# How a run ended, and what its gate said (passed, warned, blocked; None: it was not asked).
VERDICTS = {
    ("ok", "passed"): ("published", "good"),
    ("ok", "warned"): ("published, with warnings", "warn"),
    ("ok", None): ("not judged", "dull"),
    ("blocked", "blocked"): ("blocked by the gate", "bad"),
    # The gate let through what came; the vendor did not answer everything.
    ("blocked", "passed"): ("published, answers missing", "warn"),
    ("blocked", "warned"): ("published, answers missing", "warn"),
    ("blocked", None): ("answers missing", "warn"),
}
CHECKED = {
    ("ok", "passed"): ("checked", "good"),
    ("ok", "warned"): ("checked, with warnings", "warn"),
    ("blocked", "blocked"): ("checked: would be blocked", "bad"),
}
ENDED = {"failed": ("broke down", "bad"), "abandoned": ("died", "dull")}


def quality(view: View) -> dict[str, Any]:
    """Give the page's numbers: `total`, `runs`, `rules`, `failures` and `refused`, newest first."""
    settings = view.settings
    runs = [_run(view, found) for found in view.rows(RUNS, runs=settings.runs)]
    rules = _rules(view.rows(RATES, sessions=settings.trend_sessions))
    refused = view.rows(REFUSED)
    checks = sum(rule["checks"] for rule in rules)
    passed = sum(rule["passed"] for rule in rules)
    return {
        "as_of": view.clock,
        "total": {
            "runs": len(runs),
            "judged": sum(run["gate"] is not None and run["job"] != CHECK.name for run in runs),
            "published": sum(run["verdict"].startswith("published") for run in runs),
            "checks": checks,
            "passed": passed,
            "passed_percent": percent(passed, checks),
            "refused": sum(rule["rows"] for rule in refused),
            "released": sum(rule["released"] for rule in refused),
        },
        "runs": runs,
        "rules": rules,
        "failures": view.rows(FAILURES, failures=settings.failures),
        "refused": refused,
    }


def verdict(job: str, status: str, gate: str | None) -> tuple[str, str]:
    """Give what became of a run's batch, in words, and good, warn, bad or dull for its colour.

    Args:
        job: The run's job.
        status: How it ended, as ops.runs has it.
        gate: What its gate said: passed, warned or blocked; None where it was not asked.
    """
    words = VERDICTS | (CHECKED if job == CHECK.name else {})
    return words.get((status, gate)) or ENDED.get(status) or (status, "dull")


def reports(view: View) -> list[str]:
    """Give the names of the runs' own reports that stand beside the page."""
    return [name for name in view.lake.store.names("pages/quality") if name.endswith("/index.html")]


def _run(view: View, found: dict[str, Any]) -> dict[str, Any]:
    said, tone = verdict(found["job"], found["status"], found["gate"])
    report = f"quality/{found['run_id']}/index.html"
    is_there = view.lake.store.exists(f"pages/{report}")
    told = {"verdict": said, "tone": tone, "report": quote(report) if is_there else None}
    return {**found, **told}


def _rules(rates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each rule with its pass rate, session by session; the worst first."""
    days = sorted({rate["session_date"] for rate in rates})
    found: dict[str, list[dict[str, Any]]] = {}
    for rate in rates:
        found.setdefault(rate["rule"], []).append(rate)
    rules = [_rule(name, told, days) for name, told in found.items()]
    return sorted(rules, key=lambda rule: (rule["passed_percent"], rule["rule"]))


def _rule(name: str, told: list[dict[str, Any]], days: list[str]) -> dict[str, Any]:
    by_day = {rate["session_date"]: percent(rate["passed"], rate["checks"]) for rate in told}
    checks = sum(rate["checks"] for rate in told)
    passed = sum(rate["passed"] for rate in told)
    return {
        "rule": name,
        "severity": max((rate["severity"] or "" for rate in told), default=""),
        "checks": checks,
        "passed": passed,
        "passed_percent": percent(passed, checks),
        "sessions": [{"session_date": day, "passed_percent": by_day.get(day)} for day in days],
    }
