"""A lake in a bucket after each of two nights, to be copied into the buckets of tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest

from barlake.io import lease
from barlake.io.bucket import Bucket
from barlake.io.spark import _arguments
from barlake.model.jobs import RUN
from infra.server import Server
from tests.buckets.mirror import mirrored
from tests.builders import run_files
from tests.few_rows import INTERPRETED
from tests.lake.invariants import (
    DATA,
    Contents,
    assert_books_are_closed,
    assert_equal,
    assert_files_are_there,
    assert_keys_are_unique,
    assert_log_is_sane,
    contents,
)
from tests.lake.two_nights import FIRST_NIGHT, SECOND_NIGHT, first_night, second_night
from tests.object_stores import Place, placed, reached
from tests.stores.faults import Action
from tests.stores.proxy import Proxy

PATIENCE = 60.0


@dataclass(frozen=True)
class Nights:
    """What the nights were given and left; `said` is all that the second one printed."""

    first: Place
    second: Place
    folder: Path
    given: Path
    before: Contents
    expected: Contents
    said: str

    def copied(self, server: Server, patch: pytest.MonkeyPatch) -> Place:
        """Copy the lake as the first night left it into a new bucket."""
        reached(self.first.server, patch)
        objects = read(self.first.store)
        made = placed(server, patch)
        for name, content in objects.items():
            made.store.write(name, content)
        return made


def two_nights(server: Server, folder: Path) -> Nights:
    """Run two nights without a fault: the second in a process of its own, with event files."""
    with pytest.MonkeyPatch.context() as patch:
        first = placed(server, patch)
        run_files(first.address, first_night(folder / "1.csv"), as_of=FIRST_NIGHT, run_id="first")
        given = second_night(folder / "2.csv")
        second = placed(server, patch)
        for name, content in read(first.store).items():
            second.store.write(name, content)
        said = _run_apart(second, given, folder / "events")
        found = [mirrored(p.store, folder / p.bucket) for p in (first, second)]
        before, expected = (contents(root) for root in found)
        return Nights(first, second, folder, given, before, expected, said)


def read(store: Bucket) -> dict[str, bytes]:
    """Give every object of a lake, but for what a check of the store leaves."""
    return {name: store.get(name) for name in store.names("") if not name.startswith("_probe/")}


def run_second(nights: Nights, place: Place, run_id: str) -> None:
    """Run the second night in this lake."""
    run_files(place.address, nights.given, as_of=SECOND_NIGHT, run_id=run_id)


def run_status(nights: Nights, store: Bucket, run_id: str) -> str:
    """Give how a run ended, as ops.runs says."""
    found = contents(mirrored(store, nights.folder / f"mirror-{uuid4().hex}"))
    [status] = [row["status"] for row in found["ops.runs"] if row["run_id"] == run_id]
    return str(status)


def until_free(store: Bucket) -> None:
    """Wait until nobody counts as the writer of a table, or as a run that is alive."""
    deadline = monotonic() + PATIENCE
    while any(lease.holder_of(store, table) for table in RUN.writes):
        assert monotonic() < deadline, "a dead run still holds its tables"
        sleep(0.1)


def assert_converged(nights: Nights, store: Bucket, ended: dict[str, str]) -> Path:
    """The lake is sound, and holds what the second night without a fault left."""
    root = mirrored(store, nights.folder / f"mirror-{uuid4().hex}")
    found = contents(root)
    assert_sound(root, found)
    assert_equal(found, nights.expected, DATA)
    assert_books_are_closed(root, {"first": "ok", **ended}, received={})
    return root


def assert_sound(root: Path, found: Contents) -> None:
    """What must hold of a lake even where a night has died in it."""
    assert_log_is_sane(root)
    assert_files_are_there(root)
    assert_keys_are_unique(found)


@contextmanager
def struck_at(proxy: Proxy, method: str, path: str, then: Any) -> Iterator[None]:
    """Hold the first such request while `then` is done, which changes what it will meet."""
    fault = proxy.inject(Action.HOLD, method, path)
    broken: list[BaseException] = []

    def strike() -> None:
        try:
            fault.wait()
            then()
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            broken.append(error)
        finally:
            fault.release()

    thread = Thread(target=strike)
    thread.start()
    yield
    thread.join()
    assert (fault.struck, broken) == (1, [])


def _run_apart(place: Place, given: Path, events: Path) -> str:
    events.mkdir()
    told = INTERPRETED | {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.compress": "false",
        "spark.eventLog.dir": events.as_uri(),
    }
    options = [f"--conf {name}={value}" for name, value in told.items()]
    arguments = " ".join([*_arguments(), *options, "pyspark-shell"])
    command = [str(Path(sys.executable).with_name("barlake")), "run", "--from", str(given)]
    command += ["--lake", place.address, "--as-of", SECOND_NIGHT.isoformat(), "--run-id", "second"]
    done = subprocess.run(
        [*command, "--json"],
        env={**os.environ, "PYSPARK_SUBMIT_ARGS": arguments},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
