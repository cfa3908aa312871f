"""The files source: what is refused as a whole, and what the rest is turned into."""

import gzip
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from barlake.model.errors import InputError
from barlake.model.landed import Outcome
from barlake.sources import csv_text, file_bytes, file_columns
from barlake.sources.file_columns import REQUIRED
from barlake.sources.files import FilesSource
from barlake.sources.source import SERVED_SCHEMA, Answer, Request, Source

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
HEADER = b"ticker,ts,open,high,low,close,volume\n"
ROW = b"AAPL,2026-11-20T14:30:00Z,100.25,101.5,99.75,100.5,1200\n"
CSV = HEADER + ROW


def source(path: Path) -> FilesSource:
    return FilesSource(path=path, clock=lambda: NOW)


def answer(path: Path, name: str, content: bytes) -> Answer:
    (path / name).write_bytes(content)
    [only] = source(path / name).answers()
    return only


def rows(path: Path, content: bytes, name: str = "bars.csv") -> list[dict[str, Any]]:
    return answer(path, name, content).rows.to_pylist()


def parquet(**changed: Any) -> bytes:
    columns: dict[str, Any] = {
        "ticker": ["AAPL"],
        "ts": ["2026-11-20T14:30:00Z"],
        "open": [100.25],
        "high": [101.5],
        "low": [99.75],
        "close": [100.5],
        "volume": [1200],
    }
    kept = {name: column for name, column in (columns | changed).items() if column is not None}
    return stored([*kept], [*kept.values()])


def stored(names: list[str], columns: Sequence[Any]) -> bytes:
    """Write a Parquet file, whatever its columns are called."""
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array(column) for column in columns], names), sink)
    return sink.getvalue()


@dataclass(frozen=True)
class Fault:
    """A drop folder's files, and what the sentence must name."""

    name: str
    files: dict[str, bytes]
    says: tuple[str, ...] = field(default=())


FAULTS = (
    Fault("folder empty", {}, ("folder", ".csv")),
    Fault("folder of hidden files", {".a.csv": CSV, "_SUCCESS": b""}, ("folder", ".csv")),
    Fault("another kind of file", {"bars.csv": CSV, "notes.txt": b"x"}, ("notes.txt", ".parquet")),
    Fault("a spreadsheet", {"bars.xlsx": b"PK"}, ("bars.xlsx", ".csv")),
    Fault("no suffix", {"bars": CSV}, ("bars", ".csv")),
    Fault("control character in the name", {"a\nb.csv": CSV}, (r"a\nb.csv", "rename")),
    Fault("0 bytes", {"a.csv": b""}, ("a.csv", "empty")),
    Fault("0 bytes, gz", {"a.csv.gz": b""}, ("a.csv.gz", "empty")),
    Fault("0 bytes, unpacked", {"a.csv.gz": gzip.compress(b"")}, ("a.csv.gz", "empty")),
    Fault("0 bytes, Parquet", {"a.parquet": b""}, ("a.parquet", "empty")),
    Fault("byte order mark alone", {"a.csv": b"\xef\xbb\xbf"}, ("a.csv", "header")),
    Fault("blank lines alone", {"a.csv": b"\n \r\n\n"}, ("a.csv", "header")),
    Fault("header alone", {"a.csv": HEADER}, ("a.csv", "no rows")),
    Fault("header and blank lines", {"a.csv": HEADER + b"\n\n"}, ("a.csv", "no rows")),
    Fault(
        "no rows, Parquet",
        {
            "a.parquet": parquet(
                ticker=pa.array([], pa.string()),
                ts=pa.array([], pa.string()),
                open=pa.array([], pa.float64()),
                high=pa.array([], pa.float64()),
                low=pa.array([], pa.float64()),
                close=pa.array([], pa.float64()),
                volume=pa.array([], pa.int64()),
            )
        },
        ("a.parquet", "no rows"),
    ),
    Fault("no header", {"a.csv": ROW}, ("a.csv", "'AAPL'")),
    Fault("missing column", {"a.csv": CSV.replace(b",volume", b"")}, ("a.csv", "'volume'", "add")),
    Fault("missing ticker", {"a.csv": CSV.replace(b"ticker,", b"")}, ("a.csv", "'ticker'")),
    Fault(
        "missing column, Parquet", {"a.parquet": parquet(low=None)}, ("a.parquet", "'low'", "add")
    ),
    Fault(
        "unknown column",
        {"a.csv": CSV.replace(b"volume", b"volume,vwap")},
        ("a.csv", "'vwap'", "remove"),
    ),
    Fault(
        "unknown column, Parquet",
        {"a.parquet": parquet(index=[0])},
        ("a.parquet", "'index'", "remove"),
    ),
    Fault(
        "column without a name",
        {"a.csv": CSV.replace(b"volume", b"volume,")},
        ("a.csv", "''", "remove"),
    ),
    Fault(
        "capital",
        {"a.csv": CSV.replace(b"close", b"Close")},
        ("a.csv", "'Close'", "rename it to 'close'"),
    ),
    Fault(
        "both cases",
        {"a.csv": CSV.replace(b"close", b"close,Close")},
        ("a.csv", "'Close'", "remove"),
    ),
    Fault(
        "short for volume",
        {"a.csv": CSV.replace(b"volume", b"vol")},
        ("'vol'", "rename it to 'volume'"),
    ),
    Fault(
        "symbol",
        {"a.csv": CSV.replace(b"ticker", b"Symbol")},
        ("'Symbol'", "rename it to 'ticker'"),
    ),
    Fault(
        "timestamp",
        {"a.csv": CSV.replace(b"ts,", b"timestamp,")},
        ("'timestamp'", "rename it to 'ts'"),
    ),
    Fault(
        "Cyrillic column",
        {"a.csv": CSV.replace(b"close", "\u0441lose".encode())},
        (r"'\u0441lose'", "'close'"),
    ),
    Fault(
        "zero width in a column",
        {"a.csv": CSV.replace(b"low", "lo\u200bw".encode())},
        (r"'lo\u200bw'", "'low'"),
    ),
    Fault("semicolons", {"a.csv": CSV.replace(b",", b";")}, ("a.csv", "commas")),
    Fault("tabs", {"a.csv": CSV.replace(b",", b"\t")}, ("a.csv", "commas")),
    Fault(
        "one name twice", {"a.csv": CSV.replace(b"low", b"high")}, ("a.csv", "'high'", "keep one")
    ),
    Fault(
        "one name twice, quoted", {"a.csv": CSV.replace(b"low", b'" high "')}, ("a.csv", "'high'")
    ),
    Fault(
        "one name twice, Parquet",
        {"a.parquet": stored([*"ab", "a"], [[1], [2], [3]])},
        ("a.parquet", "'a'"),
    ),
    Fault(
        "price twice, Parquet",
        {
            "a.parquet": stored(
                [*REQUIRED, "open"],
                [["A"], ["B"], [1.0], [1.0], [1.0], [1.0], [1], [2.0]],
            )
        },
        ("a.parquet", "'open'", "keep one"),
    ),
    Fault("million columns", {"a.csv": b"a," * 400_000 + b"\n"}, ("a.csv", "'a'")),
    Fault("header not UTF-8", {"a.csv": b"ticker,ts,\xff\n" + ROW}, ("a.csv", "UTF-8")),
    Fault("UTF-16", {"a.csv": CSV.decode().encode("utf-16")}, ("a.csv", "UTF-8")),
    Fault("UTF-16 without a mark", {"a.csv": CSV.decode().encode("utf-16-le")}, ("a.csv", "UTF-8")),
    Fault("gz called csv", {"a.csv": gzip.compress(CSV)}, ("a.csv", "UTF-8")),
    Fault("Parquet called csv", {"a.csv": parquet()}, ("a.csv",)),
    Fault("HTML", {"a.csv": b"<!DOCTYPE html>\n<html>502</html>"}, ("a.csv", "<!DOCTYPE html>")),
    Fault("unbalanced header", {"a.csv": b'"' + CSV}, ("a.csv", "quote")),
    Fault(
        "long header", {"a.csv": b"a" * 1_000_001 + b"\n" + ROW}, ("a.csv", "1,000,000", "line 1")
    ),
    Fault("long line", {"a.csv": CSV + b"\n" + b"A" * 1_000_001}, ("a.csv", "1,000,000", "line 4")),
    Fault("gz cut", {"a.csv.gz": gzip.compress(CSV)[:-12]}, ("a.csv.gz", "truncated")),
    Fault("gz without its end", {"a.csv.gz": gzip.compress(CSV)[:-4]}, ("a.csv.gz", "truncated")),
    Fault(
        "gz with a wrong sum",
        {"a.csv.gz": gzip.compress(CSV)[:-8] + b"\0" * 8},
        ("a.csv.gz", "gzip"),
    ),
    Fault(
        "gz with a broken stream",
        {"a.csv.gz": gzip.compress(CSV)[:12] + b"\xff" * 40},
        ("a.csv.gz", "gzip"),
    ),
    Fault("gz that is none", {"a.csv.gz": CSV}, ("a.csv.gz", "gzip")),
    Fault("gz with a tail", {"a.csv.gz": gzip.compress(CSV) + b"tail"}, ("a.csv.gz", "gzip")),
    Fault("Parquet cut", {"a.parquet": parquet()[:-100]}, ("a.parquet", "truncated")),
    Fault("Parquet cut in half", {"a.parquet": parquet()[:900]}, ("a.parquet", "truncated")),
    Fault(
        "Parquet without its beginning", {"a.parquet": parquet()[500:]}, ("a.parquet", "Parquet")
    ),
    Fault("CSV called Parquet", {"a.parquet": CSV}, ("a.parquet", "Parquet")),
    Fault(
        "text not UTF-8, Parquet",
        {"a.parquet": parquet().replace(b"AAPL", b"A\xff\xfeL")},
        ("a.parquet", "Parquet"),
    ),
    Fault(
        "ticker of numbers",
        {"a.parquet": parquet(ticker=[7])},
        ("a.parquet", "'ticker'", "int64", "string"),
    ),
    Fault("ticker of bytes", {"a.parquet": parquet(ticker=[b"AAPL"])}, ("'ticker'", "binary")),
    Fault(
        "ts of numbers", {"a.parquet": parquet(ts=[1_795_185_000])}, ("'ts'", "int64", "timestamp")
    ),
    Fault("ts of dates", {"a.parquet": parquet(ts=[NOW.date()])}, ("'ts'", "date32", "timestamp")),
    Fault("ts of nulls alone", {"a.parquet": parquet(ts=pa.nulls(1))}, ("'ts'", "null")),
    Fault(
        "price of strings", {"a.parquet": parquet(open=["100.25"])}, ("'open'", "string", "decimal")
    ),
    Fault(
        "price of booleans", {"a.parquet": parquet(close=[True])}, ("'close'", "bool", "decimal")
    ),
    Fault("price of lists", {"a.parquet": parquet(high=[[1.0]])}, ("'high'", "list", "decimal")),
    Fault(
        "volume of doubles",
        {"a.parquet": parquet(volume=[1200.0])},
        ("'volume'", "double", "integer"),
    ),
    Fault(
        "volume of decimals",
        {"a.parquet": parquet(volume=[Decimal(12)])},
        ("'volume'", "decimal", "integer"),
    ),
    Fault(
        "volume of strings",
        {"a.parquet": parquet(volume=["1200"])},
        ("'volume'", "string", "integer"),
    ),
    Fault(
        "fetched_at of numbers",
        {"a.parquet": parquet(fetched_at=[1])},
        ("'fetched_at'", "timestamp"),
    ),
    Fault("second file bad", {"a.csv": CSV, "b.csv": HEADER}, ("b.csv", "no rows")),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_file_that_is_none_of_bars_is_refused_by_name(fault: Fault, tmp_path: Path) -> None:
    for name, content in fault.files.items():
        (tmp_path / name).write_bytes(content)

    with pytest.raises(InputError) as refusal:
        source(tmp_path).answers()

    sentence = str(refusal.value)
    assert [word for word in fault.says if word not in sentence] == []
    assert sentence.isprintable()
    assert len(sentence) < 300


def test_a_path_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.csv.*check --from"):
        source(tmp_path / "absent.csv").answers()


def test_what_the_system_refuses_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        source(tmp_path / ("a" * 300 + ".csv")).answers()


def test_a_folder_inside_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "older.csv").mkdir()

    with pytest.raises(InputError, match=r"older\.csv is not a regular file"):
        source(tmp_path).answers()


def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bars.csv")

    with pytest.raises(InputError, match=r"bars\.csv is not a regular file"):
        source(tmp_path / "bars.csv").answers()


def test_a_link_is_followed_inside_the_folder_only(tmp_path: Path) -> None:
    secret, drop = tmp_path / "secret.csv", tmp_path / "drop"
    drop.mkdir()
    secret.write_bytes(CSV)
    (drop / "bars.csv").write_bytes(CSV + ROW)
    (drop / "again.csv").symlink_to("bars.csv")

    assert len(source(drop).answers()) == 1

    for target, complaint in (
        (secret, "outside"),
        (Path("../secret.csv"), "outside"),
        (Path("gone"), "nowhere"),
        (Path("link.csv"), "nowhere"),
    ):
        link = drop / "link.csv"
        link.symlink_to(target)
        with pytest.raises(InputError, match=rf"link\.csv.*{complaint}"):
            source(drop).answers()
        link.unlink()


def test_what_does_not_fit_into_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(CSV + b" " * 100_000))
    (tmp_path / "large.csv").write_bytes(CSV + ROW * 1_000)
    monkeypatch.setattr(file_bytes, "MAX_BYTES", 10_000)
    monkeypatch.setattr(file_columns, "MAX_ROWS", 10)
    monkeypatch.setattr(csv_text, "MAX_ROWS", 10)

    for name in ("bomb.csv.gz", "large.csv"):
        with pytest.raises(InputError, match=rf"{name} holds more than 10,000 bytes; split it"):
            source(tmp_path / name).answers()
    with pytest.raises(InputError, match="more than 10 rows; split it"):
        answer(tmp_path, "a.csv", HEADER + ROW * 11)
    with pytest.raises(InputError, match="more than 10 rows; split it"):
        answer(
            tmp_path,
            "a.parquet",
            stored(
                [*REQUIRED],
                [["A"] * 11, ["B"] * 11, *[[1.0] * 11] * 4, [1] * 11],
            ),
        )


def test_requests_are_files_by_name_and_equal_content_once(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_bytes(CSV)
    (tmp_path / "c.CSV").write_bytes(CSV + ROW)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CSV))
    (tmp_path / "_SUCCESS").write_bytes(b"")

    files: Source = source(tmp_path)
    asked = files.requests([Request(ticker="MSFT")])

    assert asked == [Request(path=str(tmp_path / name)) for name in ("a.csv.gz", "c.CSV")]
    assert [files.fetch(request).facts.detail for request in asked] == ["a.csv.gz", "c.CSV"]


def test_a_file_that_changes_between_two_readings_is_refused_by_name(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(CSV + name.encode())
    files = source(tmp_path)
    first = files.answers()
    (tmp_path / "a.csv").write_bytes(CSV + b"a.csv")  # written again, and the same

    assert files.answers() == first

    [_, changing] = files.requests(())
    (tmp_path / "b.csv").write_bytes(CSV + ROW)

    for reading in (lambda: files.fetch(changing), lambda: files.requests(())):
        with pytest.raises(InputError, match=r"^b\.csv changed while it was read; run again"):
            reading()
    assert len(source(tmp_path).answers()) == 2


def test_a_request_is_the_hash_of_the_content_whatever_its_name(tmp_path: Path) -> None:
    names = {"a.csv": CSV, "b.csv": CSV, "c.csv.gz": gzip.compress(CSV, mtime=1)}
    digests = {answer(tmp_path, name, content).facts.request_id for name, content in names.items()}

    assert digests == {sha256(CSV).hexdigest()}
    assert answer(tmp_path, "d.csv", CSV + b"\n").facts.request_id not in digests


def test_an_answer_has_the_facts_of_its_file(tmp_path: Path) -> None:
    served = answer(tmp_path, "bars.csv", CSV + ROW)

    assert served.rows.schema == SERVED_SCHEMA
    assert served.facts.rows == served.rows.num_rows == 2
    assert served.facts.requested_at == served.facts.received_at == NOW
    assert (served.facts.outcome, served.facts.attempts) == (Outcome.OK, 1)
    assert (served.facts.detail, served.facts.ticker) == ("bars.csv", None)
    assert served.rows["request_id"].unique().to_pylist() == [served.facts.request_id]


def test_a_row_is_kept_as_text_with_nothing_converted(tmp_path: Path) -> None:
    content = CSV.replace(b"100.25", b" 1_00.250 ").replace(b"1200", b"1e3")

    assert rows(tmp_path, content) == [
        {
            "request_id": sha256(content).hexdigest(),
            "row": 0,
            "ticker": "AAPL",
            "ts_text": "2026-11-20T14:30:00Z",
            "open_text": "1_00.250",
            "high_text": "101.5",
            "low_text": "99.75",
            "close_text": "100.5",
            "volume_text": "1e3",
            "dividend_text": None,
            "split_text": None,
            "fetched_at_text": None,
            "fetched_at": NOW,
            "raw": None,
        }
    ]


TWICE = CSV + ROW
SPELLINGS = {
    "byte order mark": b"\xef\xbb\xbf" + TWICE,
    "CRLF": TWICE.replace(b"\n", b"\r\n"),
    "CR": TWICE.replace(b"\n", b"\r"),
    "no last newline": TWICE[:-1],
    "blank lines": CSV + b"\n \t \n\r\n" + ROW + b"\n\n",
    "quoted": b"\n".join(
        b",".join(b' "%b"\t' % text for text in line.split(b",")) for line in TWICE.splitlines()
    ),
    "other order": b"volume,close,low,high,open,ts,ticker\n"
    + b"1200,100.5,99.75,101.5,100.25,2026-11-20T14:30:00Z,AAPL\n" * 2,
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_of_the_file_changes_no_row(spelling: str, tmp_path: Path) -> None:
    said = [row | {"request_id": ""} for row in rows(tmp_path, SPELLINGS[spelling])]

    assert said == [row | {"request_id": ""} for row in rows(tmp_path, TWICE, "plain.csv")]


@pytest.mark.parametrize("ticker", ["NA", "NAN", "NULL", "TRUE", "INF", "007", "1E5", "NONE"])
def test_a_ticker_that_looks_like_a_value_stays_a_string(ticker: str, tmp_path: Path) -> None:
    typed = rows(tmp_path, parquet(ticker=[ticker]), "bars.parquet")
    plain = rows(tmp_path, CSV.replace(b"AAPL", ticker.encode()))

    assert [row["ticker"] for row in (*typed, *plain)] == [ticker, ticker]


@pytest.mark.parametrize(
    ("served", "kept"),
    [
        ('"A,B"', "A,B"),
        ('"A""B"', 'A"B'),
        ('""""', '"'),
        ('" AAPL "', "AAPL"),
        ('  "AAPL"\t', "AAPL"),
        ('""', None),
        ("", None),
        ("  ", None),
        ("A'B", "A'B"),
        ("A\\B", "A\\B"),
        ("A\u2028B\x0b\x1c\x85", "A\u2028B\x0b\x1c\x85"),
        ("\u00a0AAPL\u200b", "\u00a0AAPL\u200b"),
        ("A" * 5_000, "A" * 5_000),
    ],
)
def test_a_field_is_what_stands_between_the_commas(
    served: str, kept: str | None, tmp_path: Path
) -> None:
    [row] = rows(tmp_path, CSV.replace(b"AAPL", served.encode()))

    assert (row["ticker"], row["volume_text"], row["raw"]) == (kept, "1200", None)


BROKEN = {
    "short": (b"AAPL,2026-11-20T14:30:00Z,100", "AAPL,2026-11-20T14:30:00Z,100"),
    "long": (ROW[:-1] + b",9", ROW.decode()[:-1] + ",9"),
    "trailing comma": (ROW[:-1] + b",", ROW.decode()[:-1] + ","),
    "open quote": (b'"' + ROW[:-1], '"' + ROW.decode()[:-1]),
    "quote inside": (b'A"B,1,2,3,4,5,6', 'A"B,1,2,3,4,5,6'),
    "text after a quote": (b'"A"B,1,2,3,4,5,6', '"A"B,1,2,3,4,5,6'),
    "not UTF-8": (b"A\xff,1,2,3,4,5,6", "A\\xff,1,2,3,4,5,6"),
    "half a character": (b"A,1,2,3,4,5,\xe2\x82", "A,1,2,3,4,5,\\xe2\\x82"),
    "NUL": (b"A\0B,1,2,3,4,5,6", "A\\x00B,1,2,3,4,5,6"),
    "word": (b"EOF", "EOF"),
    "endless": (b"A" * 900_000, "A" * 2_000),
    "blanks and a quote": (b" " * 900_000 + b'"', " " * 2_000),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_line_that_does_not_split_is_kept_raw_and_alone(name: str, tmp_path: Path) -> None:
    line, raw = BROKEN[name]

    before, row, after = rows(tmp_path, CSV + line + b"\n" + ROW)

    assert row["raw"] == raw
    assert {key for key, value in row.items() if value is not None} == {
        "request_id",
        "row",
        "fetched_at",
        "raw",
    }
    assert [r["row"] for r in (before, row, after)] == [0, 1, 2]
    assert before | {"row": 2} == after


def test_a_last_line_without_an_end_may_be_short(tmp_path: Path) -> None:
    whole, cut = rows(tmp_path, CSV + ROW[:-20])

    assert (whole["ticker"], whole["raw"]) == ("AAPL", None)
    assert (cut["ticker"], cut["raw"]) == (None, ROW[:-20].decode())


def test_rows_keep_their_order_and_place_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "_BATCH", 3)
    lines = [f"T{i},{i},1,1,1,1,{i}\n" if i % 4 else f"short {i}\n" for i in range(10)]

    served = rows(tmp_path, HEADER + "".join(lines).encode())

    assert [row["row"] for row in served] == list(range(10))
    assert [row["raw"] or row["ticker"] for row in served] == [
        f"T{i}" if i % 4 else f"short {i}" for i in range(10)
    ]


def test_a_row_may_bring_its_own_knowledge_time(tmp_path: Path) -> None:
    content = b"fetched_at," + HEADER + b" 2026-11-20T15:00:00Z ," + ROW + b"," + ROW

    own, none = rows(tmp_path, content)

    assert (own["fetched_at_text"], own["fetched_at"]) == ("2026-11-20T15:00:00Z", NOW)
    assert (none["fetched_at_text"], none["fetched_at"]) == (None, NOW)


HALF_PAST = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
NANOS = 1_795_185_000_000_000_001
TYPED: dict[str, tuple[str, Any, str | None]] = {
    "string": ("ticker", ["AAPL"], "AAPL"),
    "blanks around a string": ("ticker", [" AAPL\t"], "AAPL"),
    "blank string": ("ticker", [" "], None),
    "null string": ("ticker", pa.array([None], pa.string()), None),
    "large string": ("ticker", pa.array(["AAPL"], pa.large_string()), "AAPL"),
    "string view": ("ticker", pa.array(["AAPL"], pa.string_view()), "AAPL"),
    "dictionary": ("ticker", pa.array(["AAPL"]).dictionary_encode(), "AAPL"),
    "large dictionary": ("ticker", pa.array(["NA"], pa.large_string()).dictionary_encode(), "NA"),
    "newline in a string": ("ticker", ["AAPL\n"], "AAPL\n"),
    "ts string": ("ts", ["2026-11-20 09:30-05:00"], "2026-11-20 09:30-05:00"),
    "s": ("ts", pa.array([HALF_PAST], pa.timestamp("s", "UTC")), "2026-11-20T14:30:00.000Z"),
    "ms": ("ts", pa.array([HALF_PAST], pa.timestamp("ms", "UTC")), "2026-11-20T14:30:00.000Z"),
    "us": ("ts", pa.array([HALF_PAST], pa.timestamp("us", "UTC")), "2026-11-20T14:30:00.000000Z"),
    "ns": ("ts", pa.array([NANOS], pa.timestamp("ns", "UTC")), "2026-11-20T14:30:00.000000001Z"),
    "zone": (
        "ts",
        pa.array([HALF_PAST], pa.timestamp("us", "America/New_York")),
        "2026-11-20T14:30:00.000000Z",
    ),
    "offset": (
        "ts",
        pa.array([HALF_PAST], pa.timestamp("us", "-05:00")),
        "2026-11-20T14:30:00.000000Z",
    ),
    "naive": (
        "ts",
        pa.array([HALF_PAST.replace(tzinfo=None)], pa.timestamp("us")),
        "2026-11-20T14:30:00.000000",
    ),
    "null time": ("ts", pa.array([None], pa.timestamp("us", "UTC")), None),
    "knowledge time": (
        "fetched_at",
        pa.array([HALF_PAST], pa.timestamp("us", "UTC")),
        "2026-11-20T14:30:00.000000Z",
    ),
    "knowledge time of nulls": ("fetched_at", pa.nulls(1), None),
    "double": ("open", [0.1], "0.1"),
    "long double": ("open", [0.1 + 0.2], "0.30000000000000004"),
    "large double": ("open", [1e308], "1e+308"),
    "small double": ("open", [5e-324], "5e-324"),
    "negative zero": ("open", [-0.0], "-0"),
    "NaN": ("open", [float("nan")], "NaN"),
    "infinity": ("open", [float("inf")], "inf"),
    "negative infinity": ("open", [float("-inf")], "-inf"),
    "null double": ("open", pa.array([None], pa.float64()), None),
    "float": ("open", pa.array([33.11], pa.float32()), "33.11000061035156"),
    "NaN float": ("open", pa.array([float("nan")], pa.float32()), "NaN"),
    "half float": ("open", np.array([0.1], np.float16), "0.0999755859375"),
    "integer price": ("open", [100], "100"),
    "decimal": ("open", [Decimal("100.2500")], "100.2500"),
    "small decimal": ("open", [Decimal("0.0000000001")], "1E-10"),
    "wide decimal": ("open", pa.array([Decimal("1.5")], pa.decimal256(60, 5)), "1.50000"),
    "narrow decimal": ("open", pa.array([Decimal("1.5")], pa.decimal32(5, 2)), "1.50"),
    "byte": ("volume", pa.array([-1], pa.int8()), "-1"),
    "unsigned": ("volume", pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
    "null volume": ("volume", pa.array([None], pa.int64()), None),
}


@pytest.mark.parametrize("name", TYPED)
def test_a_typed_value_becomes_text_without_loss(name: str, tmp_path: Path) -> None:
    column, values, text = TYPED[name]

    [row] = rows(tmp_path, parquet(**{column: values}), "bars.parquet")

    assert row[column if column == "ticker" else f"{column}_text"] == text
    assert row["raw"] is None


def test_doubles_read_back_as_they_were(tmp_path: Path) -> None:
    drawn = np.random.default_rng(7).uniform(0.01, 900_000, 2_000)
    same = np.full(2_000, 1)
    content = stored(
        [*REQUIRED],
        [["A"] * 2_000, ["B"] * 2_000, drawn, drawn.astype(np.float32), same, same, same],
    )

    served = rows(tmp_path, content, "bars.parquet")

    assert [float(row["open_text"]) for row in served] == drawn.tolist()
    assert [float(row["high_text"]) for row in served] == drawn.astype(np.float32).tolist()


def test_a_request_without_a_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without a path"):
        source(tmp_path).fetch(Request(ticker="AAPL"))
