"""Processes are ended with what they started; one that only has the number is left alone."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from infra import processes
from infra.processes import Identity

WAIT = "import signal; signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
# Starts a child in a session of its own, says its number, and waits.
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-Ic", {f'{DEAF}; print("deaf", flush=True); {WAIT}'!r}],
    stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
{WAIT}
"""


@contextmanager
def started(program: str) -> Iterator[tuple[subprocess.Popen[str], Identity]]:
    with subprocess.Popen(
        [sys.executable, "-Ic", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process, Identity.of(process.pid)
        finally:
            process.kill()


def test_a_session_ends_with_what_it_started_elsewhere_and_with_who_hears_nothing() -> None:
    with started(PARENT) as (parent, known):
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert {process.pid for process in processes.family(known)} == {parent.pid, child.pid}
        assert [process.pid for process in processes.session(known)] == [parent.pid]
        processes.end([known], 0.5)
        assert not child.is_running()
        assert known.find() is None


def test_another_process_with_the_number_is_not_touched() -> None:
    with started(WAIT) as (process, known):
        former = known._replace(started=known.started - 3600)
        assert former.find() is None
        assert processes.family(former) == set()
        processes.ask(former, 0.1)
        processes.end([former], 0.1)
        assert process.poll() is None
        assert known.find() is not None


def test_what_a_session_left_behind_is_found_without_its_leader() -> None:
    orphaned = PARENT.replace(", start_new_session=True", "").replace(WAIT + "\n", "\n")
    with started(orphaned) as (leader, known):
        assert leader.stdout is not None
        child = psutil.Process(int(leader.stdout.readline()))
        leader.wait()
        assert known.find() is None
        assert [process.pid for process in processes.session(known)] == [child.pid]
        processes.end([known], 0.1)
        assert not child.is_running()


@pytest.mark.parametrize("ask", [True, False])
def test_who_has_ended_needs_no_end(ask: bool) -> None:  # noqa: FBT001 - a parameter of the test
    with started("") as (process, known):
        process.wait()
        processes.ask(known, 0.1) if ask else processes.end([known], 0.1)
        assert known.find() is None
