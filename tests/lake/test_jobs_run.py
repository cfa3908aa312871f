"""Jobs on real tables: one submission, the steps one at a time, a rebuild, a blocked night."""

import errno
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake import cli, steps, steps_upkeep
from barlake.io.folder import Folder
from barlake.io.lake import Lake
from barlake.model import gold, ops, silver
from barlake.model.errors import InputError, QualityError
from barlake.model.tables import TABLES
from barlake.options import Options
from barlake.pipelines import books
from barlake.settings import PROJECT
from barlake.sources.manners import Manners
from barlake.steps_check import check
from tests.builders import AFTER, row, run_files, run_simulated, write_bars
from tests.lake import two_nights
from tests.lake.invariants import (
    DATA,
    Contents,
    assert_books_are_closed,
    assert_equal,
    assert_files_are_there,
    assert_log_is_sane,
    assert_the_calendar_reaches,
    commit_runs,
    contents,
    files,
    versions,
)
from tests.lake.two_nights import FIRST_NIGHT, SECOND_NIGHT
from tests.lake.victim import command, environment

pytestmark = pytest.mark.slow

SECOND = "2026-12-01T02:00Z"
PUBLISHED = ("silver.bars_1m", "silver.coverage", "gold.features_1m", "gold.bars")


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
    assert_ingests_name_the_report_of_their_gate(root)
    assert barlake.open(str(root)).labels() == ["close-2026-11-25", "close-2026-11-27"]
    known = versions(root)
    deleted = steps_upkeep.vacuum(Options(lake=str(root), as_of=SECOND_NIGHT))["files_deleted"]

    assert set(deleted.values()) == {0}  # nothing is older than the retention
    assert_files_are_there(root)
    assert_equal(contents(root), expected)
    options = Options(lake=str(root), as_of=SECOND_NIGHT)
    steps.ingest(options)
    steps.silver(options, None, None)
    steps.gold(options, None, None)
    steps.optimize(options)
    assert versions(root) == known


def assert_ingests_name_the_report_of_their_gate(root: Path) -> None:
    found = contents(root)
    ended = sorted(found["ops.runs"], key=lambda run: run["started_at"])
    ingests, gates = (
        [run["run_id"] for run in ended if run["job"] == job] for job in ("ingest", "silver")
    )
    told = {(row["run_id"], row["report"]) for row in found["ops.ingest_audit"]}
    assert told == {
        (ingest, f"pages/quality/{gate}/index.html")
        for ingest, gate in zip(ingests, gates, strict=True)
    }
    assert all((root / str(report)).exists() for _, report in told)


def test_the_books_of_many_dead_runs_are_closed_in_one_commit(
    folder: Path, expected: Contents, spark: SparkSession
) -> None:
    root = folder / "dead"
    shutil.copytree(folder / "lake", root)
    for name in ("runs", "ingest_audit"):
        shutil.rmtree(root / "ops" / name)
    lake = Lake(spark, Folder.at(str(root)), "after", SECOND_NIGHT)
    lake.create(TABLES)
    told = {"job": "run", "started_at": FIRST_NIGHT.isoformat()}
    ending = books.Ending(
        run_id="after",
        job="gold",
        started_at=SECOND_NIGHT,
        finished_at=SECOND_NIGHT,
        status="ok",
        commits={},
        detail={},
        findings=[],
        report=None,
    )

    dead = [{"run_id": name, **told} for name in ("base", "second")]
    books.record(lake, ending, ingested=None, apart=[], versions=(0, 0), abandoned=dead)

    audited = {row["run_id"] for row in contents(root)["ops.ingest_audit"]}
    assert audited == {"base", "second"} == {row["run_id"] for row in expected["bronze.bars"]}
    assert versions(root, (ops.INGEST_AUDIT,)) == {"ops.ingest_audit": 1}


def test_a_rebuilt_lake_equals_the_living_one(folder: Path, expected: Contents) -> None:
    into = folder / "again"
    before = files(folder / "lake")

    steps.rebuild(Options(lake=str(into), as_of=SECOND_NIGHT), str(folder / "lake"))

    assert_equal(contents(into), expected, DATA)
    assert files(folder / "lake") == before
    with pytest.raises(InputError, match="the lake itself"):
        steps.rebuild(Options(lake=str(folder / "lake")), str(folder / "lake"))


@pytest.fixture(scope="module")
def served(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of a vendor that corrects, repeats itself and serves bars that are not final."""
    del spark
    root = tmp_path_factory.mktemp("served") / "lake"
    days = (date(2026, 11, 19), date(2026, 11, 20))
    manners = Manners.usual()
    during = AFTER.replace(day=20, hour=18, minute=30)
    run_simulated(root, ["AAPL"], *days, manners=manners, as_of=during)
    run_simulated(root, ["AAPL", "MSFT"], *days, manners=manners, as_of=AFTER)
    return root


def test_a_rebuilt_lake_of_a_vendor_equals_the_living_one(served: Path, tmp_path: Path) -> None:
    steps.rebuild(Options(lake=str(tmp_path / "again"), as_of=AFTER), str(served))

    assert_equal(contents(tmp_path / "again"), contents(served), DATA)


def test_sessions_that_closed_after_the_newest_bar_are_told(served: Path, tmp_path: Path) -> None:
    root = tmp_path / "lake"
    shutil.copytree(served, root)

    def told(moment: datetime) -> list[tuple[str, list[str]]]:
        found = check(Options(lake=str(root), as_of=moment), None, None, None)
        failed = found["verdict"]["failed"]
        return [(f["observed"], f["keys"]) for f in failed if f["rule"] == "batch_stale"]

    assert told(AFTER) == []
    assert told(AFTER + timedelta(days=4)) == [  # a Tuesday
        ("2", ["AAPL@2026-11-20T20:59:00Z", "MSFT@2026-11-20T20:59:00Z"])
    ]


def test_a_lake_knows_its_sessions_200_days_ahead_of_each_run(
    folder: Path, expected: Contents
) -> None:
    assert_the_calendar_reaches(contents(folder / "base"), FIRST_NIGHT)
    assert_the_calendar_reaches(expected, SECOND_NIGHT)

    soon = SECOND_NIGHT.date() + timedelta(days=200)
    known = [row for row in expected["ref.sessions"] if row["session_date"] < soon]
    with pytest.raises(AssertionError, match="ends on 2027-06-17"):
        assert_the_calendar_reaches({"ref.sessions": known}, SECOND_NIGHT)


def test_vacuum_deletes_what_nothing_has_used_for_the_retention_and_nothing_else(
    spark: SparkSession, folder: Path, expected: Contents, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder / "vacuumed"
    shutil.copytree(folder / "lake", root)
    days = {"old": 31, "young": 29}  # replaced files are kept for 30
    [day, *_] = sorted((root / silver.BARS_1M.path).glob("session_date=*"))
    for path in root.rglob("part-*.parquet"):
        age(path, days["old"])
    for name, number in days.items():
        orphan = shutil.copy(next(day.glob("part-*.parquet")), day / f"part-{name}.parquet")
        age(Path(orphan), number)
    before = data_files(root)
    at = f"ALTER TABLE delta.`{root / gold.BARS.path}` SET TBLPROPERTIES"
    for short in ("interval 6 days", "interval 160 hours"):
        spark.sql(f"{at} ('delta.deletedFileRetentionDuration' = '{short}')")
        code, output, errors = ended(capsys, cli.vacuum, root)

        assert (code, output) == (2, "")
        said = f"barlake: gold.bars keeps deleted files for '{short}'; a reader"
        assert errors.splitlines()[-1].startswith(said)
        assert data_files(root) == before
    spark.sql(f"{at} ('delta.deletedFileRetentionDuration' = 'interval 30 days')")
    code, output, _ = ended(capsys, cli.vacuum, root)

    deleted = {name: n for name, n in json.loads(output)["files_deleted"].items() if n}
    assert (code, deleted) == (0, {"silver.bars_1m": 1})
    gone = str((day / "part-old.parquet").relative_to(root))
    assert before - data_files(root) == {gone}
    assert_equal(contents(root), expected)
    assert_files_are_there(root)


def age(path: Path, days: int) -> None:
    """Make a file as old as if it had been written some days ago."""
    moment = time.time() - timedelta(days=days).total_seconds()
    os.utime(path, (moment, moment))


def data_files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("part-*.parquet")}


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
    # Due at 20:20 on the 27th, and at 23:20 on the 30th; the 25th was before the lake was.
    assert [(day["session_date"], day["state"]) for day in told["late"]] == [
        ("2026-11-30", "missing"),
        ("2026-11-27", f"{(3 * 24 + 5) * 60 + 40} minutes late"),
    ]
    assert told["freshness"] == {"sessions": 2, "on_time": 0, "late": 1, "missing": 1}
    told_of = [row for row in expected["ops.dq_results"] if row["rule"] == "freshness"]
    assert sorted((row["run_id"], row["observed"], row["passed"]) for row in told_of) == [
        ("second", "4660 minutes late", False),
        ("second", "missing", False),
    ]


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
    """Two rows of the second night are refused: with these settings that is too much."""
    root = folder / "blocked"
    shutil.copytree(folder / "base", root)
    before, known = contents(root), versions(root)
    monkeypatch.setenv("BARLAKE_QUALITY__RULES__REFUSED_SHARE__SEVERITY", "critical")
    monkeypatch.setenv("BARLAKE_QUALITY__RULES__REFUSED_SHARE__MAX", "0")
    code, output, errors = submitted(capsys, root, folder / "second.csv", "blocked")

    assert code == 3
    told = json.loads(output)
    report = root / "pages/quality/blocked/index.html"
    assert told["status"] == told["verdict"]["status"] == "blocked"
    assert told["verdict"]["report"] == str(report)
    [critical] = [f for f in told["verdict"]["failed"] if f["severity"] == "critical"]
    assert (critical["rule"], critical["keys"]) == ("refused_share", ["AAPL@2026-11-27T14:34:00Z"])
    assert errors.splitlines()[-1] == f"barlake: {told['error']}"
    assert told["error"].endswith(f"see {report}")
    assert "AAPL@2026-11-27T14:34:00Z" in report.read_text("utf-8")
    assert {name: versions(root)[name] for name in PUBLISHED} == {n: known[n] for n in PUBLISHED}
    after = contents(root)
    assert {name: after[name] for name in PUBLISHED} == {name: before[name] for name in PUBLISHED}
    assert len(after["silver.quarantine"]) == len(expected["silver.quarantine"])
    assert_books_are_closed(root, {"base": "ok", "blocked": "blocked"}, received={})
    assert_results_are_kept(after, "blocked", broken={"refused_share": "AAPL"})
    assert sorted(
        (str(row["session_date"]), row["run_id"], row["observed"])
        for row in after["ops.dq_results"]
        if row["rule"] == "freshness"
    ) == [(day, "blocked", "missing") for day in ("2026-11-27", "2026-11-30")]
    assert not list((root / "_staging").glob("*"))

    monkeypatch.undo()
    monkeypatch.setenv("BARLAKE_QUALITY__RULES__JUMP__FACT", "no_such_fact")
    code, output, _ = submitted(capsys, root, folder / "second.csv", "raising")

    assert code == 3
    assert "no_such_fact" in str(json.loads(output)["verdict"]["failed"])
    assert {name: versions(root)[name] for name in PUBLISHED} == {n: known[n] for n in PUBLISHED}

    monkeypatch.undo()
    code, output, _ = submitted(capsys, root, folder / "second.csv", "raising")

    assert code == 0
    assert json.loads(output)["verdict"]["status"] == "warned"
    found = contents(root)
    assert_equal(found, expected)
    raised = [row for row in found["ops.dq_results"] if "raised" in row["observed"]]
    assert raised == []  # a second run of one name takes the place of the first


def test_a_run_that_breaks_ends_with_1_and_failed_and_the_next_makes_it_good(
    folder: Path,
    expected: Contents,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = folder / "broken"
    shutil.copytree(folder / "base", root)
    received = len((folder / "second.csv").read_text().splitlines()) - 1

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("barlake.pipelines.night.run_gold", full)
    code, _, errors = submitted(capsys, root, folder / "second.csv", "broken")

    assert code == 1
    fault = "OSError: [Errno 28] No space left on device"
    told, sentence = errors.splitlines()[-2:]
    assert sentence == f"barlake: {fault} (run it again; --debug shows where)"
    line = json.loads(told)
    assert (line["level"], line["event"], line["job"]) == ("error", "failed", "run")
    assert (line["run_id"], line["reason"]) == ("broken", fault)
    assert line["do"].startswith("run it again: what landed is taken up")
    found = contents(root)
    [row] = [row for row in found["ops.runs"] if row["run_id"] == "broken"]
    assert (row["job"], row["status"]) == ("run", "failed")
    assert json.loads(row["detail"])["fault"] == fault
    assert row["finished_at"] >= row["started_at"]
    assert commit_runs(root, silver.BARS_1M)[-1] == "broken"
    assert_books_are_closed(root, {"base": "ok", "broken": "failed"}, received={"broken": received})
    assert list((root / "_runs").iterdir()) == []
    assert not list((root / "_staging").glob("*"))

    monkeypatch.undo()
    code, _, _ = submitted(capsys, root, folder / "second.csv", "next")

    assert code == 0
    assert_equal(contents(root), expected)
    assert_books_are_closed(root, {"broken": "failed", "next": "ok"}, received={"next": received})


def assert_results_are_kept(found: Contents, run: str, *, broken: dict[str, str]) -> None:
    """One result for each rule and the whole batch, and one for each session, held or not."""
    results = [
        row
        for row in found["ops.dq_results"]
        if row["run_id"] == run and row["rule"] != "freshness"  # the run's, and not its batch's
    ]
    whole = {row["rule"]: row["passed"] for row in results if row["ticker"] == ""}
    of_sessions = [row for row in results if row["ticker"]]
    of_tickers = {row["rule"]: row["ticker"] for row in of_sessions if not row["passed"]}
    held = {(row["ticker"], row["passed"]) for row in of_sessions if row["rule"] == "key_unique"}
    assert held == {("AAPL", True), ("MSFT", True)}
    assert {"high_highest", "key_unique", "jump", "batch_empty"} <= set(whole)
    assert {rule for rule, passed in whole.items() if not passed} == set(of_tickers)
    assert broken.items() <= of_tickers.items()
    reports = {row["report"] for row in found["ops.ingest_audit"] if row["run_id"] == run}
    assert reports == {f"pages/quality/{run}/index.html"}


def test_a_file_without_one_good_row_is_blocked_and_does_not_block_the_next(
    folder: Path, expected: Contents, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder / "refused"
    shutil.copytree(folder / "base", root)
    known = versions(root)
    bad = write_bars(folder / "bad.csv", [row(close=-1.0)])

    told = [submitted(capsys, root, bad, f"bad-{n}") for n in range(2)]

    assert [code for code, _, _ in told] == [3, 3]
    for _, output, _ in told:
        [failed] = json.loads(output)["verdict"]["failed"]
        assert (failed["rule"], failed["keys"]) == (
            "batch_refused_all",
            ["AAPL@2026-11-20T14:30:00Z"],
        )
    assert {name: versions(root)[name] for name in PUBLISHED} == {n: known[n] for n in PUBLISHED}
    assert submitted(capsys, root, folder / "second.csv", "good")[0] == 0
    tables = (silver.BARS_1M, silver.COVERAGE, gold.FEATURES_1M, gold.BARS)
    assert_equal(contents(root), expected, tables)


def test_in_steps_a_file_without_one_good_row_is_blocked_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder / "refused-in-steps"
    shutil.copytree(folder / "base", root)
    known = versions(root)
    options = Options(lake=str(root), as_of=SECOND_NIGHT)
    asked = {"source": None, "tickers": None, "start": None, "end": None}
    bad = write_bars(folder / "worse.csv", [row(close=-2.0)])
    steps.fetch(options, steps.Asked.of(path=bad, **asked))
    steps.ingest(options)

    (code, output, _), (again, _, _) = (
        ended(capsys, cli.silver, root, run_id=f"silver-{n}") for n in range(2)
    )

    [failed] = json.loads(output)["verdict"]["failed"]
    assert (code, failed["rule"], again) == (3, "batch_refused_all", 0)
    assert {name: versions(root)[name] for name in PUBLISHED} == {n: known[n] for n in PUBLISHED}


def test_check_judges_and_publishes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder / "checked"
    shutil.copytree(folder / "base", root)
    options = Options(lake=str(root), as_of=SECOND_NIGHT)
    known = versions(root)
    stored = check(options, None, None, None)
    source = {"source": None, "tickers": None, "start": None, "end": None}
    steps.fetch(options, steps.Asked.of(path=folder / "second.csv", **source))
    monkeypatch.setenv("BARLAKE_QUALITY__RULES__REFUSED_SHARE__SEVERITY", "critical")
    monkeypatch.setenv("BARLAKE_QUALITY__RULES__REFUSED_SHARE__MAX", "0")

    with pytest.raises(QualityError, match=r"refused_share \(AAPL@2026-11-27"):
        check(replace(options, run_id="waiting"), None, None, None)

    assert stored["sessions"] == ["2026-11-25"]
    assert stored["verdict"]["status"] == "warned"
    assert versions(root) == known
    assert not list((root / "_staging").glob("*"))
    assert (root / "pages/quality/waiting/index.html").exists()


def submitted(
    capsys: pytest.CaptureFixture[str], root: Path, path: Path, run_id: str
) -> tuple[Any, str, str]:
    """Do what jobs/run.py does, in this session; give exit code, output and errors."""
    return ended(capsys, cli.run_, root, "--source", "files", "--from", str(path), run_id=run_id)


def ended(
    capsys: pytest.CaptureFixture[str],
    job: Callable[..., None],
    root: Path,
    *words: str,
    run_id: str = "ended",
) -> tuple[Any, str, str]:
    """Do what a job's script does, in this session; give exit code, output and errors."""
    where = ["--lake", str(root), "--as-of", SECOND, "--run-id", run_id, "--json"]
    capsys.readouterr()
    with pytest.raises(SystemExit) as ending:
        cli.script(job, [*words, *where])
    told = capsys.readouterr()
    return ending.value.code, told.out, told.err
