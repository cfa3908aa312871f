"""`make store`: an object store for a person, until Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from barlake.io.access import Access
from barlake.io.bucket import Bucket
from infra import minio as build
from infra import objectstore
from infra.server import REGION, StartError

PROGRAM = Path(objectstore.__file__)
LAKE = "s3a://lake"


@contextmanager
def served(folder: Path, ending: signal.Signals) -> Iterator[dict[str, str]]:
    """Serve `folder`, give the variables that are told, and end it by a signal."""
    command = [sys.executable, str(PROGRAM), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or "barlake run" not in lines[-1]:
            line = process.stdout.readline().decode()
            assert line, "it ended by itself"
            lines.append(line.strip())
        try:
            yield dict(re.findall(r"^export (\w+)=(\S+)$", "\n".join(lines), re.MULTILINE))
        finally:
            process.send_signal(ending)
            _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.decode().splitlines()[-1] == "barlake: the store has ended; its objects stay"


def reached(variables: dict[str, str], patch: pytest.MonkeyPatch) -> Bucket:
    for name, value in variables.items():
        patch.setenv(name, value)
    endpoint = variables["BARLAKE_LAKE__ENDPOINT"]
    return Bucket.at(LAKE, Access(endpoint=endpoint, region=REGION, is_path_style=True))


def test_it_tells_how_it_is_reached_and_keeps_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for ending in (signal.SIGINT, signal.SIGTERM):
        with served(tmp_path, ending) as variables:
            store = reached(variables, monkeypatch)
            is_first = store.put_once("a", b"content")
            assert is_first is (ending is signal.SIGINT)
            assert store.get("a") == b"content"
            told.append(variables)
    first, second = told
    assert set(first) >= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "BARLAKE_LAKE__ENDPOINT"}
    assert first["AWS_SECRET_ACCESS_KEY"] != second["AWS_SECRET_ACCESS_KEY"]


def test_without_minio_the_fallback_is_announced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent() -> Path:
        raise build.MinioError("MinIO has not been built")

    monkeypatch.setattr(build, "program", absent)
    with objectstore.either(tmp_path) as server:
        assert server.name == "SeaweedFS"
        assert Path(f"/proc/{server.pid}").exists() or not Path("/proc").exists()
    said = capsys.readouterr().err
    assert said == "barlake: MinIO has not been built; SeaweedFS serves instead\n"


def test_a_store_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'no room' >&2; exit 3\n", "utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(build, "program", lambda: broken)
    with pytest.raises(StartError, match="no room"), objectstore.minio(tmp_path):
        pytest.fail("it started")
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert objectstore.main([str(tmp_path)]) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "no room" in capsys.readouterr().err
    assert os.environ.get("MINIO_ROOT_PASSWORD") is None
