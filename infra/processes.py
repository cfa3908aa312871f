"""Processes that were started here: known by more than a number, ended with what they started."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

import psutil

KILL_SECONDS = 10.0
# When a process was started is told by a clock that may be set meanwhile; a number comes again
# after thousands of others.
APART_SECONDS = 5.0


class Identity(NamedTuple):
    """A process: its number, which another may have later, and when it was started."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Identity:
        """Give the identity of a process that runs."""
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Give the process, unless it has ended; never another one with its number."""
        with suppress(psutil.NoSuchProcess):
            found = psutil.Process(self.pid)
            if self.is_of(found) and found.status() != psutil.STATUS_ZOMBIE:
                return found
        return None

    def is_of(self, process: psutil.Process) -> bool:
        """Say whether a process of this number is the one."""
        return bool(abs(process.create_time() - self.started) < APART_SECONDS)


def session(leader: Identity) -> list[psutil.Process]:
    """Give the processes of the session that `leader` opened, itself among them if it runs.

    None, where its number is another's by now.
    """
    with suppress(psutil.NoSuchProcess):
        if not leader.is_of(psutil.Process(leader.pid)):
            return []
    return [process for process in psutil.process_iter() if _session_of(process) == leader.pid]


def family(leader: Identity) -> set[psutil.Process]:
    """Give the processes of a session, and what those started, in whatever session."""
    members = set(session(leader))
    for member in list(members):
        with suppress(psutil.NoSuchProcess):
            members.update(member.children(recursive=True))
    return members


def ask(process: Identity, seconds: float) -> None:
    """Ask one process to end, and wait so long for it."""
    if found := process.find():
        _send(found, signal.SIGTERM)
        psutil.wait_procs([found], seconds)


def end(leaders: Iterable[Identity], seconds: float) -> None:
    """Ask sessions to end, wait, then end by force what is left of them and of what they started.

    Args:
        leaders: Who opened the sessions.
        seconds: How long to wait before force.
    """
    known = list(leaders)
    members = {process for leader in known for process in family(leader)}
    for process in {process for leader in known for process in session(leader)}:
        _send(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(members, seconds)
    # What was started meanwhile is no news of who has ended.
    left = {*alive, *(process for leader in known for process in family(leader))}
    for process in left:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(left, KILL_SECONDS)


def _session_of(process: psutil.Process) -> int | None:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(process.pid)
    return None


def _send(process: psutil.Process, what: signal.Signals) -> None:
    # psutil looks whether the number is still the same process's.
    with suppress(psutil.NoSuchProcess):
        process.send_signal(what)
