"""Compact what changed and is closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delta.tables import DeltaTable

from barlake.io import history
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.model import bronze, gold, ops, silver
from barlake.model.table import Table

BY_PARTITION = (bronze.BARS, silver.BARS_1M, gold.FEATURES_1M, gold.BARS)
SMALL = (
    silver.COVERAGE,
    silver.QUARANTINE,
    ops.REQUESTS,
    ops.INGEST_AUDIT,
    ops.DQ_RESULTS,
    ops.RUNS,
)
SMALL_FILES_MAX = 20


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What OPTIMIZE did, and how far each table has been looked at, for the next run."""

    commits: dict[str, Commit | None]
    seen: dict[str, dict[str, Any]]


def optimize(lake: Lake, seen: Mapping[str, Mapping[str, Any]]) -> Upkeep:
    """Lay out silver's days, and the closed months of bronze and gold, where they changed.

    Args:
        lake: Where.
        seen: By table, `through` (the version looked at last) and `left` (partitions that changed
            and were still open then), as the last run gave them.
    """
    commits: dict[str, Commit | None] = {}
    now: dict[str, dict[str, Any]] = {}
    for table in BY_PARTITION:
        done = seen.get(str(table), {})
        changed = history.changed_since(lake.store, table, int(done.get("through", -1)))
        if changed is None:
            changed = _all_partitions(lake, table)
        values = {str(value) for (value,) in changed}
        wanted = values | set(done.get("left", []))
        closed = sorted(value for value in wanted if _is_closed(lake, value))
        commits[str(table)] = _optimize(lake, table, closed)
        now[str(table)] = {
            "through": lake.version(table),
            "left": sorted(wanted - set(closed)),
        }
    for table in SMALL:
        commits[str(table)] = _compact_small(lake, table)
    return Upkeep(commits, now)


def _is_closed(lake: Lake, value: str) -> bool:
    """A day is laid out when it changed; a month when the next one has begun."""
    return len(value) == len("2026-11-20") or value < f"{lake.now:%Y-%m}"


def _all_partitions(lake: Lake, table: Table) -> set[tuple[str | None, ...]]:
    found = lake.read(table).select(*table.partition_by).distinct().collect()
    return {(str(row[0]),) for row in found}


def _optimize(lake: Lake, table: Table, values: list[str]) -> Commit | None:
    if not values:
        return None
    before = lake.version(table)
    quoted = ", ".join(f"'{value}'" for value in values)
    builder = DeltaTable.forPath(lake.spark, lake.path(table)).optimize()
    builder = builder.where(f"{table.partition_by[0]} IN ({quoted})")
    if table.zorder_by:
        builder.executeZOrderBy(*table.zorder_by)
    else:
        builder.executeCompaction()
    return _commit_after(lake, table, before)


def _compact_small(lake: Lake, table: Table) -> Commit | None:
    target = DeltaTable.forPath(lake.spark, lake.path(table))
    if target.detail().select("numFiles").collect()[0][0] <= SMALL_FILES_MAX:
        return None
    before = lake.version(table)
    target.optimize().executeCompaction()
    return _commit_after(lake, table, before)


def _commit_after(lake: Lake, table: Table, before: int) -> Commit | None:
    now = lake.version(table)
    return history.commit(lake.store, table, now) if now > before else None
