"""A lake of one small table: silver's bars of a session, without Spark."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake

from barlake.streaming.events import Bar

SESSION = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
TICKERS = ("AAPL", "BRK.B", "MSFT", "ZTS")
_COLUMNS: dict[str, pa.DataType] = {
    "ticker": pa.string(),
    "ts": pa.timestamp("us", "UTC"),
    "session_date": pa.date32(),
    "segment": pa.string(),
    **dict.fromkeys(("open", "high", "low", "close"), pa.float64()),
    "volume": pa.int64(),
    "is_filled": pa.bool_(),
    "revision": pa.int32(),
}


def session_bars(minutes: int = 390) -> list[Bar]:
    """A session's bars, by time and ticker; the third ticker shows every third minute."""
    return [
        bar(ticker, minute)
        for minute in range(minutes)
        for at, ticker in enumerate(TICKERS)
        if at != 2 or minute % 3 == 0
    ]


def bar(ticker: str, minute: int) -> Bar:
    price = 100 + sum(ticker.encode()) % 37 + (minute * 7 % 23) / 4
    low, high = price - 0.25, price + 0.5
    ts = OPEN + timedelta(minutes=minute)
    return Bar(ticker, ts, price, high, low, price + 0.125, 100 + minute, minute % 5 // 4)


def small_lake(root: Path, bars: list[Bar]) -> Path:
    """Write bars, and beside them what is none of a session's: filled, and before the open."""
    observed = [{**b._asdict(), "segment": "regular", "is_filled": False} for b in bars]
    first = bars[0]
    others = [
        {**first._replace(ticker="QUIET")._asdict(), "segment": "regular", "is_filled": True},
        {
            **first._replace(ts=OPEN - timedelta(minutes=1))._asdict(),
            "segment": "pre",
            "is_filled": False,
        },
    ]
    rows = [{**row, "session_date": SESSION} for row in [*observed, *others]]
    rows.append({**rows[0], "session_date": date(2026, 11, 19), "ts": OPEN - timedelta(days=1)})
    table = pa.Table.from_pylist(rows, schema=pa.schema(_COLUMNS))
    path = root / "silver" / "bars_1m"
    write_deltalake(str(path), table, partition_by=["session_date"])
    return root
