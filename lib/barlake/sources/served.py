"""What a simulated vendor puts into a payload, and the payload as text."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from barlake.calendar import Session
from barlake.model.landed import TEXTS
from barlake.sources.absences import is_delisted, without_absent
from barlake.sources.announcements import in_unit_at, share_unit, with_announcements
from barlake.sources.exchange import Bars, Day, Ints, bars, joined, trading_day
from barlake.sources.manners import Chance, Manners, TickerSession
from barlake.sources.restatements import as_known, moved
from barlake.sources.source import SERVED_SCHEMA


def day_served(day: Day, manners: Manners, fetched_at: datetime) -> Bars:
    """Give what the vendor serves of a whole trading day, 04:00 to 20:00, at an instant (UTC).

    Only bars whose minute has begun; the live snapshot, if any, comes last.
    """
    truth = trading_day(day, unit=share_unit(day, manners))
    held = without_absent(truth, day, manners)
    known = as_known(held, day, manners, fetched_at)
    begun = known.take(known.ts <= int(fetched_at.timestamp()))
    told = with_announcements(begun, day, manners)
    repeated = _with_repeats(told, day, manners, fetched_at)
    shown = _with_live_row(repeated, truth, day, manners, fetched_at)
    return in_unit_at(shown, day, manners, fetched_at)


def with_silent_first(shown: Bars, start: datetime, session: Session) -> Bars:
    """Take the first bar's volume where a request starts, at `start`, inside the session."""
    is_inside = session.open_utc < start < session.close_utc
    if not is_inside or not len(shown) or shown.ts[0] >= session.close_utc.timestamp():
        return shown
    # Both rows of a bar that comes twice: a repeat is identical.
    return replace(shown, volume=np.where(shown.ts == shown.ts[0], 0, shown.volume))


def as_text(shown: Bars, *, request_id: str, ticker: str, fetched_at: datetime) -> pa.Table:
    """Give the payload in SERVED_SCHEMA; numbers are spelled as shortly as a double allows."""
    rows = len(shown)
    numbers = (*shown.prices, shown.volume)
    columns = {
        "request_id": pa.repeat(pa.scalar(request_id), rows),
        "row": pa.array(np.arange(rows, dtype=np.int32)),
        "ticker": pa.repeat(pa.scalar(ticker), rows),
        "ts_text": _iso(shown.ts),
        **{
            f"{name}_text": pa.array(column).cast(pa.string())
            for name, column in zip(TEXTS, numbers, strict=True)
        },
        "dividend_text": pa.array(shown.dividend, from_pandas=True).cast(pa.string()),
        "split_text": pa.array(shown.split, from_pandas=True).cast(pa.string()),
        "fetched_at_text": pa.nulls(rows, pa.string()),
        "fetched_at": pa.repeat(pa.scalar(fetched_at, pa.timestamp("us", tz="UTC")), rows),
        "raw": pa.nulls(rows, pa.string()),
    }
    return pa.table(columns, schema=SERVED_SCHEMA)


def with_float_noise(shown: Bars) -> Bars:
    """Pass the prices through 32-bit floats, as the vendor does."""
    return replace(shown, prices=shown.prices.astype(np.float32).astype(np.float64))


def _iso(ts: Ints) -> "pa.Array[Any]":
    # Arrow's strftime takes ten times as long as its cast, which writes a blank for the T.
    text = pa.array(ts, pa.int64()).cast(pa.timestamp("s")).cast(pa.string())
    timed = pc.binary_replace_slice(text, start=10, stop=11, replacement="T")
    return pc.binary_replace_slice(timed, start=19, stop=19, replacement="Z")


def _with_repeats(shown: Bars, day: Day, manners: Manners, fetched_at: datetime) -> Bars:
    same = _repeated(shown, day, manners.duplicates, ("duplicates", fetched_at))
    twice = shown.take(_twice(len(shown), same))
    names = ("conflicting duplicates", fetched_at)
    other = _repeated(twice, day, manners.conflicting_duplicates, names)
    both = twice.take(_twice(len(twice), other))
    is_second = np.zeros(len(both), np.bool_)
    if other is not None:
        is_second[other + 1] = True
    return moved(both, day, is_second, *names)


def _repeated(
    shown: Bars, day: Day, manner: Chance[TickerSession], names: tuple[object, ...]
) -> int | None:
    """The position of the row that comes twice, if one does."""
    is_hit = day.chance(*names) < manner.rate or day.case in manner.at
    if not is_hit or not len(shown):
        return None
    return int(len(shown) * day.chance("position", *names))


def _twice(rows: int, position: int | None) -> Ints:
    positions = np.arange(rows)
    return positions if position is None else np.insert(positions, position, position)


def _with_live_row(
    shown: Bars, truth: Bars, day: Day, manners: Manners, fetched_at: datetime
) -> Bars:
    """Append the live quote while the session runs, flat and without volume.

    On the second in which a minute begins, it stands in for that minute's bar: nothing has traded.
    """
    is_running = day.session.open_utc <= fetched_at < day.session.close_utc
    if not manners.live_snapshot or not is_running or is_delisted(day, manners):
        return shown
    stamp = int(fetched_at.timestamp())
    minute = truth.take(truth.ts == stamp - stamp % 60)
    quote = bars(np.array([stamp]), np.repeat(minute.prices[:1], 4, axis=0), np.array([0]))
    return joined((shown.take(shown.ts < stamp), quote))
