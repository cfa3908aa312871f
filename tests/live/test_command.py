"""`barlake live` as a user starts and ends it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from barlake.model import streamed
from tests.live.streams import append, bar

PROGRAM = [sys.executable, "-c", "from barlake.cli import run; run()", "live"]
LIB = Path(__file__).resolve().parents[2] / "lib"


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BARLAKE_")}
    process = subprocess.Popen(
        [*PROGRAM, *words],
        env=clean | {"PYTHONPATH": str(LIB)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def shown(address: str) -> dict[str, Any]:
    """Ask for the page's numbers until there are any."""
    while True:
        with closing(HTTPConnection(urlsplit(address).netloc, timeout=10)) as connection:
            connection.request("GET", "/now.json")
            told: dict[str, Any] = json.load(connection.getresponse())
        if told["bars"]:
            return told


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(root: Path, ending: signal.Signals) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    with started("--lake", str(root), "--json") as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        told = shown(address)
        process.send_signal(ending)
        _, said = process.communicate(timeout=20)

    assert told["ticker"] == "AAPL"
    assert process.returncode == 0
    assert "Traceback" not in said


def test_it_says_where_the_page_is(root: Path) -> None:
    with started("--lake", str(root)) as process:
        assert process.stdout is not None
        said = process.stdout.readline()

    assert said.startswith("open http://127.0.0.1:")


def test_a_folder_without_a_lake_is_refused(tmp_path: Path) -> None:
    with started("--lake", str(tmp_path)) as process:
        _, said = process.communicate(timeout=20)

    assert process.returncode == 2
    assert said == f"barlake: {tmp_path} holds no lake; run `barlake demo` or `barlake run` first\n"
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_refused(root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with started("--lake", str(root), "--port", port) as process:
            _, said = process.communicate(timeout=20)

    assert process.returncode == 2
    assert said == (
        f"barlake: 127.0.0.1:{port} cannot be served: Address already in use; "
        "give another --port, or 0\n"
    )


def test_the_lake_is_left_as_it_was(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    with started("--lake", str(root)) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[1]
        told = shown(address)

    assert len(told["bars"]) == 1
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before
