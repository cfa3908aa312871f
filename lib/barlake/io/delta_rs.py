"""delta-rs: a table without a JVM. Reads only: Spark is the one writer."""

from typing import TYPE_CHECKING

from barlake.io.store import Store
from barlake.model.table import Table

if TYPE_CHECKING:
    from deltalake import DeltaTable


def opened(store: Store, table: Table, version: int | None = None) -> "DeltaTable":
    """Open a table at a version; None is the newest one."""
    from deltalake import DeltaTable  # noqa: PLC0415 - 0.2 s, and few ask

    options = store.access.deltalake() if store.access else None
    return DeltaTable(store.path(table.path), version=version, storage_options=options)
