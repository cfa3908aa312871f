"""`make stack-down` ends exactly what `make stack` started; here nothing of Airflow is started."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra import airflow, server, stack
from infra.airflow_run import Airflow
from infra.processes import Identity
from infra.server import StartError
from infra.stack_record import Record

ENDED = "The stack has ended; what it holds stays.\n"
NOTHING = "The stack does not run; what it holds stays.\n"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits, in a session of its own."""
    command = [sys.executable, "-Ic", "import signal; signal.pause()"]
    with subprocess.Popen(command, start_new_session=True) as process:
        yield process
        process.kill()


def recorded(folder: Path, name: str, known: Identity, words: str = "") -> Record:
    record = Record(folder)
    record.add(**{name: known})
    if words:
        record.tell(words)
    return record


def test_with_nothing_running_there_is_nothing_to_end(tmp_path: Path) -> None:
    assert stack.down(tmp_path) == NOTHING
    assert list(tmp_path.iterdir()) == []


def test_what_runs_is_ended_once_and_objects_stay(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    kept = tmp_path / "store" / "object"
    server.made(kept.parent)
    kept.write_bytes(b"content")
    (tmp_path / "environment").write_text("export A=secret\n", "utf-8")
    recorded(tmp_path, "store", Identity.of(other.pid))
    assert [stack.down(tmp_path), stack.down(tmp_path)] == [ENDED, NOTHING]
    assert other.poll() is not None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]


def test_a_number_that_is_anothers_by_now_is_not_ended(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    now = Identity.of(other.pid)
    recorded(tmp_path, stack.KEEPER, now._replace(started=now.started - 3600))
    assert stack.down(tmp_path) == NOTHING
    assert other.poll() is None


def test_a_second_start_says_that_it_runs(
    tmp_path: Path, other: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    airflow.keep_secrets(server.made(tmp_path / "airflow"))
    recorded(tmp_path, stack.KEEPER, Identity.of(other.pid))
    assert stack.up(tmp_path) == "The stack runs already.\nIt is not ready yet.\n"
    recorded(tmp_path, stack.KEEPER, Identity.of(other.pid), "Airflow   http://127.0.0.1:1")
    assert stack.main(["up", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("The stack runs already.\nAirflow   http://127.0.0.1:1\nlogin     admin")
    # Nobody looks at a terminal here, and the output may be kept.
    assert airflow.password(tmp_path / "airflow") not in told
    assert str(airflow.passwords(tmp_path / "airflow")) in told
    assert other.poll() is None


def test_a_stack_that_does_not_start_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with stack._alone(tmp_path):
        assert stack.main(["up", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said == (
        f"barlake: the stack does not start: another stack is being started in {tmp_path}\n"
    )


def test_the_record_is_its_owners_and_never_half(tmp_path: Path) -> None:
    known = Identity(12, 34.5)
    recorded(tmp_path, "store", known, "words")
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text("utf-8")) == {
        "processes": {"store": [12, 34.5]},
        "words": "words",
    }
    assert Record.read(tmp_path) == Record(tmp_path, {"store": known}, "words")


def test_a_part_that_ends_is_told(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    record = recorded(tmp_path, "store", Identity.of(other.pid))
    other.kill()
    other.wait()
    flow = Airflow(tmp_path, tmp_path, "", {}, datetime.now(UTC))
    with pytest.raises(StartError, match="MinIO has ended"):
        stack._watch(record, flow, {"store": "MinIO"})


def test_each_part_is_watched(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    record = Record(tmp_path, {"store": Identity.of(os.getpid()), "kafka": Identity.of(other.pid)})
    other.kill()
    other.wait()
    flow = Airflow(tmp_path, tmp_path, "", {}, datetime.now(UTC))
    with pytest.raises(StartError, match="Kafka has ended"):
        stack._watch(record, flow, {"store": "MinIO", "kafka": "Kafka"})


def test_variables_for_a_shell_are_their_owners(tmp_path: Path) -> None:
    stack._write_variables(tmp_path, {"A": "one two", "B": "$HOME"})
    file = tmp_path / "environment"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = subprocess.run(
        ["/bin/sh", "-c", f'. {file}; echo "$A,$B"'],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.stdout == "one two,$HOME\n"
