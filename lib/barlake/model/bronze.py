"""Bronze: what was served, and every change of it."""

from barlake.model.columns import (
    OHLC,
    REQUEST_ID,
    RUN_ID,
    SESSION_MONTH,
    SOURCE,
    TICKER,
    TS,
)
from barlake.model.table import Column, Table, Zone

BARS = Table(
    zone=Zone.BRONZE,
    name="bars",
    doc="What was served, and every change of it: of the revisions of one ticker and minute, "
    "the last with fetched_at <= T is what was known at T.",
    columns=(
        TICKER,
        TS,
        Column("revision", "INT", "", "0 = first seen", nullable=False),
        *OHLC,
        Column("volume", "BIGINT", "shares", "shares traded; null is not 0"),
        SOURCE,
        Column(
            "fetched_at",
            "TIMESTAMP",
            "UTC",
            "knowledge time: when this revision was first received",
            nullable=False,
        ),
        REQUEST_ID,
        RUN_ID,
        SESSION_MONTH,
    ),
    key=("ticker", "ts", "revision"),
    partition_by=("session_month",),
    order_by=("ticker", "ts"),
    prune_by=("ts",),
    lineage=("run_id",),
    checks=(("revision_counts", "revision >= 0"), ("volume_counted", "volume >= 0")),
)
