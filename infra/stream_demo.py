"""Show the stream at work: a broker, a replay at 60x, the stream, and the live page, until Ctrl-C.

Run: python infra/stream_demo.py FOLDER [--speed 60] [--tickers 20]

The lake of two simulated sessions is made once and stays in FOLDER/lake; each run streams into a
copy of it, in FOLDER/now, which begins with a topic and with tables that hold nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra import kafka, processes, server
from infra.processes import Identity
from infra.server import StartError

BARLAKE = str(Path(sys.executable).with_name("barlake"))
# A little of all that a vendor's feed is: late, twice, and corrected.
DISORDER = ("--late", "0.01", "--duplicate", "0.01", "--correct", "0.005")
READY_SECONDS = 120.0
END_SECONDS = 30.0
LOOK_SECONDS = 0.2

Found = TypeVar("Found")


class Part(NamedTuple):
    """A command that runs beside us, and where it writes what it prints and what it logs."""

    name: str
    running: subprocess.Popen[bytes]
    printed: Path
    logged: Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; give 0 when it was ended by Ctrl-C, 1 where a part of it broke."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--speed", type=float, default=60)
    parser.add_argument("--tickers", type=int, default=20)
    chosen = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        lake = prepared(chosen.folder.resolve(), chosen.tickers)
        show(lake, chosen.speed)
    except KeyboardInterrupt:
        say(f"\nended; nothing is left running. What was streamed is in {chosen.folder}/now/lake")
        return 0
    except StartError as broken:
        sys.stderr.write(f"barlake: {broken}\n")
        return 1
    return 0


def prepared(folder: Path, tickers: int) -> Path:
    """Give a lake of two sessions of which nothing was streamed yet; the first call makes it.

    Raises:
        StartError: It could not be made.
    """
    lake, made = folder / "lake", folder / "made"
    if not made.exists() or made.read_text() != str(tickers):
        say(f"making a lake of {tickers} tickers and two simulated sessions, once")
        shutil.rmtree(folder, ignore_errors=True)
        # Up to the last close: the stream refuses minutes that have not been yet.
        now = datetime.now(UTC).isoformat(timespec="seconds")
        asked = ["demo", "--tickers", str(tickers), "--sessions", "2"]
        asked += ["--as-of", now, "--lake", str(lake)]
        if subprocess.run([BARLAKE, *asked], stdout=subprocess.DEVNULL, check=False).returncode:  # noqa: S603 - our own command
            raise StartError("the lake could not be made; what is above says why")
        made.write_text(str(tickers))
    copy = folder / "now"
    shutil.rmtree(copy, ignore_errors=True)
    return Path(shutil.copytree(lake, copy / "lake"))


def show(lake: Path, speed: float) -> None:
    """Run all parts until one breaks.

    Raises:
        StartError: A part does not start, or has ended.
        KeyboardInterrupt: Somebody has seen enough; all parts have ended.
    """
    began = time.monotonic()
    with ExitStack() as held:
        broker = held.enter_context(kafka.broker(lake.parent / "broker"))
        asked = ("--lake", str(lake))

        def start(name: str, *words: str) -> Part:
            return held.enter_context(part(lake.parent, broker, name, *words, *asked))

        stream = start("stream")
        live = start("live", "--json")
        address = awaited(lambda: told_address(live), live)
        say(f"open {address} (Ctrl-C ends all)")
        # What is sent before the stream looks would be as old as its start is long.
        awaited((lake / "_checkpoints/stream/checkpoint/metadata").exists, stream)
        replay = start(
            "replay", "--speed", str(speed), "--ledger", f"{lake.parent}/ledger", *DISORDER
        )
        awaited(lambda: points(address), stream, live, replay)
        say(f"the first point is drawn, {time.monotonic() - began:.0f} s after set-up")
        watch(replay, stream, live)


def watch(replay: Part, *others: Part) -> None:
    """Wait, and say when the replay is through.

    Raises:
        StartError: Another part has ended.
    """
    is_told = False
    while True:
        if not is_told and replay.running.poll() is not None:
            is_told = True
            awaited(lambda: True, replay)
            say(replay.printed.read_text("utf-8").strip())
            say("the session is over; the page stays until Ctrl-C")
        awaited(lambda: True, *others)
        time.sleep(LOOK_SECONDS)


@contextmanager
def part(folder: Path, broker: kafka.Broker, name: str, *words: str) -> Iterator[Part]:
    """Run a command of barlake beside us, and end it with all that it has started."""
    printed, logged = (folder / f"{name}.{kind}" for kind in ("out", "log"))
    with printed.open("wb") as out, logged.open("wb") as log:
        # Its own session: Ctrl-C is for us, who then end it.
        running = subprocess.Popen(  # noqa: S603 - our own command
            [BARLAKE, name, *words],
            env={**os.environ, **broker.environment},
            stdout=out,
            stderr=log,
            start_new_session=True,
        )
    leader = Identity.of(running.pid)
    try:
        yield Part(name, running, printed, logged)
    finally:
        # It is asked first, and alone: what it has started is its own to end.
        processes.ask(leader, END_SECONDS)
        processes.end([leader], END_SECONDS)
        running.wait()


def awaited(look: Callable[[], Found | None], *parts: Part) -> Found:
    """Look until there is something, and give it.

    Raises:
        StartError: A part ended with a fault meanwhile, or nothing came for long.
    """
    until = time.monotonic() + READY_SECONDS
    while not (found := look()):
        if time.monotonic() > until:
            raise StartError(f"nothing came in {READY_SECONDS:.0f} s; see {parts[0].logged}")
        require(*parts)
        time.sleep(LOOK_SECONDS)
    require(*parts)
    return found


def require(*parts: Part) -> None:
    """Raise a StartError where a part has ended, but for a replay that is through."""
    for found in parts:
        code = found.running.poll()
        if code or (code is not None and found.name != "replay"):
            last = found.logged.read_text("utf-8", "replace").strip().splitlines()[-1:]
            raise StartError(f"barlake {found.name} has ended ({code}): {''.join(last)}")


def told_address(live: Part) -> str | None:
    """Give the page's address, once it is told."""
    said = live.printed.read_text("utf-8")
    return str(json.loads(said)["address"]) if said.endswith("\n") else None


def points(address: str) -> int:
    """Give how many points the page draws of its first ticker."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=server.END_SECONDS)
    try:
        connection.request("GET", "/now.json")
        told: dict[str, Any] = json.load(connection.getresponse())
    finally:
        connection.close()
    return len(told["bars"])


def say(sentence: str) -> None:
    """Tell whoever looks."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
