"""Run Airflow on this machine: its four parts, on loopback, ended with all that they started."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from infra import airflow, processes, server
from infra.airflow_api import ApiError, Client
from infra.processes import Identity
from infra.server import StartError

# A first start imports everything anew, and the machine may be busy.
READY_SECONDS = 600.0
# A task that is ended ends its job, which takes some seconds.
END_SECONDS = 30.0
PARTS = {
    "api-server": ("api-server",),
    # Logs are read from the disk: their servers would listen beyond loopback.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


class Airflow(NamedTuple):
    """An Airflow that runs: `url` is its page; `parts` its processes, each with its name."""

    home: Path
    project: Path
    url: str
    parts: Mapping[str, subprocess.Popen[bytes]]
    since: datetime

    @property
    def client(self) -> Client:
        """Give a client with the administrator's rights."""
        return Client(self.url, airflow.password(self.home))

    @property
    def identities(self) -> dict[str, Identity]:
        """Know its processes again; one that has ended meanwhile is left out."""
        running = {name: part.pid for name, part in self.parts.items() if part.poll() is None}
        return {name: Identity.of(pid) for name, pid in running.items()}

    def ended(self) -> str | None:
        """Say which part has ended, and its last line; nothing, if all run."""
        for name, part in self.parts.items():
            if part.poll() is not None:
                return f"Airflow's {name} has ended: {_last_line(self.home, name)}"
        return None

    def wait_ready(self) -> None:
        """Wait until all parts are healthy and the pools are there.

        Raises:
            StartError: A part has ended, or is not healthy in time.
        """
        until = time.monotonic() + READY_SECONDS
        while lacking := self._lacking():
            if (fault := self.ended()) or time.monotonic() > until:
                raise StartError(fault or f"Airflow is not ready: {lacking}; see {self.home}/logs")
            time.sleep(0.2)
        for name, pool in airflow.pools(self.project).items():
            self.client.keep_pool(name, pool["slots"], pool["description"])

    def _lacking(self) -> str:
        try:
            return unhealthy(self.client.health(), self.since)
        except ApiError as error:
            return str(error)


@contextmanager
def parts(project: Path, variables: Mapping[str, str]) -> Iterator[Airflow]:
    """Make or renew the database, start the four parts, and end them with all their tasks.

    They need not be ready yet: `Airflow.wait_ready` waits for that.

    Args:
        project: The checkout's root.
        variables: What `airflow.environment` gave.

    Raises:
        StartError: Airflow is not there, or its database cannot be made.
    """
    home = server.made(Path(variables["AIRFLOW_HOME"]))
    airflow.keep_secrets(home)
    given = airflow.inherited(variables)
    with _all(project, home, given, {"migrate": ("db", "migrate")}) as started:
        if started["migrate"].wait():
            raise StartError(f"Airflow's database: {_last_line(home, 'migrate')}")
    since = datetime.now(UTC)
    with _all(project, home, given, PARTS) as started:
        yield Airflow(home, project, variables["AIRFLOW__API__BASE_URL"], started, since)


@contextmanager
def ready(project: Path, variables: Mapping[str, str]) -> Iterator[Airflow]:
    """Run Airflow as `parts` does, and wait until it is ready.

    Raises:
        StartError: It does not start.
    """
    with parts(project, variables) as started:
        started.wait_ready()
        yield started


def unhealthy(health: Mapping[str, Any], since: datetime) -> str:
    """Name the parts that are not healthy, or were last so before `since`; empty, if all are."""
    return ", ".join(part for part in health if not _is_healthy(part, health[part], since))


def _is_healthy(part: str, told: Mapping[str, Any] | None, since: datetime) -> bool:
    if not told or told["status"] != "healthy":
        return False
    beat = told.get(f"latest_{part}_heartbeat")
    # Who ran before left a heartbeat that counts for half a minute.
    return part == "metadatabase" or (beat is not None and datetime.fromisoformat(beat) >= since)


@contextmanager
def _all(
    project: Path,
    home: Path,
    variables: Mapping[str, str],
    commands: Mapping[str, Sequence[str]],
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    program = project / ".venv-airflow" / "bin" / "airflow"
    started: dict[str, subprocess.Popen[bytes]] = {}
    leaders: list[Identity] = []
    try:
        for name, arguments in commands.items():
            started[name] = _start([str(program), *arguments], variables, _words(home, name))
            leaders.append(Identity.of(started[name].pid))
        yield started
    finally:
        processes.end(leaders, END_SECONDS)
        for part in started.values():
            part.wait()


def _start(
    command: list[str], variables: Mapping[str, str], words: Path
) -> subprocess.Popen[bytes]:
    server.made(words.parent)
    with words.open("wb") as log:
        try:
            # Its own session: Ctrl-C is for us, who then end it.
            return subprocess.Popen(  # noqa: S603 - our own command
                command, env=variables, stdout=log, stderr=log, start_new_session=True
            )
        except OSError as error:
            remedy = "`make .venv-airflow/.airflow` sets it up"
            raise StartError(f"Airflow does not run: {error}; {remedy}") from error


def _words(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"


def _last_line(home: Path, name: str) -> str:
    lines = _words(home, name).read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no word of why"
