"""Ref: facts about the market."""

from barlake.model.columns import SESSION_DATE, SOURCE, TICKER
from barlake.model.table import Column, Table, Zone

SESSIONS = Table(
    zone=Zone.REF,
    name="sessions",
    doc="When the exchange is open.",
    columns=(
        Column("exchange", "STRING", "", "market identifier code, XNYS", nullable=False),
        SESSION_DATE,
        Column("open_utc", "TIMESTAMP", "UTC", "open of the regular session", nullable=False),
        Column(
            "close_utc",
            "TIMESTAMP",
            "UTC",
            "close of the regular session, exclusive",
            nullable=False,
        ),
        Column("minutes", "INT", "minutes", "of the regular session", nullable=False),
        Column("is_early_close", "BOOLEAN", "", "closes before 16:00", nullable=False),
        Column("calendar_version", "STRING", "", "exchange_calendars that said so"),
    ),
    key=("exchange", "session_date"),
    order_by=("session_date",),
)

ACTIONS = Table(
    zone=Zone.REF,
    name="actions",
    doc="Splits and dividends as served.",
    columns=(
        TICKER,
        Column("ex_date", "DATE", "exchange-local", "first session without it", nullable=False),
        Column("kind", "STRING", "", "split or dividend", nullable=False),
        Column(
            "value",
            "DOUBLE",
            "",
            "split: new shares per old one; dividend: USD per share",
            nullable=False,
        ),
        SOURCE,
        Column("first_seen_at", "TIMESTAMP", "UTC", "when it was first served"),
    ),
    key=("ticker", "ex_date", "kind"),
    lineage=("first_seen_at",),
)
