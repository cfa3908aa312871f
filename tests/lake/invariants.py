"""What must hold of a lake after every fault (I1 to I7), looked at without a JVM."""

import json
from collections import Counter
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import barlake
from barlake.io import history
from barlake.io.folder import Folder
from barlake.model import bronze, ops, silver
from barlake.model.table import Table, Zone
from barlake.model.tables import TABLES

LINEAGE = ("run_id", "computed_at")
DATA = tuple(table for table in TABLES if table.zone is not Zone.OPS)
# What runs tell of themselves differs with the runs; what they asked for does not.
COMPARED = (*DATA, ops.REQUESTS)

Row = dict[str, Any]
Contents = dict[str, list[Row]]


def contents(root: Path) -> Contents:
    """Give every row of every table that exists, as DuckDB reads it, by key."""
    lake = barlake.open(str(root))
    found = {}
    for table in (table for table in TABLES if _commit_files(root, table)):
        rows: list[Row] = lake.sql(f"FROM {table}").arrow().read_all().to_pylist()
        found[str(table)] = sorted(rows, key=itemgetter(*table.key))
    return found


def said(rows: list[Row]) -> list[Row]:
    """Give the rows without the columns that tell which run wrote them, and when."""
    return [{k: v for k, v in row.items() if k not in LINEAGE} for row in rows]


def assert_log_is_sane(root: Path) -> None:
    """I4: versions 0 to N without a gap, each one commit that is whole."""
    for table in TABLES:
        names = [path.name for path in _commit_files(root, table)]
        assert names == [f"{version:020d}.json" for version in range(len(names))], str(table)
        for version, actions in enumerate(_commits(root, table)):
            infos = [action for action in actions if "commitInfo" in action]
            assert len(infos) == 1, f"{table} version {version} holds {len(infos)} commitInfo"


def assert_files_are_there(root: Path) -> None:
    """I5: every live file exists with its size, and readers of older versions lose none."""
    for table in TABLES:
        live: dict[str, int] = {}
        for actions in _commits(root, table):
            for action in actions:
                if "remove" in action:
                    gone = unquote(action["remove"]["path"])
                    assert (root / table.path / gone).exists(), f"{table} lost {gone} to no VACUUM"
                    live.pop(gone)
                elif "add" in action:
                    live[unquote(action["add"]["path"])] = action["add"]["size"]
        sizes = {name: (root / table.path / name).stat().st_size for name in live}
        assert sizes == live, str(table)
        if _commit_files(root, table):
            assert history.live_files(Folder(root), table) == live, str(table)


def assert_keys_are_unique(found: Contents) -> None:
    """I1: no key twice, no NULL key."""
    for table in TABLES:
        keys = [tuple(row[name] for name in table.key) for row in found.get(str(table), [])]
        twice = [key for key, times in Counter(keys).items() if times > 1]
        assert not twice, f"{table} holds {twice[:3]} more than once"
        assert not [key for key in keys if None in key], f"{table} holds a NULL key"


def assert_equal(found: Contents, expected: Contents, tables: tuple[Table, ...] = COMPARED) -> None:
    """I3: the same rows, but for the run that wrote them."""
    for table in tables:
        assert said(found[str(table)]) == said(expected[str(table)]), str(table)


def assert_committed(found: Contents, states: tuple[Contents, ...]) -> None:
    """I6: each table's rows are those of one of the states, whole."""
    for table in DATA:
        rows = said(found.get(str(table), []))
        known = [said(state.get(str(table), [])) for state in states]
        assert rows in known, f"{table} holds {len(rows)} rows of no committed state"


def assert_books_are_closed(root: Path, ended: dict[str, str], *, received: dict[str, int]) -> None:
    """I7: runs have ended as said, fates sum, and each commit names a run that ops.runs knows.

    Args:
        root: The lake.
        ended: Status by run, of those that must be there.
        received: Rows received, by run, of those that lived to count them.
    """
    found = contents(root)
    known = {row["run_id"]: row["status"] for row in found["ops.runs"]}
    told = {run: known.get(run) for run in ended}
    assert told == ended, f"ops.runs says {told}, and not {ended}"
    assert set(known.values()) <= {"ok", "failed", "blocked", "abandoned"}
    commits = {run for table in DATA for run in commit_runs(root, table)}
    assert commits <= set(known), f"{commits - set(known)} committed, and ops.runs does not know"
    fates = ("new", "changed", "unchanged", "duplicate", "quarantined")
    for row in found["ops.ingest_audit"]:
        assert row["received"] == sum(row[fate] for fate in fates), row
    for run, number in received.items():
        assert _audited(found, run)["received"] == number, run
    for run in (run for run, status in ended.items() if status == "abandoned"):
        _assert_audit_tells_what_was_published(found, run)


def assert_the_calendar_reaches(found: Contents, moment: datetime) -> None:
    """The table of sessions, which readers and the gate go by, knows 200 days ahead of a run."""
    last = max(row["session_date"] for row in found["ref.sessions"])
    assert last - moment.date() >= timedelta(days=200), f"ref.sessions ends on {last}"


def commit_runs(root: Path, table: Table) -> list[str | None]:
    """Give the run that each commit of a table names."""
    store = Folder(root)
    return [history.commit(store, table, v).run_id for v in history.versions(store, table)]


def commit_infos(root: Path, table: Table) -> list[dict[str, Any]]:
    """Give what each commit of a table says of itself, in order."""
    return [
        a["commitInfo"] for actions in _commits(root, table) for a in actions if "commitInfo" in a
    ]


def versions(root: Path, tables: tuple[Table, ...] = DATA) -> dict[str, int]:
    """Give each table's newest version."""
    return {str(table): history.latest(Folder(root), table) for table in tables}


def files(root: Path) -> dict[str, int]:
    """Give every file below the lake with its size; leases, which say nothing of tables, aside."""
    found = (path for path in root.rglob("*") if path.is_file())
    sizes = {str(path.relative_to(root)): path.stat().st_size for path in found}
    return {name: size for name, size in sizes.items() if not name.startswith("_leases/")}


def _assert_audit_tells_what_was_published(found: Contents, run: str) -> None:
    mine = {
        str(table): sum(row["run_id"] == run for row in found[str(table)])
        for table in (bronze.BARS, silver.QUARANTINE)
    }
    audited = _audited(found, run)
    assert audited["new"] + audited["changed"] == mine["bronze.bars"], run
    # A row that an earlier run refused stays that run's; one that counted its rows counts it too.
    assert audited["quarantined"] >= mine["silver.quarantine"], run


def _audited(found: Contents, run: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in found["ops.ingest_audit"]:
        if row["run_id"] == run:
            total.update({name: n for name, n in row.items() if isinstance(n, int)})
    return total


def _commit_files(root: Path, table: Table) -> list[Path]:
    return sorted((root / table.path / "_delta_log").glob("[0-9]*.json"))


def _commits(root: Path, table: Table) -> list[list[dict[str, Any]]]:
    texts = [path.read_text() for path in _commit_files(root, table)]
    return [[json.loads(line) for line in text.splitlines()] for text in texts]
