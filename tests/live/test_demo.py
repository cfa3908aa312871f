"""`make stream-demo`: all parts in one go, and none of them left; its stream is played here."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from infra import stream_demo
from tests.kafka.small_lake import SESSION, session_bars, small_lake
from tests.live.streams import create

PROJECT = Path(__file__).resolve().parents[2]
WITH = "import sys; from infra import stream_demo; stream_demo.BARLAKE = sys.argv[1]"
SHOW = f"{WITH}; sys.exit(stream_demo.main(sys.argv[2:]))"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The demo's folder, its lake made; beside it the program that plays the stream."""
    if not (PROJECT / "jars" / "broker").exists():
        pytest.skip("no Kafka broker here: infra/jars.py broker")
    made = tmp_path / "demo"
    small_lake(made / "lake", session_bars())
    (made / "made").write_text("20")
    create(made / "lake", days=[SESSION])
    program = tmp_path / "barlake"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.live.played "$@"\n')
    program.chmod(stat.S_IRWXU)
    return made


@contextmanager
def shown(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    path = os.pathsep.join((str(PROJECT / "lib"), str(PROJECT)))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BARLAKE_")}
    process = subprocess.Popen(
        [sys.executable, "-c", SHOW, str(folder.parent / "barlake"), str(folder), *words],
        cwd=PROJECT,
        env=clean | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate()


def started_in(folder: Path) -> list[list[str]]:
    """Give the command lines of the processes that have to do with a folder, but for our own."""
    found = [p.info for p in psutil.process_iter(["pid", "cmdline"]) if p.pid != os.getpid()]
    return [p["cmdline"] for p in found if any(str(folder) in w for w in p["cmdline"] or [])]


def until(process: subprocess.Popen[str], words: str) -> str:
    """Read what it says until the words come."""
    assert process.stdout is not None
    said = ""
    while words not in said:
        line = process.stdout.readline()
        assert line, (said, process.communicate()[1])
        said += line
    return said


def test_ctrl_c_ends_all_parts(folder: Path) -> None:
    with shown(folder, "--speed", "600") as process:
        said = until(process, "the first point is drawn")
        running = started_in(folder)
        process.send_signal(signal.SIGINT)
        ended, faults = process.communicate(timeout=60)

    assert said.startswith("open http://127.0.0.1:")
    assert len(running) >= 4
    assert (process.returncode, faults) == (0, "")
    assert "nothing is left running" in ended
    assert started_in(folder) == []


def test_a_replay_that_is_through_is_told_and_the_page_stays(folder: Path) -> None:
    with shown(folder, "--speed", "6000") as process:
        said = until(process, "the page stays until Ctrl-C")

    assert "session 2026-11-20 into topic bars: " in said
    assert process.returncode == 0


def test_a_part_that_breaks_ends_the_others(folder: Path) -> None:
    with shown(folder, "--speed", "60") as process:
        until(process, "the first point is drawn")
        [stream] = [
            p
            for p in psutil.process_iter(["cmdline"])
            if "stream" in (p.info["cmdline"] or []) and str(folder) in " ".join(p.info["cmdline"])
        ]
        stream.kill()
        _, faults = process.communicate(timeout=60)

    assert process.returncode == 1
    assert faults.startswith("barlake: barlake stream has ended (-9)")
    assert started_in(folder) == []


def test_each_run_begins_with_nothing_streamed(folder: Path) -> None:
    streamed = folder / "now" / "lake" / "gold" / "vwap_stream" / "streamed.parquet"
    streamed.parent.mkdir(parents=True)
    streamed.touch()

    lake = stream_demo.prepared(folder, 20)

    assert lake == folder / "now" / "lake"
    assert (lake / "silver").is_dir()
    assert not streamed.exists()


def test_the_lake_is_made_up_to_now_so_that_the_stream_takes_its_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "barlake"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/asked\nfor lake in "$@"; do :; done\nmkdir -p "$lake"\n'
    )
    program.chmod(stat.S_IRWXU)
    monkeypatch.setattr(stream_demo, "BARLAKE", str(program))
    before = datetime.now(UTC).replace(microsecond=0)

    stream_demo.prepared(tmp_path / "demo", 3)

    words = (tmp_path / "asked").read_text().split()
    assert words[:5] == ["demo", "--tickers", "3", "--sessions", "2"]
    moment = datetime.fromisoformat(words[words.index("--as-of") + 1])
    assert before <= moment <= datetime.now(UTC)
