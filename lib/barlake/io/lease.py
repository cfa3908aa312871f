"""One writing driver per table, and what a dead one left."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Protocol

from barlake.io.file_locks import FileLocks
from barlake.io.folder import Folder
from barlake.io.store import Store
from barlake.model.table import Table

CREATION_WAIT = 60.0
Fences = dict[str, str]
"""By a table's address: what its commits must prove, as `io.barlake.delta` reads it."""


class Locks(Protocol):
    """Who may do what, decided where the lake is."""

    def held(
        self, name: str, what: str, holder: dict[str, Any], patience: float
    ) -> AbstractContextManager[str | None]:
        """Hold a name, `what` in words; yields a fence for it where there can be one."""

    def holder(self, name: str) -> dict[str, Any] | None:
        """Give who holds the name now."""

    def recorded(self, run: dict[str, Any]) -> AbstractContextManager[None]:
        """Keep a record of a run while it runs."""

    def forget(self, run_id: str) -> None:
        """Remove a run's record."""

    def abandoned(self) -> list[dict[str, Any]]:
        """Give the records of runs that died; unordered."""

    def clear_unwritten(self) -> None:
        """Remove records of runs that died before they had written even that."""


@contextmanager
def lease(
    store: Store, tables: Iterable[Table], holder: dict[str, Any], *, patience: float = 0.3
) -> Iterator[Fences]:
    """Hold the tables for one run, or refuse before anything is written.

    `patience`, in seconds, is how long to wait for each table; somebody who merely looks at a
    lease lets go at once. In a folder the lock is the operating system's, and ends with its
    process; in a bucket it ends when its holder has not been heard of for a minute, and a fence
    keeps a holder that comes back from writing.

    Raises:
        BusyError: Another process holds one of the tables.
    """
    locks = _locks(store)
    fences: Fences = {}
    with ExitStack() as held:
        for table in sorted(tables, key=str):
            name = str(table)
            fence = held.enter_context(locks.held(name, name, holder, patience))
            if fence is not None:
                fences[store.path(table.path)] = fence
        yield fences


@contextmanager
def creation(store: Store, holder: dict[str, Any]) -> Iterator[None]:
    """Hold the right to make tables, which every job of a new lake does first.

    Raises:
        BusyError: Another process has been making them for a minute.
    """
    with _locks(store).held("creation", "the lake's first tables", holder, CREATION_WAIT):
        yield


def holder_of(store: Store, table: Table) -> dict[str, Any] | None:
    """Give who writes the table now; None where nobody does."""
    return _locks(store).holder(str(table))


def recorded(store: Store, run: dict[str, Any]) -> AbstractContextManager[None]:
    """Keep a record of a run while it runs; it stays when the run dies, for the next to find.

    Raises:
        BusyError: A run of that id is alive.
    """
    return _locks(store).recorded(run)


def forget(store: Store, run_id: str) -> None:
    """Remove a run's record, once ops.runs has its row."""
    _locks(store).forget(run_id)


def abandoned(store: Store) -> list[dict[str, Any]]:
    """Give the records of runs that died before ops.runs had their row, in order of start."""
    return sorted(_locks(store).abandoned(), key=lambda record: str(record["started_at"]))


def clear_unwritten(store: Store) -> None:
    """Remove the records of runs that died before they had written even that."""
    _locks(store).clear_unwritten()


def _locks(store: Store) -> Locks:
    if isinstance(store, Folder):
        return FileLocks(store.root)
    from barlake.io.bucket import Bucket  # noqa: PLC0415 - a lake in a folder needs no boto3
    from barlake.io.token_locks import TokenLocks  # noqa: PLC0415

    if isinstance(store, Bucket):
        return TokenLocks(store)
    raise TypeError(f"{type(store).__name__} has no locks")
