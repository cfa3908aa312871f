"""Airflow in containers is set up as `make stack` sets it up on this machine."""

import re
from pathlib import Path

import pytest
import yaml

from barlake.settings import PROJECT
from infra import airflow
from infra.airflow import Ports

HOME = Path("/opt/airflow")
TEXT = (PROJECT / "docker-compose.yml").read_text("utf-8")
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
# Addresses, which differ by what containers are; a container's log servers have its own network.
ELSEWHERE = {
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
}
OF_PROCESSES = {
    "AIRFLOW__API__HOST",
    "AIRFLOW__API__PORT",
    "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT",
    "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT",
}
# On this machine they lie in files; in containers they come from .env.
SECRETS = {
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
}


def in_containers(part: str) -> dict[str, str]:
    found = yaml.safe_load(TEXT)["services"][f"airflow-{part}"]["environment"]
    return {name: value for name, value in found.items() if name.startswith("AIRFLOW")}


def here() -> dict[str, str]:
    master = "spark://spark-master:7077"
    given = airflow.environment(HOME, PROJECT, "", ports=Ports(8080, 1, 2), master=master)
    return {name: value.replace(str(PROJECT), "/opt/barlake") for name, value in given.items()}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_the_settings_that_it_has_on_this_machine(part: str) -> None:
    local = {name: value for name, value in here().items() if name.startswith("AIRFLOW_")}
    assert local.pop("AIRFLOW_HOME") == str(HOME)
    found = in_containers(part)

    assert found.keys() - local.keys() == SECRETS
    assert local.keys() - found.keys() == OF_PROCESSES
    assert {n for n in local.keys() & found.keys() if local[n] != found[n]} == ELSEWHERE


def test_the_image_has_what_jobs_find_in_the_environment_on_this_machine() -> None:
    dockerfile = (PROJECT / "infra/Dockerfile").read_text("utf-8")
    image = dict(re.findall(r"\b([A-Z_]+)=(\S+)", dockerfile))
    local = here()

    for name in ("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "BARLAKE_HOME"):
        assert image[name] == local[name]
    assert image["AIRFLOW_HOME"] == str(HOME)
    assert Path(local["SPARK_HOME"]).name == "pyspark"
    assert image["SPARK_HOME"] == "/opt/barlake/.spark"  # a link to it


def test_airflow_knows_every_setting_of_the_file() -> None:
    [schema] = PROJECT.glob(
        ".venv-airflow/lib/python3*/site-packages/airflow/config_templates/config.yml"
    )
    sections = yaml.safe_load(schema.read_text("utf-8"))

    for name in in_containers("scheduler"):
        _, section, option = name.lower().split("__") if "__" in name else ("", "", "")
        assert not section or option in sections[section]["options"], name
