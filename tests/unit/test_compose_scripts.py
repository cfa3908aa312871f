"""What the containers run of our own: the health check, Airflow's set-up, the metrics' file."""

import json
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from barlake.settings import PROJECT
from infra.compose import healthy

SCRIPTS = PROJECT / "infra" / "compose"
# As Airflow's api-server answers while one of its parts has not been heard of.
HEALTH = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": "2026-11-20T22:00:00Z"},
    "triggerer": {"status": "unhealthy"},
    "dag_processor": {"status": None},
}


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/down" else 200)
        self.end_headers()
        self.wfile.write(json.dumps(HEALTH).encode() if self.path == "/health" else b"hello")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "part", "code", "said"),
    [
        ("/", [], 0, ""),
        ("/health", ["scheduler"], 0, ""),
        ("/health", ["triggerer"], 1, "triggerer is unhealthy"),
        ("/health", ["dag_processor"], 1, "dag_processor is None"),
        ("/health", ["worker"], 1, "worker is None"),
        ("/", ["scheduler"], 1, "Expecting value"),
        ("/down", [], 1, "503"),
    ],
)
def test_a_service_is_well_where_it_answers_and_its_part_says_so(
    url: str, capsys: pytest.CaptureFixture[str], path: str, part: list[str], code: int, said: str
) -> None:
    assert healthy.main([url + path, *part]) == code
    assert said in capsys.readouterr().err


def test_a_service_that_does_not_listen_is_not_well(capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        port = server.server_port

    assert healthy.main([f"http://127.0.0.1:{port}/"]) == 1
    assert "refused" in capsys.readouterr().err


def stand_in(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    (folder / name).chmod(0o755)


def test_airflow_is_set_up_with_its_pools_and_a_password_that_nobody_else_reads(
    tmp_path: Path,
) -> None:
    notes, passwords = tmp_path / "notes", tmp_path / "passwords.json"
    stand_in(tmp_path / "bin", "airflow", f'echo "$@" >>{notes}')
    variables = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "AIRFLOW_PASSWORD": "a-password",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "BARLAKE_HOME": "/opt/barlake",
    }
    for _ in range(2):
        subprocess.run([SCRIPTS / "init.sh"], env=variables, check=True)

    assert json.loads(passwords.read_text("utf-8")) == {"admin": "a-password"}
    assert passwords.stat().st_mode & 0o777 == 0o600
    once = ["db migrate", "pools import /opt/barlake/dags/pools.json"]
    assert notes.read_text("utf-8").splitlines() == 2 * once
    del variables["AIRFLOW_PASSWORD"]
    failed = subprocess.run([SCRIPTS / "init.sh"], env=variables, capture_output=True, check=False)
    assert failed.returncode != 0


def test_metrics_are_replaced_whole_and_stay_where_the_lake_does_not_answer(tmp_path: Path) -> None:
    count, shown = tmp_path / "count", tmp_path / "barlake.prom"
    stand_in(
        tmp_path / "bin",
        "barlake",
        f'echo . >>{count}; n=$(wc -l <{count}); echo "metric $n"; test "$n" -ne 2',
    )
    # In place of a minute's wait: note what is shown, and end the loop after three.
    stand_in(
        tmp_path / "bin",
        "sleep",
        f'cat {shown} >>{tmp_path}/seen; test "$(wc -l <{count})" -lt 3 || kill "$PPID"',
    )
    variables = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    subprocess.run([SCRIPTS / "metrics.sh", tmp_path], env=variables, check=False, timeout=60)

    seen = (tmp_path / "seen").read_text("utf-8").splitlines()
    assert seen == ["metric 1", "metric 1", "metric 3"]
