"""What the gate found: its verdict, and its rows for ops.dq_results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from barlake.checks.judge import Outcome
from barlake.checks.limits import CRITICAL, Limit
from barlake.model.structure import TABLE

Finding = dict[str, Any]
Failure = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`status` is passed, warned or blocked; `findings` are rows of ops.dq_results, run_id aside.

    `evaluated` counts the limits that were looked at, `report` is the page's path in the lake.
    """

    status: str
    evaluated: int
    failed: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]
    report: str = ""

    @property
    def is_blocked(self) -> bool:
        """Whether nothing of the batch may be published."""
        return self.status == "blocked"

    def told(self, report: str) -> dict[str, Any]:
        """Give what `run --json` and ops.runs.detail say of it; `report` is its address."""
        failed = [dict(entry) for entry in self.failed]
        return {
            "status": self.status,
            "evaluated": self.evaluated,
            "failed": failed,
            "report": report,
        }

    def sentence(self, report: str) -> str:
        """Say what blocked the batch, with its keys, and where to read on."""
        said = [_said(entry) for entry in self.failed if entry["severity"] == CRITICAL]
        more = f" and {len(said) - 3} rules more" if len(said) > 3 else ""
        return f"the quality gate blocked the batch: {'; '.join(said[:3])}{more}; see {report}"

    def at(self, report: str) -> "Verdict":
        """The same with its report written."""
        return replace(self, report=report)


def verdict(
    outcomes: Sequence[Outcome],
    failures: Sequence[Failure],
    keys: Mapping[tuple[str, str, date], list[str]],
    *,
    newest: date,
    samples: int,
) -> Verdict:
    """Sum up.

    Args:
        outcomes: One for each limit.
        failures: Rows of `limits.failures`.
        keys: Sample keys of structural rules, by (rule, ticker, session_date).
        newest: The batch's last session, under which the whole batch's results are kept.
        samples: How many keys a result names.
    """
    by_name = {outcome.limit.name: outcome.limit for outcome in outcomes}
    rows = [_of_session(by_name[row["limit"]], row, keys, samples) for row in failures]
    rules: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        rules.setdefault(outcome.limit.rule, []).append(outcome)
    whole = [_of_batch(rule, of, rows, newest, samples) for rule, of in rules.items()]
    broken = [row for row in whole if not row["passed"]]
    why = {rule: of[0].limit.sentence for rule, of in rules.items()}
    is_blocked = any(row["severity"] == CRITICAL for row in broken)
    return Verdict(
        status="blocked" if is_blocked else "warned" if broken else "passed",
        evaluated=sum(not outcome.fault for outcome in outcomes),
        failed=tuple(_failed(row, rows, why[row["rule"]]) for row in broken),
        findings=(*whole, *sorted(rows, key=lambda row: row["severity"])),
    )


def _of_session(
    limit: Limit, row: Failure, keys: Mapping[tuple[str, str, date], list[str]], samples: int
) -> Finding:
    ticker, day = row["ticker"], row["session_date"]
    shown = [key_of(ticker, row["ts"])] if row["ts"] else []
    return {
        "table": str(TABLE),
        "rule": limit.rule,
        "ticker": ticker,
        "session_date": day,
        "severity": limit.severity,
        "observed": f"{row['value']:.6g}",
        "expected": limit.expected,
        "passed": False,
        "sample_keys": keys.get((limit.rule, ticker, day), shown)[:samples],
    }


def _of_batch(
    rule: str, of: Sequence[Outcome], rows: Sequence[Finding], newest: date, samples: int
) -> Finding:
    """Give the rule's one result for the batch: that of its worst limit."""
    worst = min(of, key=lambda outcome: (outcome.passed, not outcome.fault))
    keys = [key for row in rows if row["rule"] == rule for key in row["sample_keys"]]
    return {
        "table": str(TABLE),
        "rule": rule,
        "ticker": "",
        "session_date": newest,
        "severity": worst.severity,
        "observed": worst.fault or f"{worst.observed:.6g}",
        "expected": worst.limit.expected,
        "passed": worst.passed,
        "sample_keys": keys[:samples],
    }


def _failed(row: Finding, rows: Sequence[Finding], why: str) -> dict[str, Any]:
    told = {name: row[name] for name in ("rule", "severity", "observed", "expected")}
    sessions = sum(other["rule"] == row["rule"] for other in rows)
    return told | {"why": why, "sessions": sessions, "keys": list(row["sample_keys"])}


def _said(entry: Mapping[str, Any]) -> str:
    keys = f" ({', '.join(entry['keys'][:3])})" if entry["keys"] else ""
    return f"{entry['rule']}{keys}: {entry['observed']} where {entry['expected']} is allowed"


def key_of(ticker: str, ts: datetime) -> str:
    """Spell a bar's key: TICKER@2026-11-20T14:30:00Z."""
    return f"{ticker}@{ts.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
