"""What a command says of a bucket that it may not write, before Spark starts."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import structlog

from barlake import cli
from barlake.io import lease
from barlake.model.jobs import RUN
from infra.server import Server
from tests.builders import row, write_bars
from tests.object_stores import Place, placed

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _no_spark(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def started(*_: object) -> NoReturn:
        pytest.fail("Spark was started")

    monkeypatch.setattr("barlake.io.spark.open_session", started)
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def given(tmp_path: Path) -> Path:
    return write_bars(tmp_path / "bars.csv", [row()])


@pytest.fixture
def place(minio: Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    return placed(minio, monkeypatch)


def barlake(*words: str) -> int:
    return cli._guarded(cli.app, list(words))


def refused(address: str, given: Path, captured: Captured) -> tuple[int, str]:
    """Try a run; give its exit code and its one sentence."""
    code = barlake("run", "--from", str(given), "--lake", address)
    out, err = captured.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    return code, err


def test_a_wrong_secret_is_named_and_not_shown(
    place: Place, given: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong" * 8)
    code, said = refused(place.address, given, capsys)

    assert code == 1
    assert said.startswith(f"barlake: {place.address}")
    assert "the secret is not that of the access key (SignatureDoesNotMatch)" in said
    assert "wrong" not in said


def test_a_bucket_that_is_not_there_is_not_made(
    place: Place, given: Path, capsys: Captured
) -> None:
    code, said = refused("s3a://test-that-is-not-there/lake", given, capsys)

    assert code == 1
    assert said.startswith("barlake: s3a://test-that-is-not-there/lake")
    assert "there is no such bucket (NoSuchBucket)" in said
    known = [bucket["Name"] for bucket in place.server.client().list_buckets()["Buckets"]]
    assert "test-that-is-not-there" not in known


def test_a_second_run_ends_with_4_and_names_the_first(
    place: Place, given: Path, capsys: Captured
) -> None:
    holder = {"run_id": "night-1", "process": 7, "started_at": "now", "expires_seconds": 60.0}
    with lease.lease(place.store, RUN.writes, holder), lease.recorded(place.store, holder):
        code, said = refused(place.address, given, capsys)

    assert code == 4
    assert "is being written by run night-1 (process 7)" in said
