"""Every DAG: it parses, says whose it is and what to do when it is red, and names what is there."""

import ast
import itertools
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from barlake.io.spark import JAR_SETS
from barlake.model import jobs
from barlake.settings import PROJECT, load
from tests.airflow.conftest import Ask
from tests.airflow.stand_in import DAGS, StandIn

FILES = sorted(path for path in DAGS.rglob("*.py"))
OURS = {"nyse", "tasks", "work"}
# What the scheduler's own extension must have; a DAG file has none of it.
OF_THE_PLUGIN = {"airflow.plugins_manager", "airflow.timetables.base", "pendulum"}
EDGES: dict[str, dict[str, list[str]]] = {
    "daily_bars": {
        "plan": ["fetch"],
        "fetch": ["complete", "ingest"],
        "reconcile": ["complete", "pages"],
        "ingest": ["silver"],
        "silver": ["verdict"],
        "verdict": ["gold", "warned"],
        "warned": [],
        "gold": ["reconcile"],
        "pages": ["complete"],
        "complete": [],
    },
    "intraday_bars": {"run": []},
    "backfill": {"run": []},
    "release_quarantine": {
        "refused": ["approve"],
        "approve": ["release"],
        "release": ["pages"],
        "pages": [],
    },
    "replay_vwap": {"replay": ["rest"], "stream": ["rest"], "rest": []},
    "weekly_upkeep": {"optimize": ["vacuum"], "vacuum": []},
}
FOLLOWERS = {"replay_vwap.stream", "replay_vwap.rest"}
WRITERS = {"ingest", "silver", "gold", "reconcile", "run", "release", "optimize", "vacuum"}


@pytest.fixture(scope="module")
def facts(ask: Ask) -> dict[str, Any]:
    told: dict[str, Any] = ask("facts")
    return told


@pytest.fixture(scope="module")
def every_task(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{name}.{task}": told
        for name, dag in facts["dags"].items()
        for task, told in dag["tasks"].items()
    }


def test_every_file_parses_and_the_helpers_are_no_dags(
    facts: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    assert facts["errors"] == {}
    dags = {path.name for path in DAGS.glob("*.py")} - {"tasks.py", "work.py"}
    assert {*facts["seconds"]} == dags == {f"{name}.py" for name in facts["dags"]}
    for name, seconds in facts["seconds"].items():
        record_property(f"seconds to parse {name}", seconds)


def test_tasks_follow_each_other_as_documented(facts: dict[str, Any]) -> None:
    found = {
        name: {task: told["next"] for task, told in dag["tasks"].items()}
        for name, dag in facts["dags"].items()
    }

    assert found == EDGES
    documented = (PROJECT / "docs" / "airflow.md").read_text("utf-8")
    for name, dag in facts["dags"].items():
        [line] = re.findall(r"^    (\w+(?: >> \w+)*)$", dag["doc"], re.MULTILINE)
        tasks = line.split(" >> ")
        beside = {"warned", "stream"}
        assert {*tasks} | beside == {*EDGES[name]} | beside
        assert all(after in EDGES[name][task] for task, after in itertools.pairwise(tasks))
        assert re.search(rf"`{name}`.*`{line}`", documented), name


def test_whoever_sees_red_is_told_whose_it_is_and_what_to_do(
    facts: dict[str, Any], every_task: dict[str, dict[str, Any]]
) -> None:
    assert {task["owner"] for task in every_task.values()} == {"barlake"}
    assert [
        name for name, dag in facts["dags"].items() if "**When it is red**" not in dag["doc"]
    ] == []
    silent = {
        name
        for name, task in every_task.items()
        if not re.search("[Rr]ed:|Red with", task["doc"] or "")
    }
    assert silent == {"daily_bars.warned"}
    assert "Green:" in every_task["daily_bars.warned"]["doc"]


def test_what_fails_is_tried_again_with_longer_and_longer_waits(
    every_task: dict[str, dict[str, Any]],
) -> None:
    for name, task in every_task.items():
        assert (task["retries"], task["backoff"]) == (3, 2.0), name
        assert task["longest"] == 1800, name
        assert name == "release_quarantine.approve" or task["timeout"] == 3 * 3600, name


def test_waits_outlast_the_lease_of_a_driver_that_was_killed(
    every_task: dict[str, dict[str, Any]],
) -> None:
    assert {task["delay"] for task in every_task.values()} == {90}
    assert load().lake.lease_seconds < 90


def test_writers_stand_in_line_and_every_pool_is_there(
    every_task: dict[str, dict[str, Any]],
) -> None:
    pools = json.loads((DAGS / "pools.json").read_text("utf-8"))

    used = {name: task["pool"] for name, task in every_task.items()}
    assert {*used.values()} - {"default_pool"} == {*pools}
    lake = {name for name, pool in used.items() if pool == "lake"}
    assert lake == {name for name in used if name.partition(".")[2] in WRITERS}
    assert {name for name, pool in used.items() if pool == "stream"} == FOLLOWERS
    assert (pools["lake"]["slots"], pools["stream"]["slots"]) == (1, 1)
    assert used["daily_bars.fetch"] == "yahoo"


def test_schedules_are_the_exchanges_and_nothing_runs_beside_itself(facts: dict[str, Any]) -> None:
    dags = facts["dags"]

    assert {name: dag["schedule"] for name, dag in dags.items() if dag["schedule"]} == {
        "daily_bars": "XNYS close + 25 min",
        "intraday_bars": "XNYS every 15 min + 1 min",
        "weekly_upkeep": "0 10 * * SAT",
        "backfill": "None",
        "release_quarantine": "None",
        "replay_vwap": "None",
    }
    assert {dag["active"] for dag in dags.values()} == {1}
    assert {dag["catchup"] for dag in dags.values()} == {False}
    assert {name for name, dag in dags.items() if dag["paused"]} == {"intraday_bars", "replay_vwap"}
    # The closing auction's minute begins at the close.
    assert facts["after_close"] >= load().timing.settle_minutes + 1


def test_a_night_is_due_when_the_session_is(facts: dict[str, Any]) -> None:
    due = {name: dag["deadlines"] for name, dag in facts["dags"].items() if dag["deadlines"]}
    known = load()
    after_close = known.timing.settle_minutes + known.freshness.deadline_minutes

    assert due == {"daily_bars": [after_close - facts["after_close"]]}
    assert '"deadlines.late"' in facts["dags"]["daily_bars"]["stored"]


def test_a_dag_is_the_same_after_it_was_stored(facts: dict[str, Any]) -> None:
    assert {name for name, dag in facts["dags"].items() if not dag["survives"]} == set()
    assert "nyse.MarketSessionTimetable" in facts["dags"]["daily_bars"]["stored"]


def test_nothing_is_submitted_to_yarn_and_no_secret_is_named(facts: dict[str, Any]) -> None:
    stored = " ".join(dag["stored"].lower() for dag in facts["dags"].values())

    for word in ("yarn", "secret", "password", "token", "aws_"):
        assert word not in stored


def test_forms_are_typed(facts: dict[str, Any]) -> None:
    forms = {name: dag["params"] for name, dag in facts["dags"].items()}

    assert all({"type", "enum"} & {*field} for form in forms.values() for field in form.values())
    assert forms["backfill"]["start"]["format"] == "date"
    assert forms["release_quarantine"]["by"]["minLength"] == 1
    assert forms["daily_bars"]["tickers_per_batch"]["type"] == "integer"
    assert forms["replay_vwap"]["speed"]["minimum"] == 0


def test_assets_are_the_tables_that_the_jobs_write(
    facts: dict[str, Any], every_task: dict[str, dict[str, Any]]
) -> None:
    by_name = {job.name: [str(table) for table in job.writes] for job in jobs.JOBS}
    assert {name: by_name[name] for name in facts["writes"]} == facts["writes"]

    found = {name: task["outlets"] for name, task in every_task.items() if task["outlets"]}
    written = {f"daily_bars.{job}": by_name[job] for job in ("ingest", "gold")}
    # What the gate blocks is not news: the verdict tells it, and not the job.
    written["daily_bars.verdict"] = by_name["silver"]
    written |= dict.fromkeys(FOLLOWERS, by_name["stream"])
    whole = ("intraday_bars.run", "backfill.run", "release_quarantine.release")
    assert {n: sorted(o) for n, o in found.items()} == {
        name: sorted(tables)
        for name, tables in {**written, **dict.fromkeys(whole, by_name["run"])}.items()
    }
    assert "barlake://lake/gold/bars" in every_task["daily_bars.gold"]["uris"]


def test_the_driver_finds_its_jars_from_wherever_it_is_started(
    facts: dict[str, Any], stand_in: StandIn
) -> None:
    assert facts["class_path"] == ":".join(f"{stand_in.home}/jars/{jars}/*" for jars in JAR_SETS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_dag_file_imports_airflow_the_standard_library_and_its_own(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))

    for name in imported(tree.body):
        first = name.partition(".")[0]
        is_airflows = name.startswith(("airflow.sdk", "airflow.providers."))
        is_the_plugins = path.name == "nyse.py" and name in OF_THE_PLUGIN
        assert first in OURS | {*sys.stdlib_module_names} or is_airflows or is_the_plugins, name


def imported(body: list[ast.stmt]) -> list[str]:
    """Give the modules that are imported when a file is."""
    names: list[str] = []
    for each in body:
        if isinstance(each, ast.Import):
            names += [alias.name for alias in each.names]
        elif isinstance(each, ast.ImportFrom):
            names.append(str(each.module))
    return names
