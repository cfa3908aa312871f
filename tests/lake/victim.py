"""A real process that runs a command on a lake, and is killed at a point seen from outside."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from threading import Thread

from barlake.settings import PROJECT
from tests.few_rows import INTERPRETED

PATIENCE = 600.0
POLL = 0.001


@dataclass(frozen=True, slots=True)
class Point:
    """The `nth` new file named `pattern` in `folder`, at any depth; and `wait` seconds more.

    `origin` names the lake that the victim works on.
    """

    name: str
    folder: str
    pattern: str
    nth: int = 1
    wait: float = 0.0
    origin: str = "base"

    def seen(self, root: Path) -> set[str]:
        """Give the files that are there now."""
        walked = os.walk(root / self.folder)
        return {f"{d}/{f}" for d, _, names in walked for f in names if fnmatch(f, self.pattern)}


class Victim:
    """A command in a process group of its own, on a host in New York.

    Args:
        root: Its lake.
        run_id: Its run.
        arguments: What follows `barlake`; lake and run are added.
        point: Where it is struck; None lets it live.
        blow: The signal that strikes; SIGSTOP leaves it there, holding what it holds.
    """

    def __init__(
        self,
        root: Path,
        run_id: str,
        arguments: tuple[str, ...],
        point: Point | None,
        blow: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.root, self.run_id, self.point = root, run_id, point
        self._blow = blow
        self._old = point.seen(root) if point else set()
        self._log = root.with_name(f"{root.name}.log")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command(*arguments, "--lake", str(root), "--run-id", run_id),
                start_new_session=True,
                env=environment(),
                cwd=root.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.was_struck = False
        self._watcher = Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def was_recorded(self) -> bool:
        """Whether the run lived to leave its record."""
        record = self.root / "_runs" / f"{self.run_id}.json"
        return record.exists() and record.stat().st_size > 0

    def struck(self) -> "Victim":
        """Wait for the blow."""
        self._watcher.join(PATIENCE + 60)
        assert self.was_struck, f"{self.point} was never reached:\n{self.told()}"
        return self

    def ended(self) -> int:
        """Wait for its own end, and give its exit code."""
        return self.process.wait(PATIENCE)

    def told(self) -> str:
        """Give the end of what it printed."""
        return self._log.read_text()[-2000:]

    def kill(self) -> None:
        """Kill the whole group, JVM and all, and wait until none of it writes any more."""
        if self.process.poll() is None or alive(self.process.pid):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        while alive(self.process.pid):
            time.sleep(POLL)

    def _watch(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.point and self.process.poll() is None and time.monotonic() < deadline:
            if len(self.point.seen(self.root) - self._old) >= self.point.nth:
                time.sleep(self.point.wait)
                self._strike()
                return
            time.sleep(POLL)

    def _strike(self) -> None:
        if self.process.poll() is not None:
            return
        os.killpg(self.process.pid, self._blow)
        if self._blow is signal.SIGKILL:
            self.kill()
        self.was_struck = True


def frozen(victim: Victim, points: Sequence[Point], folder: Path) -> dict[Point, Path]:
    """Stop a living victim at each point, and keep what the disk holds then; give the copies.

    A stopped process writes nothing, and a killed one leaves what it wrote: a copy is what a kill
    at that point leaves, and its leases are nobody's. Waits are the victim's: while it is stopped,
    they stand as well.
    """
    old = {point: point.seen(victim.root) for point in points}
    due: dict[Point, float] = {}
    kept: dict[Point, Path] = {}
    while victim.process.poll() is None:
        for point in (point for point in points if point not in due):
            if len(point.seen(victim.root) - old[point]) >= point.nth:
                due[point] = time.monotonic() + point.wait
        now = [p for p, at in due.items() if p not in kept and at <= time.monotonic()]
        if now:
            began = time.monotonic()
            kept |= _kept(victim, now, folder)
            stood = time.monotonic() - began
            due = {point: at + stood for point, at in due.items()}
        time.sleep(POLL)
    assert victim.ended() == 0, victim.told()
    assert not set(points) - set(kept), f"never reached: {set(points) - set(kept)}"
    return kept


def _kept(victim: Victim, points: Sequence[Point], folder: Path) -> dict[Point, Path]:
    os.killpg(victim.process.pid, signal.SIGSTOP)
    try:
        while "T" not in (states := group_states(victim.process.pid)) or states - set("TZX"):
            time.sleep(POLL)
        copies = {point: folder / point.name.replace(" ", "-") / "lake" for point in points}
        for copy in copies.values():
            shutil.copytree(victim.root, copy)
    finally:
        os.killpg(victim.process.pid, signal.SIGCONT)
    return copies


def command(*arguments: str) -> list[str]:
    """Give the command line of the installed program."""
    return [str(PROJECT / ".venv" / "bin" / "barlake"), *arguments]


def environment(zone: str = "America/New_York") -> dict[str, str]:
    """Give this process's environment without what its own Spark put there, in another zone."""
    own = {k: v for k, v in os.environ.items() if "SPARK" not in k}
    interpreted = " ".join(f"-D{key}={value}" for key, value in INTERPRETED.items())
    return own | {"TZ": zone, "JAVA_TOOL_OPTIONS": interpreted}


def alive(group: int) -> bool:
    """Tell whether a process of the group still runs; one that nobody has waited for does not."""
    return bool(group_states(group) - set("ZX"))


def group_states(group: int) -> set[str]:
    """Give the states of a group's processes, as /proc has them: R, S, T and so on."""
    states = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == group:
            states.add(fields[0])
    return states
