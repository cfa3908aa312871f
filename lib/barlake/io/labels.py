"""Labels: names for the versions that all tables had together."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from barlake.io.store import Store
from barlake.model.errors import InputError
from barlake.model.table import Table

FOLDER = "_labels"
NAMED_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name for a state of the whole lake: the version of each table that existed, by name.

    `made_at` is the clock of the run that made it, UTC.
    """

    label: str
    made_at: datetime
    run_id: str
    versions: Mapping[str, int]

    def version(self, table: Table) -> int | None:
        """Give the table's version; None where the table did not exist."""
        return self.versions.get(str(table))

    def dies_at(self, keep_days: int) -> datetime:
        """Give when VACUUM may take what the label alone needs, UTC."""
        return self.made_at + timedelta(days=keep_days)


def all_labels(store: Store) -> list[Label]:
    """Give the labels of a lake, oldest first."""
    known = [_read(store, name) for name in store.names(FOLDER) if name.endswith(".json")]
    return sorted(known, key=lambda label: (label.made_at, label.label))


def find(store: Store, name: str) -> Label:
    """Give a label by its name.

    Raises:
        InputError: There is none of that name.
    """
    known = [label.label for label in all_labels(store)]
    if name in known:
        return _read(store, _path(name))
    shown = ", ".join(reversed(known[-NAMED_MAX:])) or "none yet"
    more = f" and {len(known) - NAMED_MAX} older" if len(known) > NAMED_MAX else ""
    raise InputError(f"there is no label {name!r}; there are {shown}{more}")


def is_there(store: Store, name: str) -> bool:
    """Tell whether a label of that name was made."""
    return store.exists(_path(name))


def make(store: Store, label: Label) -> bool:
    """Write a label, once; False where it is there already, and then it stays as it was."""
    said = asdict(label) | {"made_at": label.made_at.isoformat()}
    return store.put_once(_path(label.label), json.dumps(said).encode())


def remove(store: Store, label: Label) -> None:
    """Remove a label; what it named may still be there for a while."""
    store.remove(_path(label.label))


def _path(name: str) -> str:
    return f"{FOLDER}/{name}.json"


def _read(store: Store, path: str) -> Label:
    told = json.loads(store.get(path))
    return Label(**told | {"made_at": datetime.fromisoformat(told["made_at"])})
