"""The command line: what is checked before anything starts, and how each end is told."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import structlog
from deltalake import write_deltalake

from barlake import cli, doctor, landing, steps
from barlake.doctor import Need
from barlake.io import lease
from barlake.io.folder import Folder
from barlake.model import silver
from barlake.model.errors import (
    BarlakeError,
    BusyError,
    InputError,
    MissingColumnsError,
    QualityError,
)
from barlake.options import Options
from barlake.sources.files import FilesSource
from tests.builders import AFTER, row, write_bars
from tests.unit.test_files import FAULTS, Fault

PROJECT = Path(__file__).resolve().parents[2]
Captured = pytest.CaptureFixture[str]

COMMANDS = sorted(
    c.name or getattr(c.callback, "__name__", "") for c in cli.app.registered_commands
)
DATED = ("run", "fetch", "silver", "gold")
CLOCKED = sorted({*COMMANDS} - {"sql", "tables", "doctor", "live"})
ON_A_LAKE = sorted({*COMMANDS} - {"doctor", "demo"})
QUERY = "SELECT 1 AS one"

HEAVY = """
import contextlib, io, json, sys
from barlake import cli

def loaded(lines):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        codes = [cli._guarded(cli.app, line) for line in lines]
    heavy = {"pyspark", "pandas", "yfinance", "great_expectations", "exchange_calendars", "delta"}
    return codes, sorted(heavy & set(sys.modules))

print(json.dumps([loaded(lines) for lines in json.loads(sys.argv[1])]))
"""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder without a lake, a bare environment, no Spark, and afterwards no log of ours."""
    for name in [name for name in os.environ if name.startswith("BARLAKE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BARLAKE_ENVIRONMENT", "embedded")  # undone after `--env`
    monkeypatch.chdir(tmp_path)

    def no_spark(*_: object) -> NoReturn:
        pytest.fail("Spark was started")

    monkeypatch.setattr("barlake.io.spark.open_session", no_spark)
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def barlake(*words: str) -> int:
    """Do as the program does; give its exit code."""
    return cli._guarded(cli.app, list(words))


def of(command: str, *words: str) -> list[str]:
    """Give the words of a command with what it cannot do without."""
    needed = {
        "restore": ["close-2026-11-20"],
        "sql": [QUERY],
        "rebuild": ["--into", "other"],
        "explain": ["AAPL", "2026-11-20T14:30Z"],
    }
    return [command, *needed.get(command, []), *words]


def assert_refused(code: int, captured: Captured, said: str) -> None:
    """Exit code 2, one sentence on standard error, nothing on standard output, nothing written."""
    out, err = captured.readouterr()
    assert (code, out) == (2, ""), err
    assert re.search(said, err), err
    assert err.startswith("barlake: ")
    assert err.count("\n") == 1
    assert "--debug" not in err
    assert list(Path().rglob("*")) == []


# --- help


def test_help_and_refusals_load_nothing_slow() -> None:
    helped = [["--help"], *([command, "--help"] for command in COMMANDS)]
    helped += [["quarantine", "--help"], ["quarantine", "release", "--help"]]
    refused = [
        ["run", "--as-of", "2026-11-20T22:00"],
        ["run", "--tickers", "aapl"],
        ["run", "--source", "files"],
        ["silver", "--start", "2026-11-20", "--end", "2026-11-19"],
        ["gold", "--start", "2026-11-20"],
        ["fetch", "--env", "nowhere"],
        ["run", "--lake", "s3://bucket"],
    ]

    done = subprocess.run(
        [sys.executable, "-c", HEAVY, json.dumps([helped, refused])],
        env={"PYTHONPATH": str(PROJECT / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [[[0] * len(helped), []], [[2] * len(refused), []]]


def test_every_command_says_what_it_does(capsys: Captured) -> None:
    for command in COMMANDS:
        assert barlake(command, "--help") == 0
        out, err = capsys.readouterr()
        assert re.search(rf"Usage: .*{command}", out)
        assert err == ""
        undocumented = re.findall(r"^ +--[a-z-]+(?: [A-Z]+)?$", out, re.MULTILINE)
        assert undocumented == [], command


def test_options_that_mean_the_same_are_called_the_same_everywhere(capsys: Captured) -> None:
    def takes(command: str) -> set[str]:
        barlake(command, "--help")
        return set(re.findall(r"--[a-z-]+", capsys.readouterr().out))

    offered = {command: takes(command) for command in COMMANDS}

    assert [c for c in {*COMMANDS} - {"doctor"} if "--lake" not in offered[c]] == []
    assert [c for c in CLOCKED if "--as-of" not in offered[c]] == []
    assert [c for c in ON_A_LAKE if "--env" not in offered[c]] == []
    assert [c for c in DATED if not offered[c] >= {"--start", "--end", "--run-id"}] == []
    assert [c for c in {*COMMANDS} - {"sql"} if "--json" not in offered[c]] == []


def test_no_command_is_one_question_and_help_is_its_answer(capsys: Captured) -> None:
    assert barlake() == 2

    out, err = capsys.readouterr()
    assert "Commands:" in out + err
    assert "NoArgsIsHelp" not in err


# --- what is refused before anything starts


@pytest.mark.parametrize("word", ["2026-11-31", "2026-1-1x", "20.11.2026", "yesterday", ""])
@pytest.mark.parametrize("option", ["--start", "--end"])
def test_a_date_that_is_none_is_refused(option: str, word: str, capsys: Captured) -> None:
    words = {"--start": "2026-11-20", "--end": "2026-11-20"} | {option: word}

    for command in DATED:
        code = barlake(command, *(each for pair in words.items() for each in pair))
        assert_refused(code, capsys, f"{option}.*{re.escape(repr(word))}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--start", "2026-11-20", "--end", "2026-11-19"], "2026-11-20 is after --end 2026-11-19"),
        (["--start", "2026-11-20"], "--start and --end go together"),
        (["--end", "2026-11-20"], "--start and --end go together"),
        (["--start", "9999-01-01", "--end", "9999-12-31"], "calendar"),
    ],
)
def test_a_range_needs_both_ends_in_order_within_the_calendar(
    words: list[str], said: str, capsys: Captured
) -> None:
    for command in DATED:
        assert_refused(barlake(command, *words), capsys, said)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("2026-11-20T22:00", "has no offset; write 2026-11-20T22:00Z"),
        ("2026-11-20", "has no offset"),
        ("now", "is no instant"),
        ("", "is no instant"),
        ("0001-01-01T00:00+05:00", "is no instant"),
    ],
)
def test_an_instant_without_an_offset_is_refused_and_not_guessed(
    word: str, said: str, capsys: Captured
) -> None:
    for command in CLOCKED:
        assert_refused(barlake(*of(command, "--as-of", word)), capsys, said)


@pytest.mark.parametrize(
    "word", ["aapl", "AAPL;MSFT", "../x", "AAPL,,^GSPC", "A" * 16, "@none.txt", "@.", ",", ""]
)
def test_a_ticker_that_is_none_is_refused(word: str, capsys: Captured) -> None:
    for command in ("run", "fetch"):
        assert_refused(barlake(command, "--tickers", word), capsys, "ticker")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "files"], "--source files needs --from PATH"),
        (["--interval", "2d"], "--interval.*'2d' is not one of '1m', '1d'"),
        (["--source", "simulated", "--from", "x.csv"], "--from is for --source files"),
        (["--from", "none.csv"], "no file or folder 'none.csv'"),
        (["--source", "nasdaq"], "--source.*'nasdaq' is not one of 'files', 'simulated'"),
        (["--source", ""], "--source"),
    ],
)
def test_a_source_that_cannot_be_is_refused(words: list[str], said: str, capsys: Captured) -> None:
    for command in ("run", "fetch"):
        assert_refused(barlake(command, *words), capsys, said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--env", "nowhere"], "no environment nowhere; conf/ has .*embedded"),
        (["--lake", "gs://bucket/lake"], "gs://bucket/lake is no folder"),
        (["--lake", "s3a://Bucket_/x"], "s3a://Bucket_/x names no bucket"),
        (["--lake", str(PROJECT / "pyproject.toml")], r"pyproject\.toml is a file"),
        (["--lake", ""], "lake"),
    ],
)
def test_a_lake_or_an_environment_that_cannot_be_is_refused(
    words: list[str], said: str, capsys: Captured
) -> None:
    for command in ON_A_LAKE:
        assert_refused(barlake(*of(command, *words)), capsys, said)


@pytest.mark.parametrize("word", ["../x", "a/b", ".hidden", "", "a\nb", "a\x00b", "x" * 300])
def test_a_run_id_that_could_leave_its_folder_is_refused(word: str, capsys: Captured) -> None:
    assert_refused(barlake("ingest", "--run-id", word), capsys, "run.id")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "'nonsense'"),
        (["run", "--nonsense"], "--nonsense"),
        (["run", "--start"], "--start"),
        (["run", "extra"], "extra"),
        (["sql"], "(?i)query"),
        (["rebuild"], "--into"),
        (["demo", "--tickers", "0"], "--tickers"),
        (["demo", "--sessions", "many"], "--sessions"),
        (["sql", QUERY, "--format", "xml"], "--format.*'xml'"),
    ],
)
def test_a_command_that_is_none_is_refused_with_what_is_wrong(
    words: list[str], said: str, capsys: Captured
) -> None:
    assert_refused(barlake(*words), capsys, said)


@pytest.mark.parametrize("command", ["sql", "status"])
@pytest.mark.parametrize("words", [[], ["--lake", "nowhere/at/all"]])
def test_a_lake_that_is_not_there_is_refused_and_not_made(
    command: str, words: list[str], capsys: Captured
) -> None:
    assert_refused(barlake(*of(command, *words)), capsys, "holds no lake; run `barlake demo`")


def test_there_is_nothing_to_rebuild_where_nothing_landed(capsys: Captured) -> None:
    assert_refused(barlake("rebuild", "--into", "other"), capsys, "nothing has landed")
    assert_refused(barlake("rebuild", "--into", "x", "--lake", "x"), capsys, "is the lake itself")


# --- a lake that is there


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two sessions of ref.sessions, written without Spark."""
    root = tmp_path / "lake" / "main"
    rows = pa.table(
        {
            "exchange": ["XNYS", "XNYS"],
            "session_date": [date(2026, 11, 19), date(2026, 11, 20)],
            "open_utc": pa.array([datetime(2026, 11, d, 14, 30, tzinfo=UTC) for d in (19, 20)]),
        }
    )
    write_deltalake(str(root / "ref" / "sessions"), rows)
    return root


@pytest.mark.usefixtures("lake")
def test_sql_answers_in_utc_by_the_tables_names(capsys: Captured) -> None:
    query = "SELECT open_utc FROM ref.sessions WHERE session_date = '2026-11-20'"

    code = barlake("sql", "--format", "json", query)

    assert code == 0
    assert json.loads(capsys.readouterr().out) == [{"open_utc": "2026-11-20T14:30:00Z"}]


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    "query",
    [
        "SELEC 1",
        "SELECT * FROM silver.nothing",
        "SELECT nothing FROM ref.sessions",
        "SELECT exchange::INT FROM ref.sessions",  # breaks only when rows are read
        "CREATE TABLE t (a INT)",
        "",
    ],
)
@pytest.mark.parametrize("form", ["table", "csv", "json", "parquet"])
def test_a_query_that_fails_is_bad_input_in_one_sentence(
    query: str, form: str, capsys: Captured
) -> None:
    assert barlake("sql", "--format", form, query) == 2

    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("barlake: the query ")


BLOCKED: dict[str, Any] = {
    "status": "blocked",
    "evaluated": 41,
    "failed": [
        {
            "rule": "other_unit",
            "severity": "critical",
            "observed": "4",
            "expected": "at most 3",
            "why": "w",
            "sessions": 1,
            "keys": ["AAPL@2026-11-20T14:30:00Z"],
        }
    ],
    "report": "pages/quality/night.silver/index.html",
}


@pytest.fixture
def ended(lake: Path) -> Path:
    """Two runs that ended: one that the gate blocked, and one that judged nothing."""
    detail = {"fault": "QualityError: the quality gate blocked the batch", "verdict": BLOCKED}
    rows = pa.table(
        {
            "run_id": ["night.silver", "night.gold"],
            "job": ["silver", "gold"],
            "status": ["blocked", "ok"],
            "detail": [json.dumps(detail), "{}"],
        }
    )
    write_deltalake(str(lake / "ops" / "runs"), rows)
    return lake


def test_status_tells_of_one_run_and_what_the_gate_said_of_it(
    ended: Path, capsys: Captured
) -> None:
    report = str(ended.resolve() / BLOCKED["report"])

    assert barlake("status", "--run", "night.silver", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == BLOCKED | {"report": report}
    assert (told["run"]["job"], told["run"]["status"]) == ("silver", "blocked")
    assert told["run"]["detail"]["verdict"] == BLOCKED

    assert barlake("status", "--run", "night.silver") == 0
    out = capsys.readouterr().out
    assert f"blocked: {report}" in out
    assert "other_unit  critical  4         at most 3" in out

    assert barlake("status", "--run", "night.gold", "--json") == 0
    assert json.loads(capsys.readouterr().out)["verdict"] is None
    assert barlake("status", "--run", "other") == 2
    assert "no run 'other' has ended" in capsys.readouterr().err


def test_a_plan_names_the_tickers_that_it_is_for(capsys: Captured) -> None:
    assert barlake("plan", "--tickers", "MSFT,AAPL", "--as-of", "2026-11-20T22:00Z", "--json") == 0

    assert json.loads(capsys.readouterr().out)["tickers"] == ["MSFT", "AAPL"]


# --- how a run ends


def raising(error: BaseException) -> Callable[..., NoReturn]:
    def work(*_: object, **__: object) -> NoReturn:
        raise error

    return work


ENDS = [
    (BarlakeError("this broke"), 1),
    (InputError("that is wrong"), 2),
    (QualityError("the gate is shut"), 3),
    (BusyError("somebody writes"), 4),
    (MissingColumnsError(where="fill", missing=["ts"], present=["a"]), 1),
    (ValueError("no value\nsecond line"), 1),
    (OSError(28, "No space left on device"), 1),
    (KeyboardInterrupt(), 130),
]


@pytest.mark.parametrize(("error", "code"), ENDS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("is_json", [False, True])
def test_each_kind_of_end_has_its_exit_code_and_one_sentence(
    error: BaseException,
    code: int,
    is_json: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.setattr(steps, "run", raising(error))

    assert barlake("run", *(["--json"] if is_json else [])) == code

    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    if not isinstance(error, KeyboardInterrupt):
        assert err.startswith("barlake: ")
        assert str(error).splitlines()[0] in err
        assert err.count("\n") == 1
    assert ("status" in out) == (is_json and code not in (2, 130))


@pytest.mark.parametrize(("error", "code"), ENDS[:-1], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("words", [["--debug", "run"], ["run", "--debug"]])
def test_debug_shows_the_stack_and_changes_no_exit_code(
    error: Exception,
    code: int,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.setattr(steps, "run", raising(error))

    assert barlake(*words) == code

    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert f"{type(error).__name__}: {error}".splitlines()[0] in err
    assert "raising" in err or "work" in err


def test_a_run_that_ends_well_prints_its_summary_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    done = {"run_id": "night-1", "status": "ok", "tables": {}}
    monkeypatch.setattr(steps, "run", lambda *_: done)

    assert barlake("run", "--json") == 0

    out, err = capsys.readouterr()
    assert (json.loads(out), err) == (done, "")


def test_what_was_asked_for_reaches_the_step_as_it_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Any] = []

    def hear(*words: object) -> dict[str, object]:
        heard.extend(words)
        return {"status": "ok"}

    monkeypatch.setattr(steps, "run", hear)
    night = "run --source simulated --tickers MSFT,AAPL --start 2026-11-19 --end 2026-11-20 --json"
    file = "run --from b.csv --lake l --run-id n1 --as-of 2026-11-21T06:00+09:00 --json"

    assert [barlake(*words.split()) for words in (night, file)] == [0, 0]

    assert heard == [
        Options(),
        steps.Asked(
            source="simulated",
            path=None,
            tickers=("MSFT", "AAPL"),
            start=date(2026, 11, 19),
            end=date(2026, 11, 20),
        ),
        Options(lake="l", as_of=datetime(2026, 11, 20, 21, 0, tzinfo=UTC), run_id="n1"),
        steps.Asked(source="files", path=Path("b.csv"), tickers=None, start=None, end=None),
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_being_written_ends_with_4_before_spark_starts(
    tmp_path: Path, capsys: Captured
) -> None:
    store = Folder.at(str(tmp_path / "lake" / "main"))
    with lease.lease(store, [silver.BARS_1M], {"run_id": "night-1", "process": 1}):
        code = barlake("silver", "--json")

    out, err = capsys.readouterr()
    assert code == 4
    assert "silver.bars_1m is being written by run night-1 (process 1)" in err
    assert json.loads(out)["status"] == "failed"
    assert not (tmp_path / "lake" / "main" / "silver").exists()


@pytest.mark.parametrize("command", ["run", "fetch"])
def test_a_file_that_changes_while_spark_starts_ends_with_2_and_makes_no_table(
    command: str, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = write_bars(tmp_path / "bars.csv", [row()])

    def start(*_: object) -> None:
        write_bars(bars, [row(), row(1)])

    monkeypatch.setattr("barlake.io.spark.open_session", start)
    code = barlake(command, "--source", "files", "--from", "bars.csv", "--lake", "lake")

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err == "barlake: bars.csv changed while it was read; run again when it is whole\n"
    left = [path for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    assert {path.parent.name for path in left} <= {"_leases"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_broken_file_ends_with_2_and_its_name_before_spark_starts(
    fault: Fault, tmp_path_factory: pytest.TempPathFactory, capsys: Captured
) -> None:
    given = tmp_path_factory.mktemp("given")
    for name, content in fault.files.items():
        (given / name).write_bytes(content)
    code = barlake("run", "--source", "files", "--from", str(given), "--lake", "lake")

    # The last one is the broken one; where none is a delivery, the folder is.
    *_, broken = [str(given), *(name for name in fault.files if name[0] not in "._")]
    assert_refused(code, capsys, re.escape(repr(broken)[1:-1]))


def test_a_broken_file_of_daily_bars_ends_with_2_before_spark_starts(
    tmp_path_factory: pytest.TempPathFactory, capsys: Captured
) -> None:
    """A Parquet file may be dated only where its bars are daily."""
    dated = tmp_path_factory.mktemp("given") / "days.parquet"
    columns = {name: [1.0] for name in ("open", "high", "low", "close")}
    days: dict[str, Any] = {
        "ticker": ["AAPL"],
        "ts": [date(2026, 11, 20)],
        **columns,
        "volume": [1.5],
    }
    pq.write_table(pa.table(days), dated)
    files = ("run", "--source", "files", "--from", str(dated))

    assert_refused(barlake(*files, "--interval", "1d"), capsys, "column 'volume' of type double")
    assert_refused(barlake(*files), capsys, "column 'ts' of type date32")


def test_a_lake_that_is_being_written_is_not_rebuilt_into(tmp_path: Path, capsys: Captured) -> None:
    """The lease comes before the first landing file is copied."""
    bars = write_bars(tmp_path / "bars.csv", [row()])
    answers = FilesSource(path=bars, clock=lambda: AFTER).answers()
    landing.land(Folder.at("origin"), "files", answers)
    with lease.lease(Folder.at("other"), [silver.BARS_1M], {"run_id": "night-1", "process": 1}):
        code = barlake("rebuild", "--lake", "origin", "--into", "other")

    assert code == 4
    assert "run night-1" in capsys.readouterr().err
    assert list((tmp_path / "other").rglob("*.parquet")) == []


# --- doctor


def need(name: str, *, found: bool, optional: bool = False) -> Need:
    return Need(name, found, f"{name} here" if found else "nowhere", f"get {name}", optional)


@pytest.mark.parametrize("is_json", [False, True])
@pytest.mark.parametrize(
    ("needs", "code", "lacking"),
    [
        ([need("Java", found=True), need("jars", found=True)], 0, ""),
        ([need("Java", found=True), need("bars", found=False, optional=True)], 0, ""),
        ([need("Java", found=False), need("jars", found=False)], 1, "Java, jars"),
    ],
)
def test_the_doctor_ends_with_1_where_something_needed_is_missing(
    needs: list[Need],
    code: int,
    lacking: str,
    is_json: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:
    monkeypatch.setattr(doctor, "doctor", lambda: needs)

    assert barlake("doctor", *(["--json"] if is_json else [])) == code

    out, err = capsys.readouterr()
    assert err == (f"barlake: this machine lacks {lacking}\n" if lacking else "")
    if is_json:
        assert [n["found"] for n in json.loads(out)["needs"]] == [n.found for n in needs]
    else:
        assert [n.remedy in out for n in needs] == [not n.found for n in needs]
        assert len(out.splitlines()) == len(needs)
