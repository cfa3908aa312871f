"""Who writes a lake in a folder: locks of the operating system, which end with their process."""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from barlake.model.errors import BusyError

FOLDER = "_leases"
RECORDS = "_runs"


@dataclass(frozen=True, slots=True)
class FileLocks:
    """The locks of the lake in one folder."""

    root: Path

    @contextmanager
    def held(
        self, name: str, what: str, holder: dict[str, Any], patience: float
    ) -> Iterator[str | None]:
        """Hold a name. There is no fence: the system's lock cannot be lost by a living process.

        Raises:
            BusyError: Another process holds it.
        """
        with _locked(self._path(name), what, holder, patience):
            yield None

    def holder(self, name: str) -> dict[str, Any] | None:
        """Give who holds the name now; None where nobody does."""
        path = self._path(name)
        return _said(path) if _is_held(path) else None

    @contextmanager
    def recorded(self, run: dict[str, Any]) -> Iterator[None]:
        """Keep a record of a run while it runs; it stays when the run dies.

        Raises:
            BusyError: A run of that id is alive.
        """
        path = self.root / RECORDS / f"{run['run_id']}.json"
        with _locked(path, f"run {run['run_id']}", run, patience=0.3):
            yield

    def forget(self, run_id: str) -> None:
        """Remove a run's record."""
        (self.root / RECORDS / f"{run_id}.json").unlink(missing_ok=True)

    def abandoned(self) -> list[dict[str, Any]]:
        """Give the records of runs that died; unordered."""
        dead = (_said(path) for path in self._records() if not _is_held(path))
        return [record for record in dead if record]

    def clear_unwritten(self) -> None:
        """Remove the records of runs that died before they had written even that."""
        for path in self._records():
            if not path.stat().st_size and not _is_held(path):
                path.unlink(missing_ok=True)

    def _records(self) -> list[Path]:
        return sorted((self.root / RECORDS).glob("*.json"))

    def _path(self, name: str) -> Path:
        return self.root / FOLDER / f"{name}.lease"


@contextmanager
def _locked(path: Path, what: str, holder: dict[str, Any], patience: float) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        _take(file, what, patience)
        file.truncate(0)
        file.write(json.dumps(holder))
        file.flush()
        yield


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
    raise BusyError.of(what, json.loads(file.read() or "{}"))


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
