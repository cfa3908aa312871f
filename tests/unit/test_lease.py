"""One writing driver per table, across processes; and what a dead one leaves."""

import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from barlake.io import file_locks, lease
from barlake.io.folder import Folder
from barlake.model import gold, silver
from barlake.model.errors import BusyError

LIB = Path(__file__).resolve().parents[2] / "lib"
HOLDER = """
import sys
from barlake.io import file_locks, lease
from barlake.io.folder import Folder
from barlake.model import silver

store, run = Folder.at(sys.argv[1]), {"run_id": sys.argv[2], "process": 4711, "started_at": "1"}
with lease.lease(store, [silver.BARS_1M], run), lease.recorded(store, run):
    print("holding", flush=True)
    sys.stdin.read()
"""
Start = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder.at(str(tmp_path))


@pytest.fixture
def other(store: Folder) -> Iterator[Start]:
    """Give what starts another process that holds silver.bars_1m until it is ended."""
    with ExitStack() as started:

        def start(run_id: str) -> subprocess.Popen[str]:
            child = subprocess.Popen(
                [sys.executable, "-c", HOLDER, str(store.root), run_id],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={"PYTHONPATH": str(LIB)},
                text=True,
            )
            started.enter_context(child)
            started.callback(child.kill)
            assert child.stdout
            assert child.stdout.readline() == "holding\n"
            return child

        yield start


def record(run_id: str, started_at: str = "2026-11-20T22:00:00+00:00") -> dict[str, Any]:
    return {"run_id": run_id, "job": "run", "started_at": started_at, "process": 1}


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    assert child.wait(timeout=10) == -9


# --- tables


def test_a_table_that_another_process_writes_is_refused_and_its_run_is_named(
    store: Folder, other: Start
) -> None:
    other("night-1")

    with (
        pytest.raises(BusyError) as refused,
        lease.lease(store, [silver.BARS_1M], record("night-2")),
    ):
        pytest.fail("two hold one table")

    assert str(refused.value) == (
        "silver.bars_1m is being written by run night-1 (process 4711); "
        "wait for it, or end it, and run again"
    )
    assert (lease.holder_of(store, silver.BARS_1M) or {})["run_id"] == "night-1"


def test_a_refused_run_holds_nothing_and_leaves_the_holder_named(
    store: Folder, other: Start
) -> None:
    """gold.bars comes first by name: it is taken, and must be given back."""
    other("night-1")

    with pytest.raises(BusyError), lease.lease(store, [silver.BARS_1M, gold.BARS], record("mine")):
        pytest.fail("two hold one table")

    assert lease.holder_of(store, gold.BARS) is None
    assert (lease.holder_of(store, silver.BARS_1M) or {})["run_id"] == "night-1"


def test_other_tables_are_free(store: Folder, other: Start) -> None:
    other("night-1")

    with lease.lease(store, [gold.BARS, silver.COVERAGE], record("night-2")):
        assert (lease.holder_of(store, gold.BARS) or {})["run_id"] == "night-2"


def test_a_table_is_free_once_its_process_was_killed(store: Folder, other: Start) -> None:
    kill(other("night-1"))

    assert lease.holder_of(store, silver.BARS_1M) is None
    with lease.lease(store, [silver.BARS_1M], record("night-2")):
        assert (lease.holder_of(store, silver.BARS_1M) or {})["run_id"] == "night-2"


def test_a_table_is_free_after_a_run_however_it_ends(store: Folder) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        lease.lease(store, [silver.BARS_1M], record("night-1")),
    ):
        raise ZeroDivisionError

    with lease.lease(store, [silver.BARS_1M], record("night-2")):
        pass
    assert lease.holder_of(store, silver.BARS_1M) is None


def test_one_process_holds_a_table_once(store: Folder) -> None:
    with (
        lease.lease(store, [silver.BARS_1M], record("night-1")),
        pytest.raises(BusyError, match="run night-1"),
        lease.lease(store, [silver.BARS_1M], record("night-1")),
    ):
        pytest.fail("it holds it twice")


def test_who_looks_stands_in_nobodys_way(store: Folder) -> None:
    """`status` asks who writes by trying the lock: a run that starts in that moment waits."""
    with lease.lease(store, [silver.BARS_1M], record("night-1")):
        pass
    [path] = (store.root / file_locks.FOLDER).iterdir()

    looking = os.open(path, os.O_RDWR)
    fcntl.flock(looking, fcntl.LOCK_EX | fcntl.LOCK_NB)
    threading.Timer(0.02, os.close, [looking]).start()
    with lease.lease(store, [silver.BARS_1M], record("night-2")):
        assert (lease.holder_of(store, silver.BARS_1M) or {})["run_id"] == "night-2"


def test_a_holder_that_has_not_said_its_name_yet_is_no_fault(store: Folder) -> None:
    """Between taking the lock and writing who took it."""
    path = store.root / file_locks.FOLDER / "silver.bars_1m.lease"
    path.parent.mkdir()

    with path.open("a+") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        assert lease.holder_of(store, silver.BARS_1M) == {}
        with (
            pytest.raises(BusyError, match=r"run unknown \(process unknown\)"),
            lease.lease(store, [silver.BARS_1M], record("night-2")),
        ):
            pytest.fail("two hold one table")


def test_looking_writes_nothing(store: Folder) -> None:
    assert lease.holder_of(store, silver.BARS_1M) is None
    assert lease.abandoned(store) == []

    assert list(store.root.iterdir()) == []


# --- runs


def test_a_run_that_lives_is_not_abandoned_and_one_that_was_killed_is(
    store: Folder, other: Start
) -> None:
    child = other("night-1")
    assert lease.abandoned(store) == []

    kill(child)

    assert [dead["run_id"] for dead in lease.abandoned(store)] == ["night-1"]


def test_the_dead_come_in_order_of_their_start_and_stay_until_forgotten(store: Folder) -> None:
    for run_id, hour in (("a", "23"), ("b", "21"), ("c", "22")):
        with lease.recorded(store, record(run_id, f"2026-11-20T{hour}:00:00+00:00")):
            pass

    assert [dead["run_id"] for dead in lease.abandoned(store)] == ["b", "c", "a"]
    lease.forget(store, "c")
    lease.forget(store, "c")
    assert lease.abandoned(store) == [
        record("b", "2026-11-20T21:00:00+00:00"),
        record("a", "2026-11-20T23:00:00+00:00"),
    ]


def test_a_run_that_ended_and_is_forgotten_leaves_nothing(store: Folder) -> None:
    with lease.recorded(store, record("night-1")):
        lease.forget(store, "night-1")

    assert lease.abandoned(store) == []
    assert list((store.root / file_locks.RECORDS).iterdir()) == []


def test_one_run_id_is_one_run_at_a_time(store: Folder) -> None:
    with (
        lease.recorded(store, record("night-1")),
        pytest.raises(BusyError, match="run night-1 is being written by run night-1"),
        lease.recorded(store, record("night-1")),
    ):
        pytest.fail("two are one run")


def test_a_run_under_the_name_of_a_dead_one_takes_its_record_over(store: Folder) -> None:
    with lease.recorded(store, record("night-1", "2026-11-20T21:00:00+00:00")):
        pass

    with lease.recorded(store, record("night-1", "2026-11-20T22:00:00+00:00")):
        assert lease.abandoned(store) == []
        text = (store.root / file_locks.RECORDS / "night-1.json").read_text("utf-8")

    assert json.loads(text)["started_at"] == "2026-11-20T22:00:00+00:00"


def test_a_record_that_its_run_forgets_while_we_look_is_no_fault(
    store: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lease.recorded(store, record("night-1")):
        pass
    flock = fcntl.flock

    def forgotten_meanwhile(file: Any, how: int) -> None:
        lease.forget(store, "night-1")
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", forgotten_meanwhile)

    assert lease.abandoned(store) == []
    assert list((store.root / file_locks.RECORDS).iterdir()) == []
