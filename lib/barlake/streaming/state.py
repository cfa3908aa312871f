"""What the stream knows: every open session's bars and sums, and where the alert rules stand.

Nothing here depends on how messages are cut into batches: bars are applied one by one, in the order
of their partition. Gold is what it is rebuilt from, between any two of a batch's writes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from barlake.sections import AlertRule
from barlake.streaming.crossings import (
    SILENCE,
    Alert,
    Zone,
    Zones,
    crossed,
    restored,
    saved,
    silent,
)
from barlake.streaming.messages import Bar
from barlake.streaming.series import Cell, Series

# A late bar may be of a session before; of one older still, what gold holds is read again.
SESSIONS_HELD = 3

Stored = Callable[[date], Iterable[Mapping[str, Any]]]


@dataclass(slots=True)
class Changes:
    """What a batch changes of gold: rows without a stored one, rows that differ, and alerts."""

    new: list[Cell] = field(default_factory=list)
    changed: list[Cell] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)

    def are_stored(self) -> None:
        """Note that gold holds them now."""
        for cell in (*self.new, *self.changed):
            cell.is_stored, cell.is_news = True, False


@dataclass(slots=True)
class _Day:
    """One session: its tickers, how far each partition has come, and what silences were told."""

    series: dict[str, Series] = field(default_factory=dict)
    zones: dict[str, Zones] = field(default_factory=dict)
    partitions: dict[int, set[str]] = field(default_factory=dict)
    clocks: dict[int, datetime] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)


class State:
    """Every session that the stream holds.

    Args:
        rules: The alert rules by name.
        stored: Gives the rows of gold.vwap_stream of a session, in any order.
    """

    def __init__(self, rules: Mapping[str, AlertRule], stored: Stored) -> None:
        self._rules, self._stored = rules, stored
        self._silences = {n: int(r.enter) for n, r in rules.items() if r.measure == SILENCE}
        self._days: dict[date, _Day] = {}

    def apply(self, bars: Iterable[Bar]) -> Changes:
        """Take in bars, each partition's in the order of their offsets; give what changes.

        What changes is news until `Changes.are_stored`.
        """
        by_session: dict[date, list[Bar]] = {}
        for bar in bars:
            by_session.setdefault(bar.session_date, []).append(bar)
        changes = Changes()
        for session, held in sorted(by_session.items()):
            self._apply(session, held, changes)
        return changes

    def _apply(self, session: date, bars: Iterable[Bar], changes: Changes) -> None:
        day = self._day(session)
        for bar in bars:
            changes.alerts += self._take(day, bar)
        for series in day.series.values():
            for cell in series.news():
                (changes.changed if cell.is_stored else changes.new).append(cell)

    def _day(self, session: date) -> _Day:
        if session not in self._days:
            self._days[session] = _day(self._stored(session))
            for old in sorted(self._days)[:-SESSIONS_HELD]:
                if old != session:
                    del self._days[old]
        return self._days[session]

    def _take(self, day: _Day, bar: Bar) -> list[Alert]:
        series = day.series.setdefault(bar.ticker, Series())
        zones = day.zones.setdefault(bar.ticker, {})
        alerts = self._end_silence(day, series, zones, bar)
        cell = series.put(bar)
        if cell is None:
            return []
        alerts += crossed(series, cell, zones, self._rules)
        cell.alert_state = saved(zones)
        return alerts + (self._silent(day, bar.partition) if _note(day, bar) else [])

    def _silent(self, day: _Day, partition: int) -> list[Alert]:
        """Tell of the tickers that others of their partition have left behind."""
        clock = day.clocks[partition]
        return [
            alert
            for ticker in sorted(day.partitions[partition])
            for alert in self._silences_of(day, day.series[ticker], day.zones[ticker], clock)
        ]

    def _end_silence(self, day: _Day, series: Series, zones: Zones, bar: Bar) -> list[Alert]:
        """Count the silences that a bar ends, and tell of those that nobody noticed."""
        last = series.last
        if last is None or bar.ts <= last.bar.ts:
            return []
        clock = max(bar.ts, day.clocks.get(bar.partition, bar.ts))
        alerts = self._silences_of(day, series, zones, clock)
        for name, minutes in self._silences.items():
            if clock - last.bar.ts > timedelta(minutes=minutes):
                zones.setdefault(name, Zone()).crossings += 1
        return alerts

    def _silences_of(self, day: _Day, series: Series, zones: Zones, clock: datetime) -> list[Alert]:
        found = (silent(series, clock, zones, n, m) for n, m in self._silences.items())
        alerts = [alert for alert in found if alert and alert.alert_id not in day.told]
        day.told |= {alert.alert_id for alert in alerts}
        return alerts


def _day(rows: Iterable[Mapping[str, Any]]) -> _Day:
    day = _Day()
    cells: dict[str, list[Cell]] = {}
    for row in rows:
        cells.setdefault(row["ticker"], []).append(_cell(row))
    for ticker, held in cells.items():
        day.series[ticker] = Series()
        day.series[ticker].restore(held)
        last = max(held, key=lambda cell: cell.bar.ts)
        day.zones[ticker] = restored(last.alert_state)
        _note(day, last.bar)
    return day


def _note(day: _Day, bar: Bar) -> bool:
    """Move the clock of a bar's partition; tell whether it moved."""
    day.partitions.setdefault(bar.partition, set()).add(bar.ticker)
    before = day.clocks.get(bar.partition)
    if before is not None and bar.ts <= before:
        return False
    day.clocks[bar.partition] = bar.ts
    return True


def _cell(row: Mapping[str, Any]) -> Cell:
    bar = Bar(
        ticker=row["ticker"],
        ts=row["ts"],
        session_date=row["session_date"],
        open=row["bar_open"],
        high=row["bar_high"],
        low=row["bar_low"],
        close=row["close"],
        volume=row["bar_volume"],
        revision=row["bar_revision"],
        produced_at=row["produced_at"],
        partition=row["kafka_partition"],
        offset=row["kafka_offset"],
    )
    return Cell(
        bar=bar,
        cum_volume=row["cum_volume"],
        cum_notional=row["cum_notional"],
        n_bars=row["n_bars"],
        alert_state=row["alert_state"],
        is_stored=True,
        is_news=False,
    )
