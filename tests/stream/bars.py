"""Streamed bars for tests, and gold as a dictionary that outlives whoever writes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from barlake.sections import AlertRule
from barlake.streaming.crossings import Alert
from barlake.streaming.messages import Bar
from barlake.streaming.rows import vwap_row
from barlake.streaming.series import Cell
from barlake.streaming.state import State

SESSION = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
PRODUCED = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
RULES = {
    "cross": AlertRule(measure="vwap_side", enter=0.001, leave=0, cooldown_minutes=0),
    "far": AlertRule(measure="vwap_deviations", enter=1.5, leave=1.0, bars=4, cooldown_minutes=3),
    "spike": AlertRule(measure="volume_deviations", enter=2, leave=1, bars=4, cooldown_minutes=0),
    "jump": AlertRule(measure="move", enter=0.01, leave=0.005, minutes=2, cooldown_minutes=2),
    "silent": AlertRule(measure="silence", enter=3, leave=0, cooldown_minutes=0),
}


def bar(minute: int, close: float = 100.0, **values: Any) -> Bar:
    """A bar of A in partition 0: open, high and low around its close."""
    made: dict[str, Any] = {
        "ticker": "A",
        "ts": OPEN + timedelta(minutes=minute),
        "session_date": SESSION,
        "open": close,
        "high": close + 0.25,
        "low": close - 0.5,
        "close": close,
        "volume": 100,
        "revision": 0,
        "produced_at": PRODUCED,
        "partition": 0,
        "offset": minute,
    }
    return Bar(**(made | values))


class KilledError(Exception):
    """The process is gone."""


@dataclass
class Gold:
    """What the tables hold; `die_before` the n-th write of a batch from now, once."""

    cells: dict[tuple[str, datetime], dict[str, Any]] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)
    die_before: int | None = None

    def stored(self, session: date) -> list[Mapping[str, Any]]:
        return [row for row in self.cells.values() if row["session_date"] == session]

    def write(self, alerts: Iterable[Alert], new: Sequence[Cell], changed: Sequence[Cell]) -> None:
        """The three writes of a batch, each whole or not at all."""
        self._live()
        for alert in alerts:
            held = self.alerts.setdefault(alert.alert_id, alert)
            assert held == alert
        self._live()
        for cell in new:
            assert (cell.bar.ticker, cell.bar.ts) not in self.cells
            self._put(cell)
        self._live()
        for cell in changed:
            assert (cell.bar.ticker, cell.bar.ts) in self.cells
            self._put(cell)
        self._live()

    def _put(self, cell: Cell) -> None:
        row = vwap_row(cell, batch_id=0, emitted_at=PRODUCED, run_id="test")
        self.cells[cell.bar.ticker, cell.bar.ts] = row

    def _live(self) -> None:
        if self.die_before == 0:
            self.die_before = None
            raise KilledError
        if self.die_before is not None:
            self.die_before -= 1


def streamed(gold: Gold, batches: Sequence[Sequence[Bar]]) -> Gold:
    """Apply batch after batch; one that dies is begun again by another process."""
    state = State(RULES, gold.stored)
    for batch in batches:
        while True:
            try:
                changes = state.apply(batch)
                gold.write(changes.alerts, changes.new, changes.changed)
            except KilledError:
                state = State(RULES, gold.stored)
            else:
                changes.are_stored()
                break
    return gold
