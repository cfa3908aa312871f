"""A session's bars as a bad day would send them: late, twice, wrong at first, or not at all.

Pure: the same bars, odds and seed give the same events. What happens to a bar depends on the seed
and on its own ticker and minute alone, so that a replay of fewer tickers is a part of the whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from random import Random

from barlake.model.errors import InputError
from barlake.streaming.events import Bar, Event, Fault, Kind

LATE_MINUTES = (2, 30)
DUPLICATE_MINUTES = (0, 5)
CORRECTED_MINUTES = (1, 10)
SPOILED_BY = 1.01
# A huge one is rare: it costs what ten thousand bars do.
_FAULTS = [fault for fault in Fault if fault is not Fault.HUGE] * 3 + [Fault.HUGE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """The probability of each disorder, for each bar by itself: 0 is never, 1 always.

    `malform` and `future` send one more message beside the bar, the last with a time ten years
    ahead; `drop` leaves the bar out. A bar that is dropped is neither late nor twice nor corrected.

    Raises:
        InputError: One is no probability.
    """

    late: float = 0.0
    duplicate: float = 0.0
    correct: float = 0.0
    drop: float = 0.0
    malform: float = 0.0
    future: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            given = getattr(self, field.name)
            if not 0 <= given <= 1:
                raise InputError(f"{field.name} is {given}: a probability is from 0 to 1")


def disordered(bars: Iterable[Bar], odds: Odds, seed: int) -> list[Event]:
    """Give the events of a replay in the order in which they are sent.

    A bar is sent when its minute is over; bars of one minute in the order of their tickers. Of the
    valid events of one bar, that with the highest revision says what `bars` does.

    Args:
        bars: One per ticker and minute, in any order.
        odds: How much is out of order.
        seed: Of all draws.
    """
    events = [event for bar in bars for event in _events(bar, odds, _draws(bar, seed))]
    # Sorting keeps the order of one bar's own events.
    return sorted(events, key=lambda event: (event.at, event.bar.ticker, event.bar.ts))


def _draws(bar: Bar, seed: int) -> Random:
    return Random(f"{seed} {bar.ticker} {bar.ts.isoformat()}")  # noqa: S311 - no secret


def _events(bar: Bar, odds: Odds, draws: Random) -> Iterator[Event]:
    """Give one bar's events; all is drawn always, so that one probability moves no other draw."""
    has = {name: draws.random() < getattr(odds, name) for name in (f.name for f in fields(odds))}
    late, again, corrected = (
        timedelta(minutes=draws.randint(*span))
        for span in (LATE_MINUTES, DUPLICATE_MINUTES, CORRECTED_MINUTES)
    )
    fault = draws.choice(_FAULTS)
    at = bar.ts + timedelta(minutes=1)
    if not has["drop"]:
        sent = at + late if has["late"] else at
        kind = Kind.LATE if has["late"] else Kind.BAR
        first = Event(sent, Kind.SPOILED, _spoiled(bar)) if has["correct"] else None
        yield first or Event(sent, kind, bar)
        if has["duplicate"]:
            yield (first or Event(sent, kind, bar))._replace(at=sent + again, kind=Kind.DUPLICATE)
        if has["correct"]:
            truth = bar._replace(revision=bar.revision + 1)
            yield Event(sent + corrected, Kind.CORRECTED, truth)
    if has["malform"]:
        yield Event(at, Kind.MALFORMED, bar, fault)
    if has["future"]:
        yield Event(at, Kind.FUTURE, bar)


def _spoiled(bar: Bar) -> Bar:
    prices = {name: round(getattr(bar, name) * SPOILED_BY, 4) for name in ("open", "high", "low")}
    return bar._replace(**prices, close=round(bar.close * SPOILED_BY, 4), volume=2 * bar.volume)
