"""What a Delta table's log brings: the files of its newest version, then those of each commit."""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from pyarrow import parquet

from barlake.io import delta_rs, history
from barlake.io.store import Store
from barlake.model.table import Table

# Of looks in vain, after which the log is listed: it may have been cleaned, or be another one.
_LIST_AFTER = 50


@dataclass(frozen=True, slots=True)
class Added:
    """A data file with rows that a reader may not have yet; `name` is its path below the lake."""

    name: str
    session_date: date


class Tail:
    """Follows one table that is partitioned by session_date, without a JVM.

    `columns` are those that are read, of those that the table is not partitioned by.
    """

    def __init__(self, store: Store, table: Table, columns: tuple[str, ...]) -> None:
        self._store = store
        self._table = table
        self._columns = list(columns)
        self._version = -1
        self._vain = 0

    def whole(self) -> list[Added]:
        """Give the newest version's files, and go on from there; none where no table is."""
        self._vain = 0
        if history.latest(self._store, self._table) < 0:
            self._version = -1
            return []
        opened = delta_rs.opened(self._store, self._table)
        self._version = opened.version()
        adds = opened.get_add_actions(flatten=True)
        paths, days = (adds.column(name).to_pylist() for name in ("path", "partition.session_date"))
        return [self._added(path, str(day)) for path, day in zip(paths, days, strict=True)]

    def news(self) -> list[Added] | None:
        """Give the files that the commits since then added; a compaction's are none.

        Returns:
            None where the log no longer tells, or rows were taken away: begin with `whole` again.
        """
        found: list[Added] = []
        while (actions := self._next()) is not None:
            self._version += 1
            if _takes_rows_away(actions):
                return None
            adds = [a["add"] for a in actions if "add" in a]
            found += [
                self._added(add["path"], add["partitionValues"]["session_date"])
                for add in adds
                if add["dataChange"]
            ]
        return found if found or self._is_on_its_log() else None

    def rows(self, added: Added) -> list[dict[str, Any]]:
        """Read a file's rows, with their session_date; instants are aware, in UTC.

        Raises:
            FileNotFoundError: A VACUUM was faster: begin with `whole` again.
        """
        with self._store.open(added.name) as file:
            held = parquet.read_table(file, columns=self._columns).to_pylist()
        # Delta keeps a partition's value in the log, and not in the file.
        return [row | {"session_date": added.session_date} for row in held]

    def _added(self, path: str, day: str) -> Added:
        return Added(f"{self._table.path}/{path}", date.fromisoformat(day))

    def _next(self) -> list[dict[str, Any]] | None:
        name = f"{self._table.path}/_delta_log/{self._version + 1:020d}.json"
        try:
            text = self._store.get(name).decode()
        except FileNotFoundError:
            return None
        return [json.loads(line) for line in text.split("\n") if line]

    def _is_on_its_log(self) -> bool:
        self._vain = (self._vain + 1) % _LIST_AFTER
        return bool(self._vain) or history.latest(self._store, self._table) == self._version


def _takes_rows_away(actions: list[dict[str, Any]]) -> bool:
    """Tell whether a commit removes rows; a MERGE has those that it keeps in what it adds."""
    operation = next((a["commitInfo"].get("operation") for a in actions if "commitInfo" in a), None)
    removes = any(a["remove"]["dataChange"] for a in actions if "remove" in a)
    return removes and operation != "MERGE"
