"""What a table's commits say of themselves: Delta's log, read as the open protocol has it."""

import json
from dataclasses import dataclass, field
from typing import Any

from barlake.io import delta_rs
from barlake.io.store import Store
from barlake.model.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One version of a table.

    `changed` are the partitions, as Delta's texts, whose rows this version changed: a compaction
    changes none. Counts are rows, files and bytes.
    """

    version: int
    operation: str
    run_id: str | None
    at: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    files_added: int = 0
    files_removed: int = 0
    bytes_written: int = 0
    changed: frozenset[tuple[str | None, ...]] = field(default_factory=frozenset)


def versions(store: Store, table: Table) -> list[int]:
    """Give the versions whose commit files are still there, in order."""
    names = store.names(f"{table.path}/_delta_log")
    stems = (name.rsplit("/", 1)[-1] for name in names)
    return sorted(int(s[:20]) for s in stems if len(s) == 25 and s.endswith(".json"))


def latest(store: Store, table: Table) -> int:
    """Give the table's newest version; -1 where the table does not exist."""
    return max(versions(store, table), default=-1)


def commit(store: Store, table: Table, version: int) -> Commit:
    """Read one version's commit."""
    text = store.get(f"{table.path}/_delta_log/{version:020d}.json").decode()
    actions = [json.loads(line) for line in text.split("\n") if line]
    info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    added = [a["add"] for a in actions if "add" in a]
    removed = [a["remove"] for a in actions if "remove" in a]
    metrics = info.get("operationMetrics", {})
    return Commit(
        version=version,
        operation=info.get("operation", ""),
        run_id=info.get("userMetadata"),
        at=info.get("timestamp", 0),
        inserted=int(metrics.get("numTargetRowsInserted", metrics.get("numOutputRows", 0))),
        updated=int(metrics.get("numTargetRowsUpdated", 0)),
        deleted=int(metrics.get("numTargetRowsDeleted", 0)),
        files_added=len(added),
        files_removed=len(removed),
        bytes_written=sum(a["size"] for a in added),
        changed=frozenset(_partition(table, a) for a in [*added, *removed] if a["dataChange"]),
    )


def changed_since(store: Store, table: Table, version: int) -> set[tuple[str | None, ...]] | None:
    """Give the partitions that changed after `version`; None where the log no longer tells."""
    known = versions(store, table)
    if version > max(known, default=-1):
        return None  # another log than the one that was looked at
    wanted = range(version + 1, max(known, default=-1) + 1)
    if not set(wanted) <= set(known):
        return None
    return set().union(*(commit(store, table, v).changed for v in wanted))


def _partition(table: Table, action: dict[str, Any]) -> tuple[str | None, ...]:
    values = action.get("partitionValues") or {}
    return tuple(values.get(name) for name in table.partition_by)


def live_files(store: Store, table: Table, version: int | None = None) -> dict[str, int]:
    """Give the data files of a version, path below the table to bytes; None is the newest."""
    adds = delta_rs.opened(store, table, version).get_add_actions(flatten=True)
    names = adds.column("path").to_pylist()
    return dict(zip(names, adds.column("size_bytes").to_pylist(), strict=True))
