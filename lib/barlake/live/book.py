"""One session as the page shows it: every ticker's bars, its alerts, and when each came.

All that a browser lacks follows from the number of the last change that it has seen. So a slow one
gets the newest state of each minute and no backlog, and one that comes back has missed nothing.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from secrets import token_hex
from threading import Condition
from typing import Any, NamedTuple

# Of the events of one change, those whose age is told; and of how many changes they are kept.
_SAMPLE, _CHANGES = 256, 64


class Bar(NamedTuple):
    """A minute of a ticker; `minute` is its start in seconds since 1970, prices in US dollars."""

    minute: int
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: int
    vwap: float | None
    cum_volume: int
    revision: int


class Alert(NamedTuple):
    """An alert as the page shows it."""

    alert_id: str
    minute: int
    ticker: str
    rule: str
    direction: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Hours:
    """When a session is held: seconds since 1970, and New York's offset from UTC in seconds."""

    session_date: date
    opens: int | None
    closes: int | None
    offset: int


class Book:
    """What is known of one session; written by one thread, read by many."""

    def __init__(self) -> None:
        self.hours: Hours | None = None
        self.clock = 0
        self._emitted: deque[float] = deque(maxlen=20)
        self._began = self._last = 0
        self._run = token_hex(4)
        self._bars: dict[str, dict[int, tuple[int, Bar]]] = {}
        self._newest: dict[str, tuple[int, Bar]] = {}
        self._alerts: dict[str, tuple[int, Alert]] = {}
        self._events: deque[tuple[int, list[int]]] = deque(maxlen=_CHANGES)
        self._changed = Condition()

    def begin(self, hours: Hours) -> None:
        """Turn to a session, of which nothing is known yet."""
        with self._changed:
            self._last += 1
            self._began = self._last
            self.hours, self.clock = hours, 0
            for kept in (self._bars, self._newest, self._alerts):
                kept.clear()
            self._events.clear()
            self._emitted.clear()
            self._changed.notify_all()

    def put(
        self, bars: Iterable[dict[str, Any]], alerts: Iterable[dict[str, Any]], *, is_live: bool
    ) -> None:
        """Take rows of gold.vwap_stream and gold.alerts; what is known already is no change.

        With `is_live` the rows have just come, and those of new bars or revisions are events whose
        age the page shows.
        """
        with self._changed:
            change = self._last + 1
            events: list[int] = []
            emitted: set[datetime] = set()
            for row in bars:
                if (is_event := self._put_bar(change, row)) is not None:
                    emitted.add(row["emitted_at"])
                    events += [_ms(row["produced_at"])] if is_event and row["produced_at"] else []
            fresh = [self._put_alert(change, row) for row in alerts]
            if not emitted and not any(fresh):
                return
            self._emitted.extend(sorted(e.timestamp() for e in emitted))
            if is_live and events:
                self._events.append((change, _sample(sorted(events))))
            self._last = change
            self._changed.notify_all()

    def _put_bar(self, change: int, row: dict[str, Any]) -> bool | None:
        """Give whether the row tells of a new bar or revision; None where it tells nothing new."""
        bar, ticker = _bar(row), row["ticker"]
        held = self._bars.setdefault(ticker, {})
        _, known = held.get(bar.minute, (0, None))
        if known == bar:
            return None
        held[bar.minute] = (change, bar)
        newest = self._newest.get(ticker)
        if newest is None or newest[1].minute <= bar.minute:
            self._newest[ticker] = (change, bar)
        self.clock = max(self.clock, bar.minute)
        return known is None or known.revision != bar.revision

    def _put_alert(self, change: int, row: dict[str, Any]) -> bool:
        is_new = row["alert_id"] not in self._alerts
        if is_new:
            self._alerts[row["alert_id"]] = (change, _alert(row))
        return is_new

    def wait(self, cursor: str, seconds: float) -> bool:
        """Wait for a change that the cursor has not seen; False where none came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self.cursor != cursor, timeout=seconds)

    @property
    def cursor(self) -> str:
        """The number of the last change, of this book alone."""
        return f"{self._run}-{self._last}"

    def since(self, ticker: str, cursor: str) -> tuple[str, dict[str, Any]]:
        """Give what a page lacks that has seen all up to the cursor, and the cursor that follows.

        Returns:
            The new cursor, and: `reset`, True where the page is to forget what it has; `hours` of
            the session; `clock`, its newest minute; `bars` of the ticker, in order; `tickers`, of
            each its newest bar; `alerts`, oldest first; `events`, when what is new was produced,
            in milliseconds since 1970.
        """
        with self._changed:
            seen = self._seen(cursor)
            alerts = [alert for at, alert in self._alerts.values() if at > seen]
            bars = [bar for at, bar in self._bars.get(ticker, {}).values() if at > seen]
            return self.cursor, {
                "reset": seen == 0,
                "hours": _told(self.hours),
                "clock": self.clock,
                "bars": sorted(bars),
                "tickers": {t: bar for t, (at, bar) in self._newest.items() if at > seen},
                "alerts": sorted(alerts, key=lambda alert: (alert.minute, alert.alert_id)),
                "events": [ms for at, all_ms in self._events if at > seen > 0 for ms in all_ms],
            }

    def written(self) -> tuple[list[float], bool]:
        """Give when the last triggers wrote, in seconds since 1970, and whether all is written."""
        with self._changed:
            closes = self.hours.closes if self.hours else None
            return list(self._emitted), closes is not None and self.clock >= closes - 60

    def first(self) -> str | None:
        """Give the ticker that comes first by name; None as long as there is none."""
        with self._changed:
            return min(self._newest, default=None)

    def _seen(self, cursor: str) -> int:
        """Give the last change that a page has seen of this session; 0 where it has seen none."""
        run, _, number = cursor.partition("-")
        if run != self._run or not (number.isascii() and number.isdigit()):
            return 0
        seen = int(number[:18])
        return seen if self._began <= seen <= self._last else 0


def _bar(row: dict[str, Any]) -> Bar:
    return Bar(
        minute=_seconds(row["ts"]),
        open=_finite(row["bar_open"]),
        high=_finite(row["bar_high"]),
        low=_finite(row["bar_low"]),
        close=_finite(row["close"]),
        volume=int(row["bar_volume"]),
        vwap=_finite(row["vwap"]),
        cum_volume=int(row["cum_volume"]),
        revision=int(row["bar_revision"]),
    )


def _alert(row: dict[str, Any]) -> Alert:
    names = ("ticker", "rule", "direction", "message")
    return Alert(row["alert_id"], _seconds(row["ts"]), *(row[name] for name in names))


def _told(hours: Hours | None) -> dict[str, Any] | None:
    if hours is None:
        return None
    day = hours.session_date.isoformat()
    return {"date": day, "opens": hours.opens, "closes": hours.closes, "offset": hours.offset}


def _sample(events: Sequence[int]) -> list[int]:
    """Give the events, or as many of them as are told, evenly from the oldest to the newest."""
    if len(events) <= _SAMPLE:
        return list(events)
    return [events[at * (len(events) - 1) // (_SAMPLE - 1)] for at in range(_SAMPLE)]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
