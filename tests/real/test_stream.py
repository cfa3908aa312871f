"""Recorded sessions through the stream's own parts: in disorder, its VWAP is that of the bars.

Without Kafka and Spark: messages are made as a replay makes them, and read and summed up as the
streaming job does.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from zlib import crc32

import pandas as pd
import pytest

from barlake import calendar
from barlake.settings import Settings
from barlake.streaming.disorder import Odds, disordered
from barlake.streaming.events import Bar, Kind, encode
from barlake.streaming.messages import Bar as Streamed
from barlake.streaming.messages import Message, Refusal, read
from barlake.streaming.state import State
from tests.real.adapters import PRICES, deliveries, real_data

pytestmark = pytest.mark.real

ODDS = Odds(late=0.05, duplicate=0.05, correct=0.02, malform=0.01, future=0.01)
PARTITIONS = 2
PER_BATCH = 997
RECORDED = ("eqker", "lean/equity/usa/minute/goog", "lean/equity/usa/minute/spy", "bsw-demo")
Key = tuple[str, datetime]


def regular(name: str) -> Iterator[Bar]:
    """Give the sound bars of a recording in the regular hours of its sessions, each minute once."""
    frame = deliveries(real_data())[name].dropna().drop_duplicates(["ticker", "ts"], keep="last")
    days = {
        day.session_date: day
        for day in calendar.between(frame["ts"].min().date(), frame["ts"].max().date())
    }
    frame = frame[(frame[PRICES] > 0).all(axis="columns")]
    is_sound = (frame["high"] >= frame[PRICES].max(axis="columns")) & (
        frame["low"] <= frame[PRICES].min(axis="columns")
    )
    for row in frame[is_sound].to_dict("records"):
        ts = row["ts"].to_pydatetime()
        day = days.get(ts.date())
        if day is not None and day.open_utc <= ts < day.close_utc:
            prices = {price: float(row[price]) for price in PRICES}
            yield Bar(str(row["ticker"]), ts, **prices, volume=int(row["volume"]), revision=0)


def summed(bars: list[Bar]) -> dict[Key, float | None]:
    """Give each minute's VWAP of its session: pandas' sums, in order of the minutes."""
    frame = pd.DataFrame(bars).sort_values(["ticker", "ts"])
    frame["day"] = frame["ts"].dt.date
    hlc3 = (frame["high"] + frame["low"] + frame["close"]) / 3
    frame["notional"] = hlc3 * frame["volume"]
    sums = frame.groupby(["ticker", "day"])[["notional", "volume"]].cumsum()
    keys = zip(frame["ticker"], (ts.to_pydatetime() for ts in frame["ts"]), strict=True)
    pairs = zip(sums["notional"], sums["volume"], strict=True)
    vwaps = (notional / volume if volume else None for notional, volume in pairs)
    return dict(zip(keys, vwaps, strict=True))


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_session_in_disorder_ends_in_the_vwap_of_its_bars(
    name: str, conf: Settings
) -> None:
    bars = list(regular(name))
    events = disordered(bars, ODDS, seed=7)
    received = max(bar.ts for bar in bars) + timedelta(hours=1)
    sessions = {
        day.session_date: day
        for day in calendar.between(min(bars, key=_ts).ts.date(), received.date())
    }
    offsets: Counter[int] = Counter()
    messages = []
    for event in events:
        partition = crc32(event.bar.ticker.encode()) % PARTITIONS
        key, value = encode(event, received)
        messages.append(Message("bars", partition, offsets[partition], key, value, received))
        offsets[partition] += 1
    found = [read(message, sessions) for message in messages]
    state = State(conf.alerts, lambda _: [])
    vwaps: dict[Key, float | None] = {}
    ids: Counter[str] = Counter()
    for start in range(0, len(found), PER_BATCH):
        batch = [one for one in found[start : start + PER_BATCH] if isinstance(one, Streamed)]
        changes = state.apply(batch)
        for cell in (*changes.new, *changes.changed):
            vwaps[cell.bar.ticker, cell.bar.ts] = cell.vwap
        ids.update(alert.alert_id for alert in changes.alerts)
        changes.are_stored()

    expected = summed(bars)
    assert len(expected) > 200
    assert vwaps.keys() == expected.keys()
    wrong = [key for key, vwap in expected.items() if not _near(vwaps[key], vwap)]
    assert wrong == []
    refused = sum(isinstance(one, Refusal) for one in found)
    assert refused == sum(e.kind in (Kind.MALFORMED, Kind.FUTURE) for e in events) > 0
    assert ids.total() == len(ids) > 0


def _near(found: float | None, expected: float | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return abs(found - expected) <= 1e-9 * expected


def _ts(bar: Bar) -> datetime:
    return bar.ts
