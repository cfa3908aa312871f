"""Bring every table back to a label."""

import os

import structlog
from delta.tables import DeltaTable

from barlake.io import arrow, history, labels
from barlake.io.history import Commit
from barlake.io.labels import Label
from barlake.io.lake import Lake
from barlake.io.lease import lease
from barlake.io.store import Store
from barlake.model import jobs, ops
from barlake.model.errors import InputError
from barlake.model.table import Table
from barlake.pipelines.books import BOOKS_WAIT
from barlake.pipelines.underway import Night

logger = structlog.get_logger()

# What was asked and answered goes first: a restore that dies on its way leaves the next run to take
# up again what landed since, whichever tables are back by then. The rest of `ops` is history, of
# this restore too, and stays.
RESTORED = (ops.REQUESTS, *jobs.RESTORE.writes)


def restorable(store: Store, name: str) -> Label:
    """Give the label, if every file that it needs is there.

    Raises:
        InputError: There is no such label, or a file of it is gone.
    """
    label = labels.find(store, name)
    for table in RESTORED:
        _refuse_lost(store, table, label)
    return label


def restore(night: Night, label: Label) -> None:
    """Bring the tables back, each in one commit; one that is as it was then is left alone.

    The runs since are remembered as undone: what they had landed is taken up by the next run.

    Args:
        night: A run that holds the lease of every table.
        label: See `restorable`.
    """
    lake = night.lake
    undone = _runs_since(lake, label)
    holder = {"run_id": lake.run_id, "process": os.getpid()}
    with lease(lake.store, [ops.REQUESTS], holder, patience=BOOKS_WAIT) as fences:
        lake.fence(fences)
        night.keep({str(ops.REQUESTS): _restored(lake, ops.REQUESTS, label)})
    for table in jobs.RESTORE.writes:
        night.keep({str(table): _restored(lake, table, label)})
    night.detail["restored"] = {"label": label.label, "undone": undone}
    logger.info("restored", label=label.label, undone=len(undone), tables=len(night.commits))


def _version(table: Table, label: Label) -> int:
    """A table that is younger than the label was empty: as it was made."""
    return label.versions.get(str(table), 0)


def _refuse_lost(store: Store, table: Table, label: Label) -> None:
    version, newest = _version(table, label), history.latest(store, table)
    if version > newest:
        raise InputError(
            f"{label.label} names version {version} of {table}, whose log ends at {newest}: "
            "the table was made anew, and cannot be brought back"
        )
    there = {name.removeprefix(f"{table.path}/") for name in store.names(table.path)}
    if lost := history.live_files(store, table, version).keys() - there:
        raise InputError(
            f"{label.label} cannot be brought back: {len(lost)} files of version {version} of "
            f"{table} are gone; nothing was changed, choose a younger label"
        )


def _restored(lake: Lake, table: Table, label: Label) -> Commit | None:
    version = _version(table, label)
    if history.live_files(lake.store, table) == history.live_files(lake.store, table, version):
        return None
    DeltaTable.forPath(lake.spark, lake.path(table)).restoreToVersion(version)
    return history.commit(lake.store, table, lake.version(table))


def _runs_since(lake: Lake, label: Label) -> list[str]:
    then = lake.read_version(ops.RUNS, _version(ops.RUNS, label)).select("run_id")
    since = lake.read(ops.RUNS).select("run_id").join(then, "run_id", how="left_anti")
    return sorted(row["run_id"] for row in arrow.rows(since))
