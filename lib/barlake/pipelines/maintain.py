"""Compact what changed and is closed; vacuum."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from delta.tables import DeltaTable

from barlake.io import history
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.io.store import Store
from barlake.model import bronze, gold, ops, silver
from barlake.model.errors import InputError
from barlake.model.table import Table
from barlake.model.tables import TABLES
from barlake.settings import LifecycleSettings

logger = structlog.get_logger()

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
RETENTION_MIN = timedelta(days=7)


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


def vacuum(lake: Lake) -> dict[str, int]:
    """Delete files that no version within the retention uses; give how many, by table.

    Args:
        lake: Where; the caller holds the lease of every table.

    Raises:
        InputError: A table's retention is under 7 days: a reader or a job might still need it.
    """
    for table in TABLES:
        _refuse_short_retention(lake, table)
    return {str(table): _vacuum(lake, table) for table in TABLES}


def keep_lifecycle(store: Store, settings: LifecycleSettings) -> dict[str, Any] | None:
    """Let a bucket's store remove by itself what the lake does not need; None for a folder.

    Returns:
        `rules`, the names of the lake's own in the bucket, and `left_out`, those that the store
        does not know. Where it does not let us set any, `rules` is empty and a warning says so.
    """
    if store.access is None:
        return None
    from barlake.io import lifecycle  # noqa: PLC0415 - brings boto3
    from barlake.io.s3_errors import StoreError  # noqa: PLC0415

    try:
        return lifecycle.keep(store, settings)
    except StoreError as refused:
        if refused.code not in lifecycle.REFUSED:
            raise
        logger.warning("no lifecycle rules", reason=str(refused))
        return {"rules": [], "left_out": [], "refused": str(refused)}


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


def _refuse_short_retention(lake: Lake, table: Table) -> None:
    detail = DeltaTable.forPath(lake.spark, lake.path(table)).detail()
    properties = detail.select("properties").collect()[0][0]
    said = properties.get("delta.deletedFileRetentionDuration", "")
    words = said.lower().replace("interval", "").split()
    if len(words) != 2 or not words[1].startswith("day") or int(words[0]) < RETENTION_MIN.days:
        raise InputError(
            f"{table} keeps deleted files for '{said}'; a reader or a job may need them for "
            f"{RETENTION_MIN.days} days: set delta.deletedFileRetentionDuration to more"
        )


def _vacuum(lake: Lake, table: Table) -> int:
    # No RETAIN: since Delta 4.1 it is ignored, and the table's property decides.
    before = set(_data_files(lake, table))
    DeltaTable.forPath(lake.spark, lake.path(table)).vacuum()
    return len(before - set(_data_files(lake, table)))


def _data_files(lake: Lake, table: Table) -> list[str]:
    return [n for n in lake.store.names(table.path) if n.endswith(".parquet")]
