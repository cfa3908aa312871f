"""The many small files that a stream leaves of a session, made few once the session is over."""

from collections.abc import Iterable
from datetime import date

from delta.tables import DeltaTable

from barlake.io import history
from barlake.io.lake import Lake
from barlake.model.streamed import ALERTS, VWAP_STREAM
from barlake.model.table import Table

FILES_MAX = 8


def compact(lake: Lake, sessions: Iterable[date]) -> list[str]:
    """Compact the sessions named of the stream's tables in gold, where they are many files.

    Returns:
        The table's and the session's name of each that was compacted.
    """
    wanted = {f"session_date={day.isoformat()}" for day in sessions}
    done = []
    for table in (VWAP_STREAM, ALERTS):
        for partition in sorted(wanted & _crowded(lake, table)):
            day = partition.partition("=")[2]
            target = DeltaTable.forPath(lake.spark, lake.path(table))
            target.optimize().where(f"session_date = '{day}'").executeCompaction()
            done.append(f"{table} {day}")
    return done


def _crowded(lake: Lake, table: Table) -> set[str]:
    """Give the partitions of more than FILES_MAX files."""
    if lake.version(table) < 0:
        return set()
    folders = [name.rpartition("/")[0] for name in history.live_files(lake.store, table)]
    return {folder for folder in folders if folders.count(folder) > FILES_MAX}
