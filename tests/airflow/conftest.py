"""Airflow in a folder of its own, asked by programs that its own Python runs."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.stand_in import AIRFLOW, StandIn, environment

INSIDE = Path(__file__).parent / "inside"
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def ask(stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Run a program of `inside`, its input as JSON; `variables` are added to its environment."""
    variables = environment(tmp_path_factory.mktemp("airflow"), stand_in.home)

    def asked(name: str, given: object = None, **more: str) -> Any:
        done = subprocess.run(
            [str(AIRFLOW / "python"), str(INSIDE / f"{name}.py")],
            input=json.dumps(given),
            env=variables | more,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-5000:]
        return json.loads(done.stdout.splitlines()[-1])  # Airflow's log may come before

    return asked
