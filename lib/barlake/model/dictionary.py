"""docs/tables.md: every table, column, rule and job, in words.

Run: python -m barlake.model.dictionary [--check] docs/tables.md
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from barlake.model.jobs import CHECK, FETCH, JOBS
from barlake.model.landed import DECIDED, SERVED
from barlake.model.rules import RULES
from barlake.model.streamed import MESSAGE_RULES
from barlake.model.table import Column, Table, Zone
from barlake.model.tables import TABLES
from barlake.model.words import INTRODUCTION


def page() -> str:
    """Give the whole page."""
    zones = (line for zone in Zone for line in _zone(zone))
    return "\n".join([INTRODUCTION, *_landing(), *zones, *_rules(), *_jobs()]) + "\n"


def main(argv: Sequence[str]) -> int:
    """Write the page, or with --check compare it; 1 where it differs."""
    parser = argparse.ArgumentParser(prog="python -m barlake.model.dictionary")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("file", type=Path)
    given = parser.parse_args(argv)
    file: Path = given.file
    if not given.check:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page(), "utf-8")
        return 0
    if file.is_file() and file.read_text("utf-8") == page():
        return 0
    sys.stderr.write(f"{file} is not what lib/barlake/model/ says; run `make docs`\n")
    return 1


def _landing() -> list[str]:
    said = (
        "What a landing file holds, one row per row served; nothing repaired, dropped or rounded."
    )
    decided = "What a file of `landing/releases/` holds, one row per refused row that it lets in."
    return ["## landing", "", said, "", *_columns(SERVED), "", decided, "", *_columns(DECIDED), ""]


def _zone(zone: Zone) -> list[str]:
    tables = [table for table in TABLES if table.zone is zone]
    return [f"## {zone}", "", *(line for table in tables for line in _table(table))]


def _table(table: Table) -> list[str]:
    facts = {
        "Key": _names(table.key),
        "Partition": _names(table.partition_by) or "none",
        "Order in a file": _names(table.order_by) or "none",
        "Z-order, when laid out": _names(table.zorder_by),
        "A MERGE skips files by": _names((*table.partition_by, *table.prune_by)),
        "Alone no news": _names(table.lineage),
        "Retention": f"replaced files {_span(table.retention.files)}, "
        f"history {_span(table.retention.log)}",
        "Written by": _writers(table),
    }
    checks = [f"  - {name}: {_code(sql)}" for name, sql in table.checks]
    return [
        f"### {table}",
        "",
        table.doc,
        "",
        *(f"- {name}: {fact}" for name, fact in facts.items() if fact),
        *(["- Checks:", *checks] if checks else []),
        "",
        *_columns(table.columns),
        "",
    ]


def _columns(columns: Iterable[Column]) -> list[str]:
    rows = [
        (f"`{c.name}`", _code(c.type), c.unit, "yes" if c.nullable else "", c.doc) for c in columns
    ]
    return _grid(("column", "type", "unit", "may be null", "what it holds"), rows)


def _rules() -> list[str]:
    said = (
        "Those of `row` look at one row, in this order, and it is refused by the first that it "
        "breaks. Those of `rows` compare the others with each other and with what is stored. A row "
        f"can be released from {_names(rule.name for rule in RULES if rule.releasable)}: what the "
        "others refuse can be no bar."
    )
    rows = [
        (str(at), f"`{rule.name}`", rule.severity, "row" if rule.holds else "rows", rule.reason)
        for at, rule in enumerate(RULES, start=1)
    ]
    return [
        *["## Rules", "", said, "", *_grid(("", "rule", "severity", "of", "reason"), rows), ""],
        *["Those of messages, which the stream has besides:", ""],
        *[*_grid(("rule", "reason"), [(f"`{r.name}`", r.reason) for r in MESSAGE_RULES]), ""],
    ]


def _jobs() -> list[str]:
    said = (
        "Each is a command of `barlake` (`release`: `barlake quarantine release`) and a script in "
        "`jobs/`. While it runs, no other run may "
        "write its tables. At its end every job writes `ops.runs`; those that ingest, "
        "`ops.requests` and `ops.ingest_audit` as well, and those that judge, `ops.dq_results`. "
        "A run that is refused (exit codes 2 and 4) leaves no row."
    )
    alone = {FETCH: "`landing/`", CHECK: "`pages/quality/` and `ops` alone"}
    rows = [(f"`{job.name}`", _names(map(str, job.writes)) or alone[job]) for job in JOBS]
    return ["## Jobs", "", said, "", *_grid(("job", "writes"), rows)]


def _writers(table: Table) -> str:
    if table.zone is Zone.OPS:
        return "see Jobs"
    return _names(job.name for job in JOBS if table in job.writes) or "no job yet"


def _grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _span(interval: str) -> str:
    return interval.removeprefix("interval ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
