"""Who writes a lake in a bucket: numbered tokens, of which the store gives each out once.

A name's newest token is its holder's. The holder is alive while its token or its run's record has
been written within `expires_seconds`, by the store's own clock; after that the next number may be
taken, and the fence keeps whoever has an older one from committing.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import structlog

from barlake.io.bucket import Bucket
from barlake.model.errors import BarlakeError, BusyError

logger = structlog.get_logger()

FOLDER = "_leases"
RECORDS = "_runs"
EXPIRES_SECONDS = 60.0
_BEATS = 4  # so many of them may fail before a holder counts as dead
_POLL_SECONDS = 0.2
_RESOLUTION_SECONDS = 1.0  # a store tells both times in whole seconds

Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TokenLocks:
    """The locks of the lake in one bucket; `expires_seconds` comes with each holder."""

    store: Bucket

    @contextmanager
    def held(self, name: str, what: str, holder: Said, patience: float) -> Iterator[str | None]:
        """Hold a name; yields its fence, `<address of its tokens>#<number of ours>`.

        Raises:
            BusyError: Another process holds it, and has been heard of lately.
        """
        number, said = self._taken(name, what, holder, patience)
        try:
            yield f"{self.store.path(_folder(name))}#{number}"
        finally:
            ended = json.dumps(said | {"is_released": True}).encode()
            with _at_last(what):
                self.store.write(_token(name, number), ended)

    def holder(self, name: str) -> Said | None:
        """Give who holds the name now; None where nobody does."""
        number, said = self._newest(name)
        return said if said and self._is_alive(_token(name, number), said) else None

    @contextmanager
    def recorded(self, run: Said) -> Iterator[None]:
        """Keep a record of a run, written again and again while it runs; it stays when it dies.

        Raises:
            BusyError: A run of that id is alive.
        """
        name = f"run.{run['run_id']}"
        self._taken(name, f"run {run['run_id']}", run, patience=0.3)
        try:
            with self._beating(run):
                yield
        finally:
            with _at_last(f"run {run['run_id']}"):
                self.store.remove(_folder(name))

    def forget(self, run_id: str) -> None:
        """Remove a run's record."""
        self.store.delete(_record(run_id))

    def abandoned(self) -> list[Said]:
        """Give the records of runs that died; unordered."""
        known = [(name, self._said(name)) for name in self.store.names(RECORDS)]
        return [said for name, said in known if said and not self._is_alive(name, said)]

    def clear_unwritten(self) -> None:
        """There are none: an object is written whole or not at all."""

    def _taken(self, name: str, what: str, holder: Said, patience: float) -> tuple[int, Said]:
        until = time.monotonic() + patience
        while True:
            number, other = self._newest(name)
            if not (other and self._is_alive(_token(name, number), other)):
                said = holder | {"nonce": uuid4().hex}
                if self._puts(_token(name, number + 1), said):
                    self.store.delete(_token(name, number))
                    return number + 1, said
            elif time.monotonic() > until:
                raise BusyError.of(what, other)
            time.sleep(_POLL_SECONDS)

    def _puts(self, key: str, said: Said) -> bool:
        """Put a token; ours as well where the store's answer was lost and a second try refused."""
        return self.store.put_once(key, json.dumps(said).encode()) or self._said(key) == said

    def _newest(self, name: str) -> tuple[int, Said]:
        known = self.store.names(_folder(name))
        if not known:
            return 0, {}
        return int(known[-1].rpartition("/")[2].removesuffix(".json")), self._said(known[-1])

    def _is_alive(self, key: str, said: Said) -> bool:
        if said.get("is_released"):
            return False
        expires = float(said.get("expires_seconds", EXPIRES_SECONDS))
        keys = (_record(said["run_id"]), key)
        ages = (self.store.age(found) for found in keys)
        return any(age is not None and age < expires + _RESOLUTION_SECONDS for age in ages)

    def _said(self, key: str) -> Said:
        try:
            found: Said = json.loads(self.store.get(key))
        except FileNotFoundError:
            return {}
        return found

    @contextmanager
    def _beating(self, run: Said) -> Iterator[None]:
        key, over = _record(run["run_id"]), Event()
        self.store.write(key, json.dumps(run).encode())
        pulse = Thread(target=self._beat, args=(key, run, over), daemon=True)
        pulse.start()
        try:
            yield
        finally:
            over.set()
            pulse.join()
            with _at_last(f"run {run['run_id']}"):
                if self.store.exists(key):  # not forgotten: whoever comes next finds it dead
                    self.store.write(key, json.dumps(run | {"is_released": True}).encode())

    def _beat(self, key: str, run: Said, over: Event) -> None:
        pause = float(run.get("expires_seconds", EXPIRES_SECONDS)) / _BEATS
        while not over.wait(pause):
            try:
                if self.store.exists(key):
                    self.store.write(key, json.dumps(run).encode())
            except (BarlakeError, OSError) as error:
                logger.warning("heartbeat failed", run_id=run["run_id"], reason=str(error))


@contextmanager
def _at_last(what: str) -> Iterator[None]:
    """Let go of what expires by itself where the store cannot be told: the run's own end counts."""
    try:
        yield
    except (BarlakeError, OSError) as error:
        logger.warning("lease not released", lease=what, reason=str(error))


def _folder(name: str) -> str:
    return f"{FOLDER}/{name}"


def _token(name: str, number: int) -> str:
    return f"{_folder(name)}/{number:020d}.json"


def _record(run_id: str) -> str:
    return f"{RECORDS}/{run_id}.json"
