"""Columns that several tables share."""

from barlake.model.table import Column

TICKER = Column("ticker", "STRING", "", "symbol as the vendor spells it", nullable=False)
TS = Column("ts", "TIMESTAMP", "UTC", "start of the bar's minute, inclusive", nullable=False)
SESSION_DATE = Column("session_date", "DATE", "exchange-local", "trading date", nullable=False)
SESSION_MONTH = Column(
    "session_month", "STRING", "", "month of the trading date, e.g. 2026-11", nullable=False
)
OHLC = (
    Column("open", "DOUBLE", "USD", "first price", nullable=False),
    Column("high", "DOUBLE", "USD", "highest price", nullable=False),
    Column("low", "DOUBLE", "USD", "lowest price", nullable=False),
    Column("close", "DOUBLE", "USD", "last price", nullable=False),
)
VOLUME = Column("volume", "BIGINT", "shares", "shares traded", nullable=False)
OHLC_CHECKS = (
    ("prices_positive", "low > 0 AND low < double('infinity')"),
    ("high_highest", "high >= greatest(open, close, low) AND high < double('infinity')"),
    ("low_lowest", "low <= least(open, close)"),
)
FETCHED_AT = Column("fetched_at", "TIMESTAMP", "UTC", "when we received the observation")
REQUEST_ID = Column("request_id", "STRING", "", "request that served it", nullable=False)
RUN_ID = Column("run_id", "STRING", "", "run that wrote the row")
COMPUTED_AT = Column("computed_at", "TIMESTAMP", "UTC", "the run's clock when the row was computed")
SOURCE = Column("source", "STRING", "", "yahoo, files or simulated")
