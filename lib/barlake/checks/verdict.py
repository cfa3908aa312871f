"""What the gate found: its verdict, and its rows for ops.dq_results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from barlake.checks.judge import Outcome
from barlake.checks.limits import CRITICAL
from barlake.model.structure import TABLE

Finding = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`status` is passed, warned or blocked; `findings` are rows of ops.dq_results, run_id aside.

    Of the sessions they are the worst that failed, for a reader: `results.results` gives all.
    `evaluated` counts the limits that were looked at, `report` is the page's path in the lake.
    """

    status: str
    evaluated: int
    failed: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]
    report: str = ""

    @property
    def whole(self) -> list[Finding]:
        """What is found of the whole batch: one for each rule."""
        return [found for found in self.findings if not found["ticker"]]

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
    found: Sequence[Finding],
    keys: Mapping[str, Sequence[str]],
    *,
    newest: date,
    samples: int,
) -> Verdict:
    """Sum up.

    Args:
        outcomes: One for each limit.
        found: The sessions that failed, in the order in which they are to be told:
            `results.worst`.
        keys: Keys of what broke a rule and belongs to no session, by rule.
        newest: The batch's last session, under which the whole batch's results are kept.
        samples: How many keys a result names.
    """
    rules: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        rules.setdefault(outcome.limit.rule, []).append(outcome)
    named = {rule: _keys(rule, found, keys)[:samples] for rule in rules}
    whole = [_of_batch(rule, of, named[rule], newest) for rule, of in rules.items()]
    broken = [row for row in whole if not row["passed"]]
    why = {rule: of[0].limit.sentence for rule, of in rules.items()}
    is_blocked = any(row["severity"] == CRITICAL for row in broken)
    return Verdict(
        status="blocked" if is_blocked else "warned" if broken else "passed",
        evaluated=sum(not outcome.fault for outcome in outcomes),
        failed=tuple(_failed(row, found, why[row["rule"]]) for row in broken),
        findings=(*whole, *found),
    )


def _keys(rule: str, found: Sequence[Finding], keys: Mapping[str, Sequence[str]]) -> list[str]:
    of_sessions = [key for row in found if row["rule"] == rule for key in row["sample_keys"]]
    return [*of_sessions, *keys.get(rule, ())]


def _of_batch(rule: str, of: Sequence[Outcome], keys: list[str], newest: date) -> Finding:
    """Give the rule's one result for the batch: that of its worst limit."""
    worst = min(of, key=lambda outcome: (outcome.passed, not outcome.fault))
    return {
        "table": str(TABLE),
        "rule": rule,
        "ticker": "",
        "session_date": newest,
        "severity": worst.severity,
        "observed": worst.fault or f"{worst.observed:.6g}",
        "expected": worst.limit.expected,
        "passed": worst.passed,
        "sample_keys": [] if worst.passed else keys,
    }


def _failed(row: Finding, rows: Sequence[Finding], why: str) -> dict[str, Any]:
    told = {name: row[name] for name in ("rule", "severity", "observed", "expected")}
    sessions = sum(other["rule"] == row["rule"] for other in rows)
    return told | {"why": why, "sessions": sessions, "keys": list(row["sample_keys"])}


def _said(entry: Mapping[str, Any]) -> str:
    keys = f" ({', '.join(entry['keys'][:3])})" if entry["keys"] else ""
    return f"{entry['rule']}{keys}: {entry['observed']} where {entry['expected']} is allowed"
