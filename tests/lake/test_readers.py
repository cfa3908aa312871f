"""Spark, DuckDB and delta-rs over real tables: one truth, whoever reads, wherever."""

import hashlib
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from math import fsum
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import barlake
from barlake.io.lake import Lake
from barlake.model.errors import InputError
from barlake.model.jobs import STREAM
from barlake.model.table import Table
from barlake.model.tables import TABLES
from barlake.readers.frames import OpenLake
from barlake.readers.status import status
from barlake.settings import Settings
from barlake.sources.manners import Manners
from tests.builders import CLOSE, OPEN, row, run_files, run_simulated, stamp, write_bars
from tests.conftest import new_lake
from tests.exposition import labelled, parsed
from tests.lake.invariants import files
from tests.lake.victim import command, environment

ZONES = ("Asia/Tokyo", "America/New_York", "Pacific/Chatham")
NUMBERS = ("DOUBLE", "BIGINT", "INT", "SMALLINT")
Rows = list[dict[str, Any]]

# X at the close, Y the next morning, X again in the evening.
X_KNOWN = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
Y_KNOWN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
X_AGAIN = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
AS_OF = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def simulated(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tickers, three sessions, a vendor with its usual manners."""
    del spark
    root = tmp_path_factory.mktemp("readers") / "simulated"
    tickers, days = ["AAPL", "MSFT", "NVDA"], (date(2026, 11, 18), date(2026, 11, 20))
    run_simulated(root, tickers, *days, manners=Manners.usual())
    return root


@pytest.fixture(scope="module")
def served(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which a bar is X, then Y, then X again; and a row that is refused."""
    del spark
    folder = tmp_path_factory.mktemp("served")
    rows = [
        row(0, 100.0, fetched_at=stamp(X_KNOWN)),
        row(0, 101.0, fetched_at=stamp(Y_KNOWN)),
        row(0, 100.0, fetched_at=stamp(X_AGAIN)),
        *(row(minute, 200.0 + minute, fetched_at=stamp(X_KNOWN)) for minute in (1, 3, 4, 7, 389)),
        row(2, -1.0, fetched_at=stamp(X_KNOWN)),
        row(5, 205.0, fetched_at=stamp(Y_KNOWN)),
        row(0, 300.00004, ticker="MSFT", fetched_at=stamp(X_KNOWN)),
        row(0, 1000.004, ticker="BRK-B", fetched_at=stamp(X_KNOWN)),
    ]
    root = folder / "lake"
    run_files(root, write_bars(folder / "bars.csv", rows), as_of=AS_OF)
    return root


@pytest.fixture(params=["simulated", "served"])
def root(request: pytest.FixtureRequest) -> Path:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Path)
    return found


@pytest.fixture
def opened(root: Path) -> OpenLake:
    return barlake.open(str(root))


def by_spark(_: OpenLake, named: SparkSession, table: Table) -> Rows:
    return list(named.sql(f"TABLE {table}").toArrow().to_pylist())


def by_duckdb(lake: OpenLake, _: SparkSession, table: Table) -> Rows:
    return list(lake.sql(f"FROM {table}").arrow().read_all().to_pylist())


def by_delta_rs(lake: OpenLake, _: SparkSession, table: Table) -> Rows:
    return list(DeltaTable(lake.store.path(table.path)).to_pyarrow_table().to_pylist())


def told(table: Table, rows: Rows) -> dict[str, Any]:
    """Give what readers must agree on: count, sum of each number, hash of keys, hash of all."""
    keyed = sorted(rows, key=lambda found: tuple(found[name] for name in table.key))
    keys = [[found[name] for name in table.key] for found in keyed]
    whole = [[found[name] for name in table.names] for found in keyed]
    numbers = [column.name for column in table.columns if column.type in NUMBERS]
    return {
        "count": len(rows),
        "sums": {n: fsum(r[n] for r in rows if r[n] is not None) for n in numbers},
        "keys": hashed(keys),
        "rows": hashed(whole),
    }


def hashed(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, default=plain).encode()).hexdigest()


def plain(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)


def test_three_readers_give_the_same_rows_of_every_table(opened: OpenLake) -> None:
    spark = barlake.spark_session(opened)

    for table in TABLES:
        first = told(table, by_spark(opened, spark, table))
        assert told(table, by_duckdb(opened, spark, table)) == first, str(table)
        assert told(table, by_delta_rs(opened, spark, table)) == first, str(table)


def test_every_table_that_a_night_writes_holds_rows(simulated: Path, served: Path) -> None:
    """Readers that agree on nothing agree on little."""
    empty = {*map(str, STREAM.writes), "ops.dq_results"}
    filled = {
        str(table)
        for lake in (barlake.open(str(simulated)), barlake.open(str(served)))
        for table in TABLES
        if lake.sql(f"FROM {table}").limit(1).fetchall()
    }

    assert {str(table) for table in TABLES} - filled <= empty | {"ref.actions"}


def test_engines_count_and_add_alike(opened: OpenLake) -> None:
    """The same text in two dialects' common part, worked out by each engine itself."""
    query = """
        SELECT segment, count(*) AS n, count(DISTINCT ts) AS minutes, sum(volume) AS volume,
               sum(close) AS closes, min(ts) AS first, max(ts) AS last
        FROM silver.bars_1m GROUP BY segment ORDER BY segment
    """
    by_spark = barlake.spark_session(opened).sql(query).toArrow().to_pylist()
    by_duckdb = opened.sql(query).arrow().read_all().to_pylist()

    assert [{**r, "closes": None} for r in by_spark] == [{**r, "closes": None} for r in by_duckdb]
    closes = [r["closes"] for r in by_duckdb]
    assert [r["closes"] for r in by_spark] == pytest.approx(closes, rel=1e-12)


def test_readers_leave_no_trace_in_the_lake(opened: OpenLake) -> None:
    """No file, no version: not by naming the tables in Spark either, once or twice."""
    before = files(Path(opened.store.address))

    for _ in range(2):
        spark = barlake.spark_session(opened)
        for table in TABLES:
            by_spark(opened, spark, table)
            by_duckdb(opened, spark, table)

    assert files(Path(opened.store.address)) == before


def test_names_in_spark_follow_the_lake_that_was_opened_last(simulated: Path, served: Path) -> None:
    query = "SELECT DISTINCT source FROM silver.bars_1m WHERE NOT is_filled"

    for root, source in ((simulated, "simulated"), (served, "files"), (simulated, "simulated")):
        spark = barlake.spark_session(barlake.open(str(root)))
        assert [r["source"] for r in spark.sql(query).toArrow().to_pylist()] == [source]


COUNTED = {
    "barlake_revisions_total": "SELECT count(*) AS value FROM bronze.bars WHERE revision > 0",
    "barlake_ingest_rows_total": """
        SELECT 'new' AS fate, sum("new")::INT AS value FROM ops.ingest_audit
        UNION ALL SELECT 'changed', sum(changed)::INT FROM ops.ingest_audit
        UNION ALL SELECT 'unchanged', sum(unchanged)::INT FROM ops.ingest_audit
        UNION ALL SELECT 'duplicate', sum(duplicate)::INT FROM ops.ingest_audit
        UNION ALL SELECT 'quarantined', sum(quarantined)::INT FROM ops.ingest_audit
    """,
    "barlake_quarantine_rows": """
        SELECT rule, severity, 'open' AS state, count(*) AS value
        FROM silver.quarantine WHERE released_at IS NULL GROUP BY ALL
    """,
    "barlake_coverage_ratio": """
        SELECT session_date::VARCHAR AS session_date, sum(observed) / sum(expected) AS value
        FROM silver.coverage GROUP BY ALL
    """,
    "barlake_runs_total": "SELECT job, status, count(*) AS value FROM ops.runs GROUP BY ALL",
    "barlake_newest_bar_timestamp_seconds": "SELECT epoch(max(ts)) AS value FROM silver.bars_1m",
    "barlake_late_bars": """
        SELECT count(*) AS value FROM silver.bars_1m b JOIN ref.sessions s USING (session_date)
        WHERE NOT b.is_filled AND b.first_seen_at > (
            SELECT min(r.received_at) FROM ops.requests r WHERE r.ticker = b.ticker
            AND r.outcome IN ('ok', 'empty_expected', 'empty_unexpected')
            AND r.received_at >= s.close_utc + INTERVAL 20 MINUTE
            AND NOT regexp_matches(r.request_id, '-1d|-actions')
            AND b.ts BETWEEN r.range_start AND r.range_end - INTERVAL 1 MICROSECOND
        )
    """,
}


def test_metrics_say_what_sql_says(opened: OpenLake, conf: Settings, root: Path) -> None:
    answer = output(command("metrics", "--lake", str(root), "--as-of", stamp(AS_OF)), "UTC")

    found = parsed(answer)

    for name, query in COUNTED.items():
        expected = {
            labelled(**{k: v for k, v in row.items() if k != "value"}): row["value"]
            for row in opened.rows(query)
        }
        samples = found[name].samples if name in found else {}
        assert samples == pytest.approx(expected), name
    steps = {dict(labels)["step"] for labels in found["barlake_last_run_step_seconds"].samples}
    assert {"start", "ingest", "gate", "silver", "gold"} <= steps
    told = status(opened, conf, AS_OF)["tables"]
    for fact in ("rows", "files", "bytes", "version"):
        samples = found[f"barlake_table_{fact}"].samples
        assert samples == {labelled(table=name): held[fact] for name, held in told.items()}
    held = {dict(labels)["run_id"] for labels in found["barlake_table_lease_held"].samples}
    assert held == {""}


IN_DUCKDB = """
SELECT ticker, ts::VARCHAR AS ts, CAST(ts AS DATE)::VARCHAR AS day, hour(ts) AS hour, ts AS instant,
       date_trunc('day', ts)::VARCHAR AS midnight, strftime(ts, '%H:%M') AS clock, close
FROM silver.bars_1m
WHERE ts >= TIMESTAMPTZ '2026-11-20 00:00:00' AND ts < '2026-11-20 15:00:00'
ORDER BY ticker, ts LIMIT 40
"""
IN_SPARK = """
SELECT ticker, CAST(ts AS STRING) AS ts, CAST(CAST(ts AS DATE) AS STRING) AS day, hour(ts) AS hour,
       CAST(date_trunc('day', ts) AS STRING) AS midnight, date_format(ts, 'HH:mm') AS clock, close
FROM silver.bars_1m
WHERE ts >= TIMESTAMP '2026-11-20 00:00:00' AND ts < '2026-11-20 15:00:00'
ORDER BY ticker, ts LIMIT 40
"""
ASK_SPARK = """
import sys, barlake
answer = barlake.spark_session(barlake.open(sys.argv[1])).sql(sys.argv[2])
answer.show(100, False)
print(answer.toPandas().to_csv())
"""


ASK_DELTA_RS = """
import sys
from datetime import UTC, datetime
from deltalake import DeltaTable
first, end = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (0, 15))
rows = DeltaTable(sys.argv[1] + "/silver/bars_1m").to_pyarrow_table(
    columns=["ticker", "ts", "session_date", "first_seen_at", "close"],
    filters=[("ts", ">=", first), ("ts", "<", end)],
)
in_order = rows.sort_by([("ticker", "ascending"), ("ts", "ascending")])
print(in_order.slice(0, 40).to_pandas().to_csv())
"""


@pytest.mark.parametrize("form", ["csv", "json", "table"])
def test_duckdb_gives_the_same_text_in_three_zones(simulated: Path, form: str) -> None:
    asked = command("sql", IN_DUCKDB, "--lake", str(simulated), "--format", form)

    answers = {zone: output(asked, zone) for zone in ZONES}

    assert len(set(answers.values())) == 1
    assert "2026-11-20 14:30:00" in answers[ZONES[0]]
    assert "2026-11-20 15:00:00" not in answers[ZONES[0]]


def test_delta_rs_gives_the_same_text_in_three_zones(simulated: Path) -> None:
    asked = [sys.executable, "-c", ASK_DELTA_RS, str(simulated)]

    answers = {zone: output(asked, zone) for zone in ZONES}

    assert len(set(answers.values())) == 1
    assert "2026-11-20 14:30:00+00:00,2026-11-20," in answers[ZONES[0]]
    assert "2026-11-20 15:00:00" not in answers[ZONES[0]]


def test_spark_gives_the_same_text_in_three_zones(simulated: Path) -> None:
    """This process is in Tokyo; a session of its own costs the others their time."""
    here = barlake.spark_session(barlake.open(str(simulated))).sql(IN_SPARK)
    with redirect_stdout(StringIO()) as printed:
        here.show(100, truncate=False)
        print(here.toPandas().to_csv())  # noqa: T201 - as the other hosts do

    asked = [sys.executable, "-c", ASK_SPARK, str(simulated), IN_SPARK]
    answers = {zone: output(asked, zone) for zone in ZONES[1:]}

    assert ZONES[0] == os.environ["TZ"]
    assert {*answers.values()} == {printed.getvalue()}
    assert "2026-11-20 14:30:00" in printed.getvalue()
    assert "2026-11-20 15:00:00" not in printed.getvalue()


def output(arguments: list[str], zone: str) -> str:
    """Give what a program prints on a host in a zone."""
    done = subprocess.run(
        arguments, env=environment(zone), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_table_asks_of_its_readers_nothing_that_one_of_them_lacks(
    simulated: Path, table: Table
) -> None:
    protocol = DeltaTable(simulated / table.path).protocol()
    features = {*(protocol.reader_features or ()), *(protocol.writer_features or ())}

    assert protocol.min_reader_version == 1
    assert features <= {"appendOnly", "invariants", "checkConstraints"}
    assert protocol.min_writer_version <= 3 or features  # 3 and below: just those three


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_table_and_its_columns_say_what_they_hold(simulated: Path, table: Table) -> None:
    stored = DeltaTable(simulated / table.path)
    comments = {field.name: field.metadata.get("comment") for field in stored.schema().fields}

    assert stored.metadata().description == table.doc
    assert comments == {column.name: column.comment for column in table.columns}
    assert all(comments.values())
    assert {f.name: f.nullable for f in stored.schema().fields} == {
        column.name: column.nullable for column in table.columns
    }
    assert stored.metadata().partition_columns == list(table.partition_by)


@pytest.fixture(scope="module")
def empty(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return new_lake(spark, tmp_path_factory.mktemp("constraints") / "lake")


VALUES: dict[str, Any] = {
    "STRING": "x",
    "TIMESTAMP": OPEN,
    "DATE": date(2026, 11, 20),
    "DOUBLE": 100.0,
    "BIGINT": 0,
    "INT": 0,
    "SMALLINT": 0,
    "BOOLEAN": False,
}
# Compiled code throws what PySpark knows by its name, interpreted code what it does not.
REFUSALS = (PySparkException, Py4JJavaError)
INFINITY = float("inf")
NAN = float("nan")
# For each CHECK, rows that break it and no other.
BREAKING: dict[str, list[dict[str, Any]]] = {
    "prices_positive": [{"low": 0.0}, {"low": -1.0}],
    "high_highest": [{"high": 99.0, "low": 98.0}, {"high": INFINITY}, {"high": NAN}],
    "low_lowest": [{"low": 100.5, "high": 101.0}],
    "volume_counted": [{"volume": -1}],
    "filled_is_flat": [
        {"is_filled": True, "volume": 1},
        {"is_filled": True, "high": 101.0},
        {"is_filled": True, "open": 99.0, "low": 99.0},
    ],
    "on_the_minute": [{"ts": OPEN + timedelta(seconds=1)}],
    "revision_counts": [{"revision": -1}],
    "parts_sum": [{"filled": 1}],
    "fates_sum": [{"received": 1}],
}
CHECKS = [
    pytest.param(table, name, changed, id=f"{table} {name} {changed}")
    for table in TABLES
    for name, _ in table.checks
    for changed in BREAKING.get(name, [{}])
]


@pytest.mark.parametrize(("table", "name", "changed"), CHECKS)
def test_a_row_that_breaks_a_check_is_refused_by_its_name(
    empty: Lake, table: Table, name: str, changed: dict[str, Any]
) -> None:
    assert changed, f"no row is known that breaks {name}"

    with pytest.raises(REFUSALS, match=rf"(?i)\b{name}\b"):
        append(empty, table, changed)


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_row_without_a_value_that_must_be_there_is_refused_by_its_column(
    empty: Lake, table: Table
) -> None:
    required = [column.name for column in table.columns if not column.nullable]
    assert set(table.key) <= set(required)

    for name in required:
        # A CHECK is not true of a null either: whichever Delta asks first names the column.
        with pytest.raises(REFUSALS, match=rf"(?i)not null .*\b{name}\b|- {name} : null"):
            append(empty, table, {name: None})


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_the_row_that_the_refused_ones_differ_from_is_taken(empty: Lake, table: Table) -> None:
    """The control: what is refused is refused for what was changed."""
    before = empty.read(table).count()

    append(empty, table, {})

    assert empty.read(table).count() == before + 1


def append(lake: Lake, table: Table, changed: dict[str, Any]) -> None:
    """Write one row past everything that guards it but the table itself."""
    whole = {c.name: VALUES.get(c.type, []) for c in table.columns} | changed
    ddl = table.ddl.replace(" NOT NULL", "")
    frame = lake.spark.createDataFrame([tuple(whole[name] for name in table.names)], ddl)
    frame.write.format("delta").mode("append").save(lake.path(table))


@pytest.mark.parametrize(
    ("moment", "close", "revision"),
    [
        (X_KNOWN - timedelta(microseconds=1), None, None),
        (X_KNOWN, 100.0, 0),
        (Y_KNOWN - timedelta(microseconds=1), 100.0, 0),
        (Y_KNOWN, 101.0, 1),
        (X_AGAIN, 100.0, 2),
        (AS_OF, 100.0, 2),
    ],
)
def test_bars_as_known_are_what_had_been_served_by_then(
    served: Path, moment: datetime, close: float | None, revision: int | None
) -> None:
    found = bars(served, as_known=moment.astimezone(UTC))

    first = {bar["ts"]: (bar["close"], bar["revision"]) for bar in found}.get(OPEN, (None, None))
    assert first == (close, revision)
    assert all(bar["fetched_at"] <= moment for bar in found)
    assert [bar["ts"] for bar in found] == sorted({bar["ts"] for bar in found})
    assert (OPEN + timedelta(minutes=5) in {bar["ts"] for bar in found}) == (moment >= Y_KNOWN)


@pytest.mark.parametrize("text", ["2026-11-21T12:00Z", "2026-11-21T07:00-05:00"])
def test_a_moment_may_be_told_as_text_of_any_zone(served: Path, text: str) -> None:
    assert bars(served, as_known=text) == bars(served, as_known=Y_KNOWN)


def test_bars_are_silver_s_and_as_known_now_are_its_observed_ones(simulated: Path) -> None:
    known = bars(simulated, as_known="2026-11-21T02:00Z")
    believed = [bar for bar in bars(simulated) if not bar["is_filled"]]

    assert len(known) > 390
    names = ("ts", "segment", "open", "high", "low", "close", "volume", "revision", "session_date")
    first, second = ([[bar[name] for name in names] for bar in of] for of in (known, believed))
    assert first == second


@pytest.mark.parametrize(("ticker", "close"), [("MSFT", 300.0), ("BRK-B", 1000.0)])
def test_vendor_noise_is_gone_as_known_too(served: Path, ticker: str, close: float) -> None:
    [bar] = bars(served, ticker, as_known=AS_OF)

    assert bar["close"] == close == bars(served, ticker)[0]["close"]


def test_sessions_bound_what_bars_gives(simulated: Path) -> None:
    one = bars(simulated, start="2026-11-19", end=date(2026, 11, 19))

    assert {bar["session_date"] for bar in one} == {date(2026, 11, 19)}
    days = {bar["session_date"] for bar in bars(simulated)}
    assert days == {date(2026, 11, day) for day in (18, 19, 20)}
    assert bars(simulated, "NONE") == []
    known = bars(simulated, start="2026-11-19", end="2026-11-19", as_known="2026-11-21T02:00Z")
    assert {bar["session_date"] for bar in known} == {date(2026, 11, 19)}


@pytest.mark.parametrize(
    ("interval", "minutes"), [("5m", 5), ("15m", 15), ("30m", 30), ("60m", 60), ("1d", 1440)]
)
def test_buckets_are_those_of_the_observed_minutes(
    simulated: Path, interval: str, minutes: int
) -> None:
    """Against plain Python over the minutes."""
    day = date(2026, 11, 20)
    observed = [
        bar
        for bar in bars(simulated, start=day, end=day)
        if bar["segment"] == "regular" and not bar["is_filled"]
    ]
    groups: dict[datetime, Rows] = {}
    for bar in observed:
        number = bar["minute_of_session"] // minutes
        groups.setdefault(OPEN + timedelta(minutes=number * minutes), []).append(bar)

    found = bars(simulated, interval=interval, start=day, end=day)

    assert [bucket["ts"] for bucket in found] == sorted(groups)
    for bucket in found:
        parts = groups[bucket["ts"]]
        end = min(bucket["ts"] + timedelta(minutes=minutes), CLOSE)
        assert bucket["open"] == parts[0]["open"]
        assert bucket["close"] == parts[-1]["close"]
        assert bucket["high"] == max(part["high"] for part in parts)
        assert bucket["low"] == min(part["low"] for part in parts)
        assert bucket["volume"] == sum(part["volume"] for part in parts)
        assert bucket["n_observed"] == len(parts)
        assert bucket["n_expected"] == (end - bucket["ts"]) // timedelta(minutes=1)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"as_known": "2026-11-21T12:00"}, "has no offset"),
        ({"as_known": "yesterday"}, "yesterday"),
        ({"interval": "7m"}, "there is no interval '7m'"),
        ({"interval": ""}, "there is no interval ''"),
        ({"start": "20 November"}, "20 November"),
        ({"start": "2026-11-20", "end": "2026-11-19"}, "after"),
    ],
    ids=str,
)
def test_a_wrong_question_is_refused_in_a_sentence(
    served: Path, asked: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        bars(served, **asked)


def test_no_lake_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no lake"):
        barlake.open(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def bars(root: Path, ticker: str = "AAPL", **asked: Any) -> Rows:
    found = barlake.open(str(root)).bars(ticker, **asked)
    return list(found.arrow().read_all().to_pylist())
