"""The settings of Airflow's processes, and the secrets of its home; nothing is started."""

import json
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra import airflow, airflow_run, server
from infra.airflow import PROJECT, Ports
from infra.server import HOST, StartError

HOME, PORTS = Path("/srv/airflow"), Ports(1001, 1002, 1003)
STORE = {"AWS_ACCESS_KEY_ID": "a key", "AWS_SECRET_ACCESS_KEY": "a secret"}
SINCE = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)


def variables(**more: str) -> dict[str, str]:
    return airflow.environment(HOME, PROJECT, "s3a://lake/main", ports=PORTS, reach=more or None)


def test_it_names_the_checkout_the_lake_and_its_store() -> None:
    found = variables(**STORE)
    assert found["AIRFLOW_HOME"] == str(HOME)
    assert found["AIRFLOW__CORE__DAGS_FOLDER"] == f"{PROJECT}/dags"
    assert found["AIRFLOW__CORE__PLUGINS_FOLDER"] == f"{PROJECT}/dags/plugins"
    assert found["BARLAKE_HOME"] == str(PROJECT)
    assert found["BARLAKE_LAKE__ROOT"] == "s3a://lake/main"
    assert found | STORE == found
    assert not set(STORE) & set(variables())


def test_jobs_run_in_the_other_environment() -> None:
    found = variables()
    assert Path(found["SPARK_HOME"], "bin", "spark-submit").exists()
    assert Path(found["PYSPARK_PYTHON"]).exists()
    assert found["PYSPARK_PYTHON"] == found["PYSPARK_DRIVER_PYTHON"]
    connection = json.loads(found["AIRFLOW_CONN_SPARK_DEFAULT"])
    assert connection == {"conn_type": "spark", "host": "local[2]"}


def test_without_spark_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"has no pyspark: `make .venv/.spark`"):
        airflow.spark_home(tmp_path)


def test_every_address_is_loopbacks_and_every_port_its_own() -> None:
    found = variables()
    assert found["AIRFLOW__API__HOST"] == HOST
    urls = [value for value in found.values() if value.startswith("http")]
    assert {re.sub(r"/execution/$", "", url) for url in urls} == {f"http://{HOST}:{PORTS.api}"}
    ports = [value for name, value in found.items() if name.endswith("_PORT")]
    assert sorted(ports) == ["1001", "1002", "1003"]
    assert len(set(Ports.free())) == 3


def test_no_part_serves_logs() -> None:
    for name in ("scheduler", "triggerer"):
        assert "--skip-serve-logs" in airflow_run.PARTS[name]


def test_secrets_lie_in_files_of_their_owner_and_nowhere_else(tmp_path: Path) -> None:
    airflow.keep_secrets(tmp_path)
    files = [tmp_path / "airflow.cfg", airflow.passwords(tmp_path)]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600, 0o600]
    keys = re.findall(r"^(\w+) = (\S+)$", files[0].read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in keys} == {"fernet_key", "secret_key", "jwt_secret"}
    given = airflow.environment(tmp_path, PROJECT, "lake", ports=PORTS, reach=STORE).values()
    for secret in [airflow.password(tmp_path), *(value for _, value in keys)]:
        assert len(secret) >= 20
        assert not [value for value in given if secret in value]


def test_secrets_are_made_once_a_home(tmp_path: Path) -> None:
    texts = []
    for home in (tmp_path / "a", tmp_path / "a", tmp_path / "b"):
        airflow.keep_secrets(server.made(home))
        texts.append([(home / "airflow.cfg").read_text("utf-8"), airflow.password(home)])
    assert texts[0] == texts[1]
    assert texts[0][0] != texts[2][0]
    assert texts[0][1] != texts[2][1]


def test_what_another_airflow_was_told_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", "a connection")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("NO_PROXY", "internal")
    found = airflow.inherited({"AIRFLOW_HOME": "ours"})
    assert [name for name in found if "AIRFLOW" in name] == ["AIRFLOW_HOME"]
    assert "PYTHONPATH" not in found
    # The parts of Airflow talk to each other on loopback, past any proxy.
    assert found["NO_PROXY"] == found["no_proxy"] == "internal,127.0.0.1,localhost"
    assert found["PATH"]


def test_pools_are_those_that_the_dags_declare(tmp_path: Path) -> None:
    assert airflow.pools(tmp_path) == {}
    declared = {"lake": {"slots": 1, "description": "one"}}
    server.made(tmp_path / "dags").joinpath("pools.json").write_text(json.dumps(declared), "utf-8")
    assert airflow.pools(tmp_path) == declared


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ({"status": "healthy", "beat": SINCE + timedelta(seconds=1)}, ""),
        ({"status": "unhealthy", "beat": SINCE + timedelta(seconds=1)}, "scheduler"),
        # Of the scheduler that ran before.
        ({"status": "healthy", "beat": SINCE - timedelta(seconds=1)}, "scheduler"),
        ({"status": None, "beat": None}, "scheduler"),
    ],
)
def test_healthy_is_who_has_given_a_sign_since_the_start(
    scheduler: dict[str, object], expected: str
) -> None:
    beat = scheduler.pop("beat")
    told = {"latest_scheduler_heartbeat": str(beat) if beat else None, **scheduler}
    health = {"metadatabase": {"status": "healthy"}, "scheduler": told}
    assert airflow_run.unhealthy(health, SINCE) == expected


def test_without_airflow_the_remedy_is_told(tmp_path: Path) -> None:
    given = {"AIRFLOW_HOME": str(tmp_path / "home"), "AIRFLOW__API__BASE_URL": "http://none"}
    with (
        pytest.raises(StartError, match=r"`make .venv-airflow/.airflow` sets it up"),
        airflow_run.parts(tmp_path, given),
    ):
        pytest.fail("it ran")
