"""Run the whole stack on this machine, in the background: a store, Kafka, Airflow, the lake.

Run: python infra/stack.py up|down FOLDER

`up` returns when all is healthy, and says how it is reached; `down` ends exactly what `up` started.
What they hold lies in FOLDER and stays: objects, and Airflow's database, logs and password.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra import airflow, airflow_run, kafka, objectstore, processes, server
from infra.airflow import PROJECT
from infra.airflow_api import USER
from infra.airflow_run import Airflow
from infra.kafka import Broker
from infra.processes import Identity
from infra.server import Server, StartError
from infra.stack_record import Record

BUCKET = "lake"
LAKE = f"s3a://{BUCKET}/main"
# The process that starts the others, watches them, and ends them.
KEEPER = "keeper"
# What Airflow may take, and the rest besides.
END_SECONDS = 2 * airflow_run.END_SECONDS
POLL_SECONDS = 0.2


def main(argv: Sequence[str] | None = None) -> int:
    """Start or end the stack; give 0, or 1 where it does not start."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["up", "down", "keep"], help="keep: what `up` runs")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    chosen = parser.parse_args(argv)
    commands = {"up": up, "down": down, "keep": keep}
    try:
        sys.stdout.write(commands[chosen.what](chosen.folder.resolve()))
    except StartError as error:
        sys.stderr.write(f"barlake: {error}\n")
        return 1
    return 0


def up(folder: Path) -> str:
    """Start the stack, unless it runs, and wait until it is ready; give what to tell a person.

    Raises:
        StartError: It does not start.
    """
    record = Record.read(folder)
    if KEEPER in record.running():
        reached = f"{record.words}\n{_login(folder)}" if record.words else "It is not ready yet.\n"
        return f"The stack runs already.\n{reached}"
    down(folder)
    keeper = _start(folder)
    try:
        record = _wait(folder, keeper)
    except KeyboardInterrupt:
        keeper.terminate()
        keeper.wait()
        raise
    return f"{record.words}\n{_login(folder)}"


def down(folder: Path) -> str:
    """End what `up` started, and nothing else; give what to tell a person."""
    record = Record.read(folder)
    running = record.running()
    if KEEPER in running:
        # It ends the others, in their order.
        processes.ask(running[KEEPER], END_SECONDS)
    processes.end(record.running().values(), airflow_run.END_SECONDS)
    record.forget()
    _variables(folder).unlink(missing_ok=True)
    return f"The stack {'has ended' if running else 'does not run'}; what it holds stays.\n"


def keep(folder: Path) -> str:
    """Run the stack until SIGTERM, or until one of its processes ends.

    Raises:
        StartError: Something does not start, or has ended.
    """
    signal.signal(signal.SIGTERM, _stop)
    with _alone(folder), ExitStack() as stack:
        record = Record(folder)
        record.add(**{KEEPER: Identity.of(os.getpid())})
        try:
            _watch(record, *_all(stack, record))
        except KeyboardInterrupt:
            return "the stack has ended\n"


def _all(stack: ExitStack, record: Record) -> tuple[Airflow, dict[str, str]]:
    """Start one after the other; each that is to come gets its place, and its variables, here.

    Gives Airflow, and what else runs: its name in the record, and what a person calls it.
    """
    store = stack.enter_context(objectstore.either(record.folder / "store"))
    record.add(store=Identity.of(store.pid))
    store.make(BUCKET)
    broker = stack.enter_context(kafka.broker(record.folder / "kafka"))
    record.add(kafka=Identity.of(broker.pid))
    reach = {**store.environment, **broker.environment}
    variables = airflow.environment(
        record.folder / "airflow", PROJECT, LAKE, ports=airflow.Ports.free(), reach=reach
    )
    flow = stack.enter_context(airflow_run.parts(PROJECT, variables))
    record.add(**flow.identities)
    flow.wait_ready()
    _write_variables(record.folder, {**reach, "BARLAKE_LAKE__ROOT": LAKE})
    record.tell(_words(record.folder, flow, store, broker))
    return flow, {"store": store.name, "kafka": "Kafka"}


def _watch(record: Record, flow: Airflow, others: Mapping[str, str]) -> NoReturn:
    while True:
        fault = flow.ended()
        for name, called in others.items():
            if record.processes[name].find() is None:
                fault = f"{called} has ended"
        if fault:
            raise StartError(fault)
        time.sleep(POLL_SECONDS)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(Path(__file__).resolve()), "keep", str(folder)]
    with (server.made(folder) / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            start_new_session=True,
        )


def _wait(folder: Path, keeper: subprocess.Popen[bytes]) -> Record:
    """Wait until all is ready; the keeper ends itself if that takes too long."""
    while keeper.poll() is None:
        record = Record.read(folder)
        if record.words and record.processes[KEEPER].pid == keeper.pid:
            return record
        time.sleep(POLL_SECONDS)
    said = (folder / "log").read_text("utf-8", "replace").strip().splitlines()
    last = said[-1].removeprefix("barlake: ") if said else "no word of why"
    raise StartError(f"the stack does not start: {last}")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder; the system lets go of it when this process ends, however it does."""
    with (server.made(folder) / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(f"another stack is being started in {folder}") from error
        yield


def _stop(*_: object) -> None:
    # Once is enough: what ends the others must not be interrupted.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _words(folder: Path, flow: Airflow, store: Server, broker: Broker) -> str:
    lines = [
        f"Airflow   {flow.url}",
        f"{store.name:<9} {store.url}, bucket {BUCKET}",
        f"Kafka     {broker.address}",
        f"lake      {LAKE}; in a shell: . {shlex.quote(str(_variables(folder)))}",
        f"logs      {flow.home / 'logs'}, {folder / 'log'}",
    ]
    return "\n".join(lines)


def _login(folder: Path) -> str:
    """Say how to log in; the password itself goes to a person's eyes only, and into no log."""
    home = folder / "airflow"
    shown = airflow.password(home) if sys.stdout.isatty() else f"in {airflow.passwords(home)}"
    return f"login     {USER}, password {shown}\n"


def _variables(folder: Path) -> Path:
    return folder / "environment"


def _write_variables(folder: Path, variables: Mapping[str, str]) -> None:
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    server.write_secret(_variables(folder), "".join(lines))


if __name__ == "__main__":
    sys.exit(main())
