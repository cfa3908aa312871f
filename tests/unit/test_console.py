"""What a command prints: for people in lines, for programs as JSON that any of them can read."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, NoReturn

import duckdb
import pyarrow.parquet as pq
import pytest
import typer

from barlake import console
from barlake.model.errors import BarlakeError, BusyError, InputError, QualityError
from barlake.progress import Progress
from barlake.summary import FATES, sentences

Captured = pytest.CaptureFixture[str]
AT = datetime(2026, 11, 20, 21, 30, tzinfo=UTC)


def strict(text: str) -> Any:
    """Read JSON as its standard has it: one value, and no NaN."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


# --- tables


def test_a_table_stands_in_columns_under_its_names() -> None:
    rows = [{"ticker": "AAPL", "n": 7, "why": None}, {"ticker": "V", "n": 1234, "why": "halt"}]

    assert console.table(rows) == [
        "ticker  n     why",
        "AAPL    7",
        "V       1234  halt",
    ]


def test_a_table_without_rows_says_so() -> None:
    assert console.table([]) == ["(none)"]


def test_what_was_done_is_told_line_by_line(capsys: Captured) -> None:
    done = {
        "lake": "/lake",
        "tables": {"silver.bars_1m": {"rows": 390}, "gold.bars": {"rows": 78}},
        "coverage": {"expected": 390},
        "holes": [{"ticker": "AAPL", "minutes": 3}],
        "runs": [],
    }

    console.show(done, json=False)

    assert capsys.readouterr().out.splitlines() == [
        "lake: /lake",
        "tables:",
        "  table           rows",
        "  silver.bars_1m  390",
        "  gold.bars       78",
        "coverage:",
        "  expected",
        "  390",
        "holes:",
        "  ticker  minutes",
        "  AAPL    3",
        "runs: []",
    ]


def test_a_text_that_was_made_is_shown_as_it_is(capsys: Captured) -> None:
    console.show({"run_id": "x", "text": ["one", "", "two"]}, json=False)

    assert capsys.readouterr().out == "one\n\ntwo\n"


# --- JSON


def test_json_is_one_object_and_never_nan(capsys: Captured) -> None:
    console.show({"nan": float("nan"), "deep": [{"inf": float("-inf")}], "half": 0.5}, json=True)

    out = capsys.readouterr().out
    assert strict(out) == {"nan": None, "deep": [{"inf": None}], "half": 0.5}
    assert out.count("\n") == 1


def test_json_gives_an_instant_in_utc_as_iso_8601(capsys: Captured) -> None:
    console.show({"at": AT, "day": date(2026, 11, 20)}, json=True)

    assert strict(capsys.readouterr().out) == {"at": "2026-11-20T21:30:00Z", "day": "2026-11-20"}


# --- the answers of queries


@pytest.fixture
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def asked_as_json(duck: duckdb.DuckDBPyConnection, capsys: Captured, query: str) -> Any:
    console.show_rows(duck.sql(query), "json")
    return strict(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("spelled", "given"),
    [
        ("'NaN'::DOUBLE", None),
        ("'-inf'::FLOAT", None),
        ("[1.5::DOUBLE, 'NaN'::DOUBLE]", [1.5, None]),
        ("{'a': 'inf'::DOUBLE, 'b': 1}", {"a": None, "b": 1}),
        ("NULL", None),
        ("true", True),
        ("'AAPL'", "AAPL"),
        ("0.1::DOUBLE", 0.1),
        ("1.5::DECIMAL(4, 2)", 1.5),
        ("sum(9007199254740993)", 9007199254740993),
        ("TIMESTAMPTZ '2026-11-20 14:30:00+00:00'", "2026-11-20T14:30:00Z"),
        ("TIMESTAMPTZ '2026-11-20 09:30:00.25-05:00'", "2026-11-20T14:30:00.250000Z"),
        ("TIMESTAMP '2026-11-20 14:30:00'", "2026-11-20T14:30:00"),
        ("DATE '2026-11-20'", "2026-11-20"),
    ],
)
def test_json_of_a_query_keeps_numbers_and_spells_instants_in_utc(
    duck: duckdb.DuckDBPyConnection, capsys: Captured, spelled: str, given: object
) -> None:
    """On a host in Tokyo as anywhere: a time without a zone is nobody's local time."""
    assert asked_as_json(duck, capsys, f"SELECT {spelled} AS a") == [{"a": given}]


def test_a_query_without_rows_gives_its_names_or_an_empty_list(
    duck: duckdb.DuckDBPyConnection, capsys: Captured
) -> None:
    none = "SELECT 1 AS a, 'x' AS b WHERE false"

    assert asked_as_json(duck, capsys, none) == []
    console.show_rows(duck.sql(none), "csv")
    assert capsys.readouterr().out.replace('"', "").split() == ["a,b"]


def test_csv_gives_every_column_lists_too(
    duck: duckdb.DuckDBPyConnection, capsys: Captured
) -> None:
    """`SELECT * FROM silver.bars_1m` has a list of flags."""
    query = """
    SELECT 'a, "b"' AS quoted, NULL AS nothing, ['x', 'y'] AS flags,
           TIMESTAMPTZ '2026-11-20 14:30:00+00:00' AS ts
    """

    console.show_rows(duck.sql(query), "csv")

    names, values = csv.reader(io.StringIO(capsys.readouterr().out))
    assert names == ["quoted", "nothing", "flags", "ts"]
    assert values[:2] == ['a, "b"', ""]
    assert json.loads(values[2]) == ["x", "y"]
    assert re.match(r"2026-11-20[ T]14:30:00(\.0+)?(Z|\+00(:00)?)$", values[3])


def test_columns_of_one_name_keep_each_its_own_values(
    duck: duckdb.DuckDBPyConnection, capsys: Captured
) -> None:
    """As a join gives them."""
    console.show_rows(duck.sql("SELECT 1 AS a, 2 AS a"), "csv")

    assert list(csv.reader(io.StringIO(capsys.readouterr().out)))[1] == ["1", "2"]


def test_parquet_goes_to_standard_output_as_bytes(
    duck: duckdb.DuckDBPyConnection, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    console.show_rows(duck.sql("SELECT 7 AS a, ['x'] AS flags"), "parquet")

    table = pq.read_table(io.BytesIO(capsysbinary.readouterr().out))
    assert table.to_pylist() == [{"a": 7, "flags": ["x"]}]


def test_a_table_of_rows_is_drawn(duck: duckdb.DuckDBPyConnection, capsys: Captured) -> None:
    console.show_rows(duck.sql("SELECT 'AAPL' AS ticker"), "table")

    assert {"ticker", "AAPL"} <= set(re.findall(r"\w+", capsys.readouterr().out))


# --- instants that are given


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T21:30Z",
        "2026-11-20T21:30:00+00:00",
        "2026-11-20T16:30-05:00",
        "20261121T0630+09",
    ],
)
def test_an_instant_is_read_with_its_offset(text: str) -> None:
    assert console.instant(text) == AT
    assert console.instant(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["2026-11-20T21:30", "2026-11-20", "now", "", "2026-11-31T00:00Z"])
def test_what_is_no_instant_is_refused_and_not_guessed(text: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"has no offset|is no instant"):
        console.instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+05:00", "9999-12-31T23:59-05:00"])
def test_an_instant_beyond_all_years_is_none(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no instant"):
        console.instant(text)


# --- runs


def test_a_run_is_told_in_sentences() -> None:
    written = {"rows_inserted": 1_390, "rows_updated": 2, "bytes_written": 40_000}
    done = {
        "run_id": "night-1",
        "status": "ok",
        **dict.fromkeys(FATES, 0),
        "received": 1_400,
        "tables": {
            "bronze.bars": {"version_before": 0, "version_after": 1, **written},
            "ref.actions": {"version_before": -1, "version_after": 0, **written},
            "gold.bars": {"version_before": 4, "version_after": 4, **written},
        },
        "sessions": ["2026-11-20"],
        "seconds": {"plan": 0.25, "fetch": 1.0},
    }

    first, *tables, last = sentences(done)

    assert first.startswith("run night-1: ok; 1,400 received, 0 new, ")
    assert [line.split()[0] for line in tables] == ["bronze.bars"]
    assert tables[0].endswith("version 0 -> 1, 1,390 inserted, 2 updated, 40,000 bytes")
    assert last == "  1 sessions looked at, 1.2 s"
    nothing = done | {"tables": {}}
    assert sentences(nothing)[1] == "  nothing new: no table has a new version"


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (QualityError("bad"), "blocked"),
        (BusyError("busy"), "failed"),
        (BarlakeError("x"), "failed"),
    ],
)
def test_a_run_that_was_refused_says_so_in_json_as_well(
    refusal: BarlakeError, status: str, capsys: Captured
) -> None:
    def work() -> NoReturn:
        raise refusal

    with pytest.raises(type(refusal)):
        console.show_run(work, json=True)

    assert strict(capsys.readouterr().out) == {"status": status, "error": str(refusal)}


def test_what_breaks_a_run_is_one_object_too(capsys: Captured) -> None:
    def work() -> NoReturn:
        raise OSError("the disk is full\nin many words")

    for as_json in (True, False):
        with pytest.raises(OSError, match="full"):
            console.show_run(work, json=as_json)

    assert strict(capsys.readouterr().out) == {
        "status": "failed",
        "error": "OSError: the disk is full",
    }


def test_bad_input_and_people_get_one_sentence_and_no_json(capsys: Captured) -> None:
    def work() -> NoReturn:
        raise InputError("no")

    for as_json in (True, False):
        with pytest.raises(InputError):
            console.show_run(work, json=as_json)

    assert capsys.readouterr().out == ""


def test_a_runs_json_is_one_object(capsys: Captured) -> None:
    console.show_run(lambda: {"run_id": "x", "at": AT, "share": float("nan")}, json=True)

    assert strict(capsys.readouterr().out) == {
        "run_id": "x",
        "at": "2026-11-20T21:30:00Z",
        "share": None,
    }


# --- progress


def test_what_was_not_asked_for_is_told_each_in_a_sentence() -> None:
    days = [{"session": f"2026-10-{n}", "tickers": ["AAPL", "MSFT"]} for n in range(10, 22)]
    aside = [{"ticker": "GONE", "reason": "404 No data found"}]
    nothing = {**dict.fromkeys(FATES, 0), "run_id": "r", "status": "ok"}
    empty: dict[str, Any] = {"sessions": [], "tables": {}, "seconds": {}}

    told = sentences({**nothing, **empty, "set_aside": aside, "lost": days})[2:-1]

    assert told[0] == "  set aside: GONE: 404 No data found"
    assert told[1] == (
        "  lost: 2026-10-10 of 2 tickers: the vendor does not have its minutes any more"
    )
    assert [line.split()[1] for line in told[2:11]] == [f"2026-10-{n}" for n in range(11, 20)]
    assert told[11:] == ["  lost: 2 later sessions as well"]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_run_that_a_vendor_cut_off_tells_what_it_did_and_is_refused(
    capsys: Captured, *, as_json: bool
) -> None:
    at = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
    missing = [{"ticker": f"T{n}", "range_start": at, "detail": "429"} for n in range(12)]
    done: dict[str, Any] = {
        **dict.fromkeys(FATES, 0),
        "run_id": "r",
        "status": "blocked",
        "error": "12 requests brought no answer",
        "missing": missing,
        "verdict": None,
        "sessions": [],
        "tables": {},
        "seconds": {},
    }

    with pytest.raises(QualityError, match="12 requests brought no answer"):
        console.show_run(lambda: done, json=as_json)

    said = capsys.readouterr().out
    if as_json:
        assert [entry["ticker"] for entry in strict(said)["missing"]] == [
            f"T{n}" for n in range(12)
        ]
    else:
        assert "  missing: T9 from 2026-11-16: 429\n" in said
        assert "T10" not in said


def test_progress_keeps_the_seconds_of_each_step_and_says_nothing_where_nobody_looks(
    capsys: Captured,
) -> None:
    progress = Progress(is_shown=False)

    with progress.step("fetch"):
        assert list(progress.each("fetch", ["a", "b"])) == ["a", "b"]
    with pytest.raises(ZeroDivisionError), progress.step("broken"):
        raise ZeroDivisionError
    with progress.step("fetch"):
        pass

    assert list(progress.seconds) == ["fetch", "broken"]
    assert 0 <= progress.seconds["fetch"] < 1
    assert capsys.readouterr() == ("", "")


def test_progress_goes_to_standard_error_where_somebody_looks(capsys: Captured) -> None:
    progress = Progress(is_shown=True)

    with progress.step("fetch"):
        assert list(progress.each("fetch", [1, 2])) == [1, 2]

    assert capsys.readouterr().out == ""
