"""The bars of a session that were observed, as a replay sends them."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from barlake.calendar import EXCHANGE_ZONE
from barlake.model.errors import InputError
from barlake.readers.frames import EPOCH, OpenLake
from barlake.streaming.events import Bar

_NEWEST = "SELECT max(session_date) FROM silver.bars_1m"
_OBSERVED = """
SELECT ticker, epoch_us(ts), open, high, low, close, volume, revision FROM silver.bars_1m
WHERE session_date = getvariable('session') AND segment = 'regular' AND NOT is_filled
ORDER BY ts, ticker
"""


def newest(lake: OpenLake) -> date:
    """Give the newest session of silver.bars_1m.

    Raises:
        InputError: There is none.
    """
    [[found]] = lake.connection.sql(_NEWEST).fetchall()
    if not isinstance(found, date):
        raise InputError(f"{lake.store.address} has no bars in silver; run `barlake run` first")
    return found


def observed(lake: OpenLake, session: date, tickers: Collection[str] | None = None) -> list[Bar]:
    """Give the observed bars of a session's regular segment, by `ts`, then ticker.

    Args:
        lake: Open for reading.
        session: Exchange-local date.
        tickers: Only these; None is all.

    Raises:
        InputError: There are none, or one of the tickers has none.
    """
    lake.name(session=session)
    rows = lake.connection.sql(_OBSERVED).fetchall()
    found = [Bar(row[0], EPOCH + timedelta(microseconds=row[1]), *row[2:]) for row in rows]
    absent = sorted(set(tickers or ()) - {bar.ticker for bar in found})
    if not found or absent:
        of = f" of {', '.join(absent)}" if absent else ""
        raise InputError(
            f"silver.bars_1m in {lake.store.address} has no observed bar{of} in the session "
            f"{session}; `barlake status` shows what it has"
        )
    return [bar for bar in found if tickers is None or bar.ticker in tickers]


def market_time(session: date, text: str) -> datetime:
    """Read HH:MM of a session, exchange time, as an instant in UTC.

    Raises:
        InputError: It is no time of a day.
    """
    try:
        found = time.fromisoformat(text) if len(text) == len("09:30") else None
    except ValueError:
        found = None
    if found is None:
        raise InputError(f"{text!r} is no time of a session; write 09:30, exchange time")
    return datetime.combine(session, found, ZoneInfo(EXCHANGE_ZONE)).astimezone(UTC)
