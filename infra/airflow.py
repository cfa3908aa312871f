"""Airflow's settings and secrets on this machine: the one place for its processes' environment.

Nothing secret is in that environment, but what reaches an object store: Airflow's own secrets lie
in files of its home that only their owner can read.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from infra import server
from infra.airflow_api import USER
from infra.server import HOST, StartError

PROJECT = Path(__file__).resolve().parents[1]
_LOCAL = f"{HOST},localhost"


class Ports(NamedTuple):
    """Where Airflow answers; nobody listens on the last two as long as logs are on one disk."""

    api: int
    worker_logs: int
    trigger_logs: int

    @classmethod
    def free(cls) -> Ports:
        """Take ports that nobody listens on."""
        return cls(*server.free_ports(3))


def environment(
    home: Path,
    project: Path,
    lake: str,
    *,
    ports: Ports,
    reach: Mapping[str, str] | None = None,
    master: str = "local[2]",
) -> dict[str, str]:
    """Give the variables of Airflow's processes, and so of every job that they start.

    Args:
        home: Airflow's own folder: database, logs, secrets.
        project: The checkout's root.
        lake: Address of the lake, a folder or s3a://….
        ports: Where it answers.
        reach: Variables by which the store of a lake in a bucket is reached, and a Kafka broker.
        master: Where Spark runs.
    """
    url = f"http://{HOST}:{ports.api}"
    return {
        **_core(home, project),
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(ports.api),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports.worker_logs),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports.trigger_logs),
        **_spark(project, master),
        "BARLAKE_HOME": str(project),
        "BARLAKE_LAKE__ROOT": lake,
        **(reach or {}),
    }


def _core(home: Path, project: Path) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "dags" / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords(home)),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        # On a busy machine five seconds, the default, end tasks at their start.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
    }


def _spark(project: Path, master: str) -> dict[str, str]:
    programs = project / ".venv" / "bin"
    # Without a connection the provider submits to YARN.
    connection = {"conn_type": "spark", "host": master}
    return {
        "AIRFLOW_CONN_SPARK_DEFAULT": json.dumps(connection),
        "SPARK_HOME": str(spark_home(project)),
        "PYSPARK_PYTHON": str(programs / "python"),
        "PYSPARK_DRIVER_PYTHON": str(programs / "python"),
    }


def spark_home(project: Path) -> Path:
    """Give the folder of pyspark in Spark's environment.

    Raises:
        StartError: The environment has not been set up.
    """
    found = sorted((project / ".venv" / "lib").glob("python3*/site-packages/pyspark"))
    if not found:
        raise StartError(f"{project}/.venv has no pyspark: `make .venv/.spark` sets it up")
    return found[-1]


def inherited(variables: Mapping[str, str]) -> dict[str, str]:
    """Give this process's environment with `variables`, without what is another Airflow's."""
    own = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    skipped = ",".join(filter(None, [own.get("NO_PROXY", own.get("no_proxy")), _LOCAL]))
    return {**own, "NO_PROXY": skipped, "no_proxy": skipped, **variables}


def _is_foreign(name: str) -> bool:
    return name.startswith(("AIRFLOW", "_AIRFLOW")) or name in {"SPARK_CONF_DIR", "PYTHONPATH"}


def keep_secrets(home: Path) -> None:
    """Make Airflow's keys and the administrator's password, once a home, for its owner's eyes."""
    settings, users = home / "airflow.cfg", passwords(home)
    if not settings.exists():
        fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        lines = ["[core]", f"fernet_key = {fernet}", "[api]", f"secret_key = {_random()}"]
        lines += ["[api_auth]", f"jwt_secret = {_random()}"]
        server.write_secret(settings, "\n".join(lines) + "\n")
    if not users.exists():
        server.write_secret(users, json.dumps({USER: secrets.token_urlsafe(15)}) + "\n")


def password(home: Path) -> str:
    """Read the administrator's password."""
    return str(json.loads(passwords(home).read_text("utf-8"))[USER])


def pools(project: Path) -> dict[str, Any]:
    """Read the pools that the DAGs need: slots and description, by name."""
    declared = project / "dags" / "pools.json"
    found: dict[str, Any] = json.loads(declared.read_text("utf-8")) if declared.exists() else {}
    return found


def passwords(home: Path) -> Path:
    """Give the file of the administrator's password, as Airflow keeps it."""
    return home / "passwords.json"


def _random() -> str:
    return secrets.token_hex(32)
