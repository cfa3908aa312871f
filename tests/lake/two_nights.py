"""Two nights of bars: the second brings a session and all that can befall the first."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.builders import row, stamp, write_bars

EARLIER = datetime(2026, 11, 25, 14, 30, tzinfo=UTC)
LATER = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)  # an early close: 210 minutes
FIRST_NIGHT = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
# In December: November is over, so that its partitions of bronze and gold are laid out as well.
SECOND_NIGHT = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)
REREAD = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)


def first_night(path: Path) -> Path:
    """Write one session of two tickers, with holes."""
    return write_bars(
        path,
        [
            *bars("AAPL", EARLIER, [*range(0, 389, 3), 389], known=FIRST_NIGHT),
            *bars("MSFT", EARLIER, range(0, 389, 5), known=FIRST_NIGHT, close=300.0),
        ],
    )


def second_night(path: Path) -> Path:
    """Write a new session, and of the old one a correction, a late delivery and known bars.

    Two rows are bad, and one comes twice.
    """
    new = bars("AAPL", LATER, range(0, 210, 3), known=REREAD)
    return write_bars(
        path,
        [
            *new,
            new[0],
            *bars("MSFT", LATER, range(210), known=REREAD, close=300.0),
            *bars("AAPL", EARLIER, [30], known=REREAD, close=101.0),
            *bars("AAPL", EARLIER, [90, 93, 96], known=REREAD),
            *bars("AAPL", EARLIER, [60, 61], known=LATE, close=102.0),
            *bars("AAPL", LATER, [4], known=REREAD, close=-1.0),
            *bars("MSFT", EARLIER, [1], known=REREAD, close=300.0, volume=-5),
        ],
    )


def bars(
    ticker: str,
    opened: datetime,
    minutes: Iterable[int],
    *,
    known: datetime,
    close: float = 100.0,
    **changed: Any,
) -> list[dict[str, Any]]:
    """Bars at some minutes of a session, received at `known`."""
    found = []
    for minute in minutes:
        price = round(close + minute % 7 * 0.1, 4)
        told = {
            "ticker": ticker,
            "ts": stamp(opened + timedelta(minutes=minute)),
            "high": round(price + 0.05, 4),
            "low": round(price - 0.05, 4),
            "volume": 100 + minute,
            "fetched_at": stamp(known),
        }
        found.append(row(0, price, **(told | changed)))
    return found
