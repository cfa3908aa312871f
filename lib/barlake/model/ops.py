"""Ops: what the lake did."""

from barlake.model.columns import REQUEST_ID, SOURCE
from barlake.model.table import Column, Table, Zone

_RUN = Column("run_id", "STRING", "", "the run", nullable=False)

REQUESTS = Table(
    zone=Zone.OPS,
    name="requests",
    doc="One row per request of a vendor; for a file of minutes, one per ticker and delivery in it."
    " The id of a request for daily bars ends in -1d, for splits and dividends in -actions.",
    columns=(
        REQUEST_ID,
        _RUN,
        SOURCE,
        Column("ticker", "STRING", "", "ticker asked for, or found in the file", nullable=False),
        Column("range_start", "TIMESTAMP", "UTC", "first minute asked for, or found"),
        Column("range_end", "TIMESTAMP", "UTC", "end of the last minute, exclusive"),
        Column("requested_at", "TIMESTAMP", "UTC", "when it was asked"),
        Column(
            "received_at",
            "TIMESTAMP",
            "UTC",
            "when the answer came: the knowledge time of its rows",
            nullable=False,
        ),
        Column("attempts", "INT", "", "how often it was asked"),
        Column("rows", "BIGINT", "rows", "served"),
        Column(
            "outcome",
            "STRING",
            "",
            "ok, empty_expected, empty_unexpected, rate_limited, unknown_ticker, partial or error",
            nullable=False,
        ),
        Column("detail", "STRING", "", "what the vendor said, or the file's name"),
    ),
    key=("request_id", "ticker", "received_at"),
    order_by=("ticker", "range_start"),
    lineage=("run_id",),
)

INGEST_AUDIT = Table(
    zone=Zone.OPS,
    name="ingest_audit",
    doc="What became of every row that a run received: received = new + changed + unchanged + "
    "duplicate + quarantined.",
    columns=(
        _RUN,
        Column("ticker", "STRING", "", "ticker; empty where none could be read", nullable=False),
        Column(
            "session_date",
            "DATE",
            "exchange-local",
            "trading date; 1970-01-01 where no time could be read",
            nullable=False,
        ),
        Column("received", "BIGINT", "rows", "in the payloads", nullable=False),
        Column("new", "BIGINT", "rows", "first seen", nullable=False),
        Column("changed", "BIGINT", "rows", "revisions of stored bars", nullable=False),
        Column("unchanged", "BIGINT", "rows", "as stored", nullable=False),
        Column("duplicate", "BIGINT", "rows", "repeated in one payload", nullable=False),
        Column("quarantined", "BIGINT", "rows", "refused", nullable=False),
        Column("ts_min", "TIMESTAMP", "UTC", "first minute received"),
        Column("ts_max", "TIMESTAMP", "UTC", "last minute received"),
        Column("version_before", "BIGINT", "", "of silver.bars_1m, before the run"),
        Column("version_after", "BIGINT", "", "of silver.bars_1m, after the run"),
        Column("report", "STRING", "", "address of the run's quality report"),
    ),
    key=("run_id", "ticker", "session_date"),
    checks=(
        (
            "fates_sum",
            "received = new + changed + unchanged + duplicate + quarantined",
        ),
    ),
)

DQ_RESULTS = Table(
    zone=Zone.OPS,
    name="dq_results",
    doc="What the quality gate found: per run one row for each rule and the whole batch, and one "
    "for each rule, ticker and session that the rule says something of, whether it held or not.",
    columns=(
        _RUN,
        Column("table", "STRING", "", "table judged", nullable=False),
        Column("rule", "STRING", "", "rule", nullable=False),
        Column("ticker", "STRING", "", "empty for the whole batch", nullable=False),
        Column(
            "session_date",
            "DATE",
            "exchange-local",
            "trading date; the newest one of the whole batch",
            nullable=False,
        ),
        Column("severity", "STRING", "", "critical or warning"),
        Column("observed", "STRING", "", "what was found"),
        Column("expected", "STRING", "", "what the rule wants"),
        Column("passed", "BOOLEAN", "", "whether it held"),
        Column("sample_keys", "ARRAY<STRING>", "", "some of what broke it, as TICKER@ts"),
    ),
    key=("run_id", "table", "rule", "ticker", "session_date"),
    prune_by=("session_date",),
)

RUNS = Table(
    zone=Zone.OPS,
    name="runs",
    doc="One row per run of a job.",
    columns=(
        _RUN,
        Column("job", "STRING", "", "the command", nullable=False),
        Column("started_at", "TIMESTAMP", "UTC", "start, by the run's clock"),
        Column("finished_at", "TIMESTAMP", "UTC", "end, by the run's clock"),
        Column("status", "STRING", "", "ok, failed, blocked or abandoned", nullable=False),
        Column("code_version", "STRING", "", "of this package"),
        Column("config_hash", "STRING", "", "SHA-256 of the settings"),
        Column("rows_written", "BIGINT", "rows", "inserted and updated"),
        Column("bytes_written", "BIGINT", "bytes", "in data files"),
        Column("files_added", "BIGINT", "files", "data files added"),
        Column("files_removed", "BIGINT", "files", "data files no longer needed"),
        Column("detail", "STRING", "", "JSON: versions consumed and produced, or the fault"),
    ),
    key=("run_id",),
)
