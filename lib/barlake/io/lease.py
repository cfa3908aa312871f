"""One writing driver per table, and what a dead one left."""

import fcntl
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from barlake.io.store import Store
from barlake.model.errors import BusyError
from barlake.model.table import Table

FOLDER = "_leases"
RECORDS = "_runs"
CREATION_WAIT = 60.0


@contextmanager
def lease(
    store: Store, tables: Iterable[Table], holder: dict[str, Any], *, patience: float = 0.3
) -> Iterator[None]:
    """Hold the tables for one run, or refuse before anything is written.

    `patience`, in seconds, is how long to wait for each table; somebody who merely looks at a
    lease lets go at once.

    The lock is the operating system's: it ends with its process, however that ends.

    Raises:
        BusyError: Another process holds one of the tables.
    """
    with ExitStack() as held:
        for table in sorted(tables, key=str):
            held.enter_context(_locked(_path(store, table), str(table), holder, patience))
        yield


@contextmanager
def creation(store: Store, holder: dict[str, Any]) -> Iterator[None]:
    """Hold the right to make tables, which every job of a new lake does first.

    Raises:
        BusyError: Another process has been making them for a minute.
    """
    path = store.root / FOLDER / "creation.lease"
    with _locked(path, "the lake's first tables", holder, CREATION_WAIT):
        yield


def holder_of(store: Store, table: Table) -> dict[str, Any] | None:
    """Give who writes the table now; None where nobody does."""
    path = _path(store, table)
    return _said(path) if _is_held(path) else None


@contextmanager
def recorded(store: Store, run: dict[str, Any]) -> Iterator[None]:
    """Keep a record of a run while it runs; it stays when the run dies, for the next to find."""
    path = store.root / RECORDS / f"{run['run_id']}.json"
    with _locked(path, f"run {run['run_id']}", run, patience=0.3):
        yield


def forget(store: Store, run_id: str) -> None:
    """Remove a run's record, once ops.runs has its row."""
    (store.root / RECORDS / f"{run_id}.json").unlink(missing_ok=True)


def abandoned(store: Store) -> list[dict[str, Any]]:
    """Give the records of runs that died before ops.runs had their row, in order of start."""
    paths = sorted((store.root / RECORDS).glob("*.json"))
    dead = [_said(path) for path in paths if not _is_held(path)]
    return sorted((d for d in dead if d), key=lambda record: str(record["started_at"]))


def clear_unwritten(store: Store) -> None:
    """Remove the records of runs that died before they had written even that."""
    for path in (store.root / RECORDS).glob("*.json"):
        if not path.stat().st_size and not _is_held(path):
            path.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path, what: str, holder: dict[str, Any], patience: float) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        _take(file, what, patience)
        file.truncate(0)
        file.write(json.dumps(holder))
        file.flush()
        yield


def _path(store: Store, table: Table) -> Path:
    return store.root / FOLDER / f"{table}.lease"


def _take(file: IO[str], what: str, patience: float) -> None:
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                break
            time.sleep(0.05)
        else:
            return
    file.seek(0)
    other = json.loads(file.read() or "{}")
    raise BusyError(
        f"{what} is being written by run {other.get('run_id', 'unknown')} "
        f"(process {other.get('process', 'unknown')}); wait for it, or end it, and run again"
    )


def _is_held(path: Path) -> bool:
    try:
        with path.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _said(path: Path) -> dict[str, Any]:
    """Read who a file names; nobody where it is gone, or has not said so yet."""
    try:
        found: dict[str, Any] = json.loads(path.read_text() or "{}")
    except FileNotFoundError:
        return {}
    return found
