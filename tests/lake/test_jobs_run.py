"""Jobs on real tables: one submission, the steps one at a time, a rebuild, a blocked night."""

import json
import os
import shutil
import subprocess
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from barlake import cli, steps
from barlake.model.errors import InputError, QualityError
from barlake.model.tables import TABLES
from barlake.options import Options
from barlake.pipelines import night, silver
from barlake.settings import PROJECT
from barlake.sources.manners import Manners
from tests.builders import AFTER, run_files, run_simulated
from tests.lake import two_nights
from tests.lake.invariants import (
    DATA,
    Contents,
    assert_books_are_closed,
    assert_equal,
    assert_files_are_there,
    assert_log_is_sane,
    contents,
    files,
    versions,
)
from tests.lake.two_nights import FIRST_NIGHT, SECOND_NIGHT
from tests.lake.victim import command, environment

pytestmark = pytest.mark.slow

SECOND = "2026-12-01T02:00Z"


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after two nights, `lake`, what it was after the first, `base`, and their files."""
    del spark  # every run here joins it
    folder = tmp_path_factory.mktemp("jobs")
    first = two_nights.first_night(folder / "first.csv")
    run_files(folder / "base", first, as_of=FIRST_NIGHT, run_id="base")
    shutil.copytree(folder / "base", folder / "lake")
    second = two_nights.second_night(folder / "second.csv")
    run_files(folder / "lake", second, as_of=SECOND_NIGHT, run_id="second")
    return folder


@pytest.fixture(scope="module")
def expected(folder: Path) -> Contents:
    return contents(folder / "lake")


def test_a_submitted_job_does_what_the_warm_session_does(folder: Path, expected: Contents) -> None:
    root = folder / "submitted"
    shutil.copytree(folder / "base", root)
    programs = PROJECT / ".venv" / "bin"
    arguments = ["--source", "files", "--from", str(folder / "second.csv"), "--lake", str(root)]
    done = subprocess.run(
        [
            str(programs / "spark-submit"),
            *("--properties-file", "spark-defaults.conf", "jobs/run.py"),
            *arguments,
            *("--as-of", SECOND, "--run-id", "submitted", "--json"),
        ],
        cwd=PROJECT,
        env=environment() | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])  # spark-submit mixes the log into the output
    received = len((folder / "second.csv").read_text().splitlines()) - 1
    assert (told["run_id"], told["status"], told["received"]) == ("submitted", "ok", received)
    assert_equal(contents(root), expected)
    ended = {"base": "ok", "submitted": "ok"}
    assert_books_are_closed(root, ended, received={"submitted": received})
    after = versions(root, TABLES)
    assert {name: t["version_after"] for name, t in told["tables"].items()} == after


def test_a_night_in_steps_is_a_night(folder: Path, expected: Contents) -> None:
    root = folder / "stepped"
    asked = {"source": None, "tickers": None, "start": None, "end": None}
    for name, moment in (("first", FIRST_NIGHT), ("second", SECOND_NIGHT)):
        options = Options(lake=str(root), as_of=moment)
        steps.fetch(options, steps.Asked.of(path=folder / f"{name}.csv", **asked))
        steps.ingest(options)
        steps.silver(options, None, None)
        steps.gold(options, None, None)
        steps.optimize(options)

    assert_equal(contents(root), expected)
    assert_log_is_sane(root)
    known = versions(root)
    deleted = steps.vacuum(Options(lake=str(root), as_of=SECOND_NIGHT))["files_deleted"]

    assert set(deleted.values()) == {0}  # nothing is older than the retention
    assert_files_are_there(root)
    assert_equal(contents(root), expected)
    options = Options(lake=str(root), as_of=SECOND_NIGHT)
    steps.ingest(options)
    steps.silver(options, None, None)
    steps.gold(options, None, None)
    steps.optimize(options)
    assert versions(root) == known


def test_a_rebuilt_lake_equals_the_living_one(folder: Path, expected: Contents) -> None:
    into = folder / "again"
    before = files(folder / "lake")

    steps.rebuild(Options(lake=str(into), as_of=SECOND_NIGHT), str(folder / "lake"))

    assert_equal(contents(into), expected, DATA)
    assert files(folder / "lake") == before
    with pytest.raises(InputError, match="the lake itself"):
        steps.rebuild(Options(lake=str(folder / "lake")), str(folder / "lake"))


def test_a_rebuilt_lake_of_a_vendor_equals_the_living_one(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Two nights of a vendor that corrects, repeats itself and serves bars that are not final."""
    del spark
    days = (date(2026, 11, 19), date(2026, 11, 20))
    manners = Manners.usual()
    during = AFTER.replace(day=20, hour=18, minute=30)
    run_simulated(tmp_path / "lake", ["AAPL"], *days, manners=manners, as_of=during)
    run_simulated(tmp_path / "lake", ["AAPL", "MSFT"], *days, manners=manners, as_of=AFTER)

    steps.rebuild(Options(lake=str(tmp_path / "again"), as_of=AFTER), str(tmp_path / "lake"))

    assert_equal(contents(tmp_path / "again"), contents(tmp_path / "lake"), DATA)


def test_status_tells_what_the_lake_holds(folder: Path, expected: Contents) -> None:
    told = json.loads(asked_of(folder, "status", "--json", "--as-of", SECOND))

    assert told["lake"] == str(folder / "lake")
    assert {name: t["rows"] for name, t in told["tables"].items()} == {
        name: len(rows) for name, rows in expected.items()
    }
    known = versions(folder / "lake", TABLES)
    assert {name: t["version"] for name, t in told["tables"].items()} == known
    assert [run["run_id"] for run in told["runs"]] == ["second", "base"]
    coverage = expected["silver.coverage"]
    for name in ("expected", "observed", "filled", "missing_after_last"):
        assert told["coverage"][name] == sum(row[name] for row in coverage)
    assert told["tables"]["silver.bars_1m"]["written_by"] is None
    assert told["tables"]["silver.bars_1m"]["age_hours"] == 80.0  # since 17:59 on the 27th


def test_sql_answers_over_the_tables_by_name(folder: Path, expected: Contents) -> None:
    query = "SELECT ticker, count(*) AS n FROM gold.features_1m GROUP BY ticker ORDER BY ticker"

    told = json.loads(asked_of(folder, "sql", query, "--format", "json"))

    tickers = [row["ticker"] for row in expected["gold.features_1m"]]
    assert told == [{"ticker": name, "n": tickers.count(name)} for name in ("AAPL", "MSFT")]


def asked_of(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        command(*arguments, "--lake", str(folder / "lake")),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_gate_that_blocks_leaves_silver_and_gold_as_they_were(
    folder: Path,
    expected: Contents,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = folder / "blocked"
    shutil.copytree(folder / "base", root)
    before, known = contents(root), versions(root)
    seen: list[int] = []

    def gate(staged: DataFrame) -> None:
        seen.append(staged.count())
        raise QualityError("coverage fell from 0.99 to 0.40; look at the batch")

    monkeypatch.setattr(night, "build_silver", partial(silver.build_silver, gate=gate))
    code, output, errors = submitted(capsys, root, folder / "second.csv", "blocked")

    assert code == 3
    assert json.loads(output) == {
        "status": "blocked",
        "error": "coverage fell from 0.99 to 0.40; look at the batch",
    }
    assert errors.splitlines()[-1] == "barlake: coverage fell from 0.99 to 0.40; look at the batch"
    assert seen
    assert seen[0] > 0
    told = ("silver.bars_1m", "silver.coverage", "gold.features_1m", "gold.bars")
    assert {name: versions(root)[name] for name in told} == {name: known[name] for name in told}
    after = contents(root)
    assert {name: after[name] for name in told} == {name: before[name] for name in told}
    assert len(after["silver.quarantine"]) == len(expected["silver.quarantine"])
    assert_books_are_closed(root, {"base": "ok", "blocked": "blocked"}, received={})
    assert not list((root / "_staging").glob("*"))

    monkeypatch.undo()
    code, _, _ = submitted(capsys, root, folder / "second.csv", "unblocked")

    assert code == 0
    assert_equal(contents(root), expected)


def submitted(
    capsys: pytest.CaptureFixture[str], root: Path, path: Path, run_id: str
) -> tuple[Any, str, str]:
    """Do what jobs/run.py does, in this session; give exit code, output and errors."""
    where = ["--source", "files", "--from", str(path), "--lake", str(root)]
    capsys.readouterr()
    with pytest.raises(SystemExit) as ending:
        cli.script(cli.run_, [*where, "--as-of", SECOND, "--run-id", run_id, "--json"])
    told = capsys.readouterr()
    return ending.value.code, told.out, told.err
