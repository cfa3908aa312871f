"""What `barlake plan` and `barlake explain` do, given their arguments."""

from datetime import datetime
from typing import Any

import barlake
from barlake import universe
from barlake.io import history
from barlake.model.errors import InputError
from barlake.model.tables import TABLES
from barlake.options import Options
from barlake.readers import explain as reader
from barlake.readers.holes import Window, lacks
from barlake.runtime import opened
from barlake.settings import CONF
from barlake.steps import range_of


def plan(
    options: Options, tickers: str | None, start: datetime | None, end: datetime | None
) -> dict[str, Any]:
    """Give what the lake lacks of the `tickers` asked for; without a lake, everything."""
    first, last = range_of(start, end)
    names = universe.parse(tickers or f"@{CONF / 'tickers.txt'}")
    settings, store, clock = opened(options)
    window = Window(
        tickers=names,
        is_all=tickers is None,
        start=first,
        end=last,
        now=clock.now(),
        horizon_days=settings.source.horizon_days,
        sessions_per_request=settings.source.sessions_per_request,
    )
    is_there = any(history.latest(store, table) >= 0 for table in TABLES)
    lake = barlake.open(store) if is_there else None
    return {"lake": store.address, "tickers": names, **lacks(lake, window)}


def explain(
    options: Options, ticker: str | None, ts: datetime | None, key: str | None
) -> dict[str, Any]:
    """Tell where a minute, or a refused row, came from.

    Raises:
        InputError: Neither a ticker and a minute nor a key is given, or no row has the key.
    """
    if (ticker is None or ts is None) == (key is None):
        raise InputError("give TICKER and TS, or --key of a refused row")
    settings, store, clock = opened(options)
    if key is not None:
        found = reader.explain_refused(barlake.open(store), key)
        if not found["quarantine"]:
            raise InputError(f"no refused row has the key {key[:120]!r}")
        return found
    [name] = universe.parse(str(ticker))[:1]
    minute = reader.Minute(
        ticker=name,
        ts=_minute(ts),
        now=clock.now(),
        horizon_days=settings.source.horizon_days,
    )
    return reader.explain(barlake.open(store), minute)


def _minute(ts: datetime | None) -> datetime:
    """Check that an instant starts a minute: no cell begins elsewhere."""
    if ts is None or ts.second or ts.microsecond:
        raise InputError(f"{ts} starts no minute; write 2026-11-20T14:30Z")
    return ts
