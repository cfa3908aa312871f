"""What is declared once: tables, columns, rules, jobs."""

import re
from collections import Counter
from typing import Any

import duckdb
import pytest

from barlake.model import gold, ops
from barlake.model.errors import (
    BarlakeError,
    BusyError,
    InputError,
    MissingColumnsError,
    QualityError,
    TableDeclarationError,
)
from barlake.model.jobs import JOBS, RUN, STREAM
from barlake.model.landed import ENDS_ID, OF_MINUTES, SERVED, SERVED_DDL, Kind, Outcome
from barlake.model.rules import DAILY_RULES, NAIVE, ROW_RULES, RULES, TICKER, whole
from barlake.model.table import Column, Table, Zone
from barlake.model.tables import TABLES
from barlake.sources.source import SERVED_SCHEMA

ARROW = {"STRING": "string", "INT": "int32", "TIMESTAMP": "timestamp[us, tz=UTC]"}
A = Column("a", "INT", "", "a", nullable=False)
LOOSE = Column("loose", "INT", "", "may be null")


def declared_table(**declared: Any) -> Table:
    """A small valid table, but for what is declared here."""
    usual = {"zone": Zone.OPS, "name": "t", "doc": "t", "columns": (A, LOOSE), "key": ("a",)}
    return Table(**(usual | declared))


# --- tables


def test_every_table_and_column_says_what_it_holds() -> None:
    assert [str(t) for t in TABLES if not t.doc.endswith(".")] == []
    assert [f"{t}.{c.name}" for t in TABLES for c in t.columns if not c.doc.strip()] == []


def test_every_instant_is_in_utc_and_every_date_is_the_exchanges() -> None:
    instants = [(str(t), c) for t in TABLES for c in t.columns if c.type == "TIMESTAMP"]
    dates = [(str(t), c) for t in TABLES for c in t.columns if c.type == "DATE"]

    assert [(name, c.name) for name, c in instants if c.unit != "UTC"] == []
    assert [(name, c.name) for name, c in dates if c.unit != "exchange-local"] == []


def test_no_table_and_no_column_is_declared_twice() -> None:
    paths = Counter(t.path for t in TABLES)
    columns = Counter((str(t), name.lower()) for t in TABLES for name in t.names)

    assert [path for path, count in paths.items() if count > 1] == []
    assert [name for name, count in columns.items() if count > 1] == []


def test_a_name_needs_no_quoting_and_makes_one_path() -> None:
    names = [*(t.name for t in TABLES), *(n for t in TABLES for n in t.names)]

    assert [n for n in names if not re.fullmatch(r"[a-z][a-z0-9_]*", n)] == []
    assert [t.path for t in TABLES] == [str(t).replace(".", "/") for t in TABLES]


def test_no_key_and_no_partition_is_nullable_and_none_is_the_ticker() -> None:
    nullable = {(str(t), c.name) for t in TABLES for c in t.columns if c.nullable}
    needed = {(str(t), name) for t in TABLES for name in (*t.key, *t.partition_by)}

    assert all(t.key for t in TABLES)
    assert needed & nullable == set()
    assert [str(t) for t in TABLES if "ticker" in t.partition_by] == []  # never part of a path


def test_payload_is_all_but_key_and_lineage() -> None:
    whole_row = {str(t): {*t.payload, *t.key, *t.lineage} for t in TABLES}

    assert whole_row == {str(t): set(t.names) for t in TABLES}
    assert [str(t) for t in TABLES if {*t.payload} & {*t.key, *t.lineage}] == []
    assert declared_table(lineage=("loose",)).payload == ()
    assert declared_table().payload == ("loose",)


def test_who_wrote_a_row_and_when_is_no_news() -> None:
    stamps = {"run_id", "computed_at"}
    loose = {str(t): stamps & {*t.payload} for t in TABLES if t.zone is not Zone.OPS and t.payload}

    assert [name for name, found in loose.items() if found] == []


@pytest.mark.parametrize(
    ("declared", "complaint"),
    [
        ({"key": ("nobody",)}, "undeclared.*nobody"),
        ({"key": ("loose",)}, "loose.*nullable"),
        ({"partition_by": ("nobody",)}, "undeclared"),
        ({"order_by": ("nobody",)}, "undeclared"),
        ({"zorder_by": ("nobody",)}, "undeclared"),
        ({"prune_by": ("nobody",)}, "undeclared"),
        ({"lineage": ("nobody",)}, "undeclared"),
        ({"partition_by": ("a",), "zorder_by": ("a",)}, "both partitioned and Z-ordered"),
    ],
)
def test_a_contradicting_declaration_is_refused(
    declared: dict[str, tuple[str, ...]], complaint: str
) -> None:
    with pytest.raises(TableDeclarationError, match=rf"ops\.t: .*{complaint}"):
        declared_table(**declared)


def test_ddl_quotes_names_and_comments() -> None:
    column = Column("from", "INT", "minutes", r"the trader's \ own", nullable=False)

    assert column.ddl == r"`from` INT NOT NULL COMMENT 'the trader\'s \\ own [minutes]'"
    assert LOOSE.ddl == "`loose` INT COMMENT 'may be null'"
    assert declared_table().ddl == "`a` INT NOT NULL COMMENT 'a', `loose` INT COMMENT 'may be null'"


def test_every_ddl_closes_its_quotes() -> None:
    quotes = {str(t): re.sub(r"\\.", "", t.ddl).count("'") for t in TABLES}

    assert quotes == {str(t): 2 * len(t.columns) for t in TABLES}


def test_a_table_asks_for_no_feature_that_a_common_reader_lacks() -> None:
    allowed = (
        "delta.enableDeletionVectors",
        "delta.deletedFileRetentionDuration",
        "delta.logRetentionDuration",
        "delta.checkpointInterval",
        "delta.constraints.",
    )
    asked = {(str(t), key) for t in TABLES for key in t.properties}

    assert {key for _, key in asked if not key.startswith(allowed)} == set()
    assert {t.properties["delta.enableDeletionVectors"] for t in TABLES} == {"false"}


def test_vacuum_leaves_every_table_a_week_or_more() -> None:
    days = {re.fullmatch(r"interval (\d+) days", t.retention.files) for t in TABLES}

    assert [found for found in days if not found or int(found[1]) < 7] == []


# --- jobs


def test_every_table_but_ops_is_filled_by_exactly_one_step() -> None:
    """`run`, `rebuild` and upkeep hold what the steps write, all of it, and the stream's never."""
    everything = set(RUN.writes)
    steps = [job for job in JOBS if set(job.writes) != everything]
    writers = {str(t): [job.name for job in steps if t in job.writes] for t in TABLES}

    crowded = {name: jobs for name, jobs in writers.items() if len(jobs) > 1}
    unwritten = {name for name, jobs in writers.items() if not jobs and name[:4] != "ops."}
    assert crowded == {}
    assert unwritten == set()
    assert everything == {t for job in steps if job is not STREAM for t in job.writes}
    assert not everything & set(STREAM.writes)


def test_no_job_leases_the_tables_of_ops_for_its_whole_run() -> None:
    assert [job.name for job in JOBS if any(t.zone is Zone.OPS for t in job.writes)] == []


# --- rules


def test_a_rule_has_a_name_of_its_own_and_a_sentence() -> None:
    assert [name for name, n in Counter(r.name for r in RULES).items() if n > 1] == []
    assert [r.name for r in RULES if not re.fullmatch(r"[a-z][a-z_]+", r.name)] == []
    assert [r.name for r in RULES if not re.fullmatch(r"[A-Z].*\.", r.reason)] == []
    assert [name for name, n in Counter(r.reason for r in RULES).items() if n > 1] == []
    assert {r.severity for r in RULES} <= {"quarantine", "warning"}


def test_a_rule_over_one_row_says_in_sql_what_must_hold() -> None:
    assert [r.name for r in ROW_RULES if not r.holds] == []
    assert [r.name for r in RULES if r not in (*ROW_RULES, *DAILY_RULES) and r.holds] == []
    assert {r.severity for r in ROW_RULES} == {"quarantine"}


def test_the_gate_asks_in_order_structure_key_finite_range_ohlc_calendar() -> None:
    stages = ["structure", "key", "finite", "range", "ohlc", "calendar"]
    stage = {
        "row_structure": "structure",
        "ticker_missing": "key",
        "ticker_format": "key",
        "ticker_not_asked": "key",
        "ts_missing": "key",
        "ts_naive": "key",
        "ts_format": "key",
        "fetched_at_format": "key",
        "price_missing": "finite",
        "price_finite": "finite",
        "price_format": "finite",
        "volume_missing": "finite",
        "volume_format": "finite",
        "ts_early": "range",
        "ts_future": "range",
        "fetched_at_future": "range",
        "price_positive": "range",
        "price_range": "range",
        "volume_range": "range",
        "high_highest": "ohlc",
        "low_lowest": "ohlc",
        "ts_grid": "calendar",
        "outside_session": "calendar",
    }

    asked = [stages.index(stage[rule.name]) for rule in ROW_RULES]

    assert asked == sorted(asked)
    assert len(asked) == len(stage)
    assert list(RULES[: len(ROW_RULES)]) == list(ROW_RULES)  # rows are compared last


def test_finiteness_is_asked_before_any_comparison() -> None:
    """NaN is above any number in Spark, so NaN > 0 is true."""
    at = {rule.name: position for position, rule in enumerate(ROW_RULES)}
    compared = ("price_positive", "price_range", "high_highest", "low_lowest")

    assert [name for name in compared if at[name] < at["price_finite"]] == []


@pytest.mark.parametrize("good", ["A", "AAPL", "BRK-B", "ES=F", "X^Y", "7203.T", "A" * 15])
def test_a_ticker_as_the_vendor_spells_it_is_one(good: str) -> None:
    assert re.fullmatch(TICKER, good)


@pytest.mark.parametrize("bad", ["", "aapl", "^GSPC", ".A", "A" * 16, "A B", "A/B", "A\n", "Ä"])
def test_what_is_no_ticker_is_none(bad: str) -> None:
    assert not re.fullmatch(TICKER, bad)


def test_a_whole_match_lets_no_last_newline_pass() -> None:
    pattern = whole(NAIVE).replace(r"\z", r"\Z")  # Java's spelling, in Python's

    assert re.search(pattern, "2026-11-20T14:30")
    assert not re.search(pattern, "2026-11-20T14:30\n")


# --- what landed, and errors


def test_a_landing_file_has_the_columns_that_are_declared() -> None:
    declared = [(c.name, ARROW[c.type], c.nullable) for c in SERVED]

    assert [(f.name, str(f.type), f.nullable) for f in SERVED_SCHEMA] == declared
    assert SERVED_DDL.count("COMMENT '") == len(SERVED)
    assert [c.name for c in SERVED if not c.doc] == []


def test_requests_for_minutes_are_told_from_all_others_by_their_ids() -> None:
    one = duckdb.connect()
    ask = " ".join(["SELECT", OF_MINUTES, "FROM (SELECT $id AS request_id)"])

    found = {
        kind: one.execute(ask, {"id": f"0a1d{end}"}).fetchall()[0][0]
        for kind, end in ENDS_ID.items()
    }

    assert found == {kind: kind is Kind.MINUTES for kind in Kind}


def test_every_outcome_is_told_in_the_table_of_requests() -> None:
    [told] = [c.doc for c in ops.REQUESTS.columns if c.name == "outcome"]

    assert [outcome.value for outcome in Outcome if outcome.value not in told] == []


def test_every_interval_is_told_in_its_column() -> None:
    [told] = [c.doc for c in gold.BARS.columns if c.name == "interval"]

    assert told == "5m, 15m, 30m, 60m, 1d"


def test_each_kind_of_error_has_its_exit_code() -> None:
    codes = {kind: kind.exit_code for kind in (BarlakeError, InputError, QualityError, BusyError)}

    assert list(codes.values()) == [1, 2, 3, 4]
    assert MissingColumnsError.exit_code == TableDeclarationError.exit_code == 1
    lacking = MissingColumnsError(where="fill", missing={"b", "a"}, present=("z",))
    assert str(lacking) == "fill needs ['a', 'b']; the frame has ['z']"
