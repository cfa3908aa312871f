"""Alert rules: when a number crosses its threshold, and what is told of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from barlake.sections import AlertRule
from barlake.streaming.measures import MEASURES
from barlake.streaming.series import Cell, Series

SILENCE = "silence"
_DIRECTIONS = {1: "up", -1: "down"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One crossing; `ts` in UTC, `value` and `threshold` in the rule's unit."""

    rule: str
    ticker: str
    session_date: date
    crossing: int
    ts: datetime
    value: float
    threshold: float
    direction: str
    message: str

    @property
    def alert_id(self) -> str:
        """The same for the same crossing, however often it is found."""
        words = (self.rule, self.ticker, self.session_date.isoformat(), str(self.crossing))
        return sha256("|".join(words).encode()).hexdigest()


@dataclass(slots=True)
class Zone:
    """Where a rule's number stands: 1 beyond the threshold, -1 below its negative, 0 between.

    `crossings` were counted so far, `told_at` is the minute of the last that was told.
    """

    side: int = 0
    crossings: int = 0
    told_at: datetime | None = None


Zones = dict[str, Zone]


def saved(zones: Zones) -> str:
    """Give zones as text, for gold."""
    return json.dumps(
        {
            name: [z.side, z.crossings, z.told_at.isoformat() if z.told_at else None]
            for name, z in zones.items()
        },
        separators=(",", ":"),
    )


def restored(text: str | None) -> Zones:
    """Give the zones that a text holds; none for None."""
    found = json.loads(text or "{}")
    return {
        name: Zone(side, crossings, datetime.fromisoformat(told) if told else None)
        for name, (side, crossings, told) in found.items()
    }


def crossed(
    series: Series, cell: Cell, zones: Zones, rules: Mapping[str, AlertRule]
) -> Iterator[Alert]:
    """Measure each rule at a bar that extends its session; give what was crossed.

    Args:
        series: The session up to the bar.
        cell: The bar's.
        zones: Where the rules stood before it; they are moved.
        rules: By name; those of silence are `silent`'s.
    """
    for name, rule in rules.items():
        measure = MEASURES.get(rule.measure)
        value = measure(series, cell, rule) if measure else None
        if value is None:
            continue
        zone = zones.setdefault(name, Zone())
        before, zone.side = zone.side, _side(rule, zone.side, value)
        if zone.side in (0, before) or (rule.is_two_sided and before == 0):
            continue
        zone.crossings += 1
        if not _is_cooling(zone, rule, cell.bar.ts):
            zone.told_at = cell.bar.ts
            yield _alert(name, rule, cell, zone, value)


def silent(series: Series, clock: datetime, zones: Zones, name: str, minutes: int) -> Alert | None:
    """Give the alert on a ticker whose last bar is more than `minutes` before the market's clock.

    It stands at the first minute that made it silent, and is found again until the ticker speaks.
    """
    last = series.last
    if last is None or clock - last.bar.ts <= timedelta(minutes=minutes):
        return None
    ts = last.bar.ts + timedelta(minutes=minutes + 1)
    zone = zones.get(name, Zone())
    return Alert(
        rule=name,
        ticker=last.bar.ticker,
        session_date=last.bar.session_date,
        crossing=zone.crossings + 1,
        ts=ts,
        value=float(minutes),
        threshold=float(minutes),
        direction="silent",
        message=f"{last.bar.ticker}: no bar for {minutes} minutes after {last.bar.ts:%H:%M} UTC",
    )


def _side(rule: AlertRule, side: int, value: float) -> int:
    if abs(value) >= rule.enter:
        return 1 if value > 0 else -1
    # What has two sides and no middle stays where it was until it is on the other one.
    return side if rule.is_two_sided or side * value > rule.leave else 0


def _is_cooling(zone: Zone, rule: AlertRule, ts: datetime) -> bool:
    wait = timedelta(minutes=rule.cooldown_minutes)
    return zone.told_at is not None and ts - zone.told_at < wait


def _alert(name: str, rule: AlertRule, cell: Cell, zone: Zone, value: float) -> Alert:
    bar = cell.bar
    direction = _DIRECTIONS[zone.side]
    return Alert(
        rule=name,
        ticker=bar.ticker,
        session_date=bar.session_date,
        crossing=zone.crossings,
        ts=bar.ts,
        value=value,
        threshold=zone.side * rule.enter,
        direction=direction,
        message=f"{bar.ticker} {bar.ts:%H:%M} UTC: {name}, {direction}: {value:.4g} against "
        f"{zone.side * rule.enter:.4g}, close {bar.close:.2f}",
    )
