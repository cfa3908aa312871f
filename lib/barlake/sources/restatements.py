"""Values that a simulated vendor serves differently from one fetch to another."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from barlake.sources.exchange import CENT, DAY_MINUTES, Bars, Day, Mask, instant
from barlake.sources.manners import Chance, Correction, Manners

SETTLING = timedelta(minutes=16)
EARLY_VOLUME = (0.3, 0.9)  # of a provisional bar, as a share of the later one
OTHER_VOLUME = (1.02, 1.5)
LIVELY = (0, 15)  # minutes of the session that hold half of all flips
LIVELY_WEIGHT, QUIET_WEIGHT = 97.0, 0.5


def as_known(bars: Bars, day: Day, manners: Manners, fetched_at: datetime) -> Bars:
    """Give a whole day's bars with the values that the vendor holds for them at the fetch."""
    known = _with_corrections(bars, day, manners, fetched_at)
    if manners.flips and back_end(fetched_at) == 1:
        known = moved(known, day, _flipping(known, day, manners, fetched_at), "flips")
    return _with_provisional(known, day, fetched_at) if manners.provisional else known


def back_end(fetched_at: datetime) -> int:
    """Give the back end, 0 or 1, that answers at the instant (UTC).

    They alternate from hour to hour, and at one hour from day to day.
    """
    return (fetched_at.toordinal() + fetched_at.hour) % 2


def corrections_of(day: Day, manner: Chance[Correction], *names: str) -> list[Correction]:
    """Give the day's corrections, drawn and asked for; the names tell one kind from another."""
    asked = [c for c in manner.at if (c.ticker, c.session_date) == day.case]
    if day.chance("corrections", *names) >= manner.rate:
        return asked
    later = timedelta(days=1 + int(5 * day.chance("correction's delay", *names)))
    drawn = Correction(
        ticker=day.ticker,
        session_date=day.session.session_date,
        known_at=day.session.close_utc + later,
    )
    return [drawn, *asked]


def moved(
    bars: Bars, day: Day, chosen: Mask, *names: object, volumes: tuple[float, float] = OTHER_VOLUME
) -> Bars:
    """Give the bars with another close and volume where chosen, still consistent.

    What a bar becomes depends on its minute and the names, not on the other bars. A volume of 0
    stays 0, no other becomes 0.
    """
    if not chosen.any():
        return bars
    rng = day.draws("moved", *names)
    steps, factors = rng.integers(1, 4, DAY_MINUTES), rng.uniform(*volumes, DAY_MINUTES)
    minute = (bars.ts[chosen] - day.first_minute) // 60
    opened, high, low, close = bars.prices[:, chosen]
    ticks = np.maximum(np.round(close * 2e-4, 2), CENT)
    # Up, never down: a close of a cent could not go down.
    close = np.round(close + steps[minute] * ticks, 2)
    prices, volume = bars.prices.copy(), bars.volume.copy()
    prices[:, chosen] = np.stack((opened, np.maximum(high, close), low, close))
    volume[chosen] = np.ceil(volume[chosen] * factors[minute])
    return replace(bars, prices=prices, volume=volume)


def _with_corrections(bars: Bars, day: Day, manners: Manners, fetched_at: datetime) -> Bars:
    for correction in corrections_of(day, manners.corrections):
        if correction.known_at <= fetched_at:
            chosen = _corrected(bars, day, correction)
            bars = moved(bars, day, chosen, "corrections", correction.known_at)
    return bars


def _corrected(bars: Bars, day: Day, correction: Correction) -> Mask:
    """The one bar that the correction means, or none where the vendor does not have it."""
    if correction.minute is not None:
        named: Mask = bars.ts == day.opened + 60 * correction.minute
        return named
    chosen = np.zeros(len(bars), np.bool_)
    candidates = np.flatnonzero(bars.volume > 0)
    if len(candidates):
        drawn = day.chance("corrected bar", correction.known_at)
        chosen[candidates[int(len(candidates) * drawn)]] = True
    return chosen


def _flipping(bars: Bars, day: Day, manners: Manners, fetched_at: datetime) -> Mask:
    """Finished regular bars that have a second value."""
    minute = (bars.ts - day.opened) // 60
    weight = np.where(np.isin(minute, LIVELY), LIVELY_WEIGHT, QUIET_WEIGHT)
    chances = day.draws("flips").random(DAY_MINUTES)[(bars.ts - day.first_minute) // 60]
    asked = [int(ts.timestamp()) for ticker, ts in manners.flips.at if ticker == day.ticker]
    is_flipping = (chances < weight * manners.flips.rate) | np.isin(bars.ts, asked)
    is_regular = (bars.ts >= day.opened) & (bars.ts < day.closed)
    finished: Mask = is_flipping & is_regular & ~_is_unsettled(bars, fetched_at)
    return finished


def _is_unsettled(bars: Bars, fetched_at: datetime) -> Mask:
    unsettled: Mask = bars.ts > (fetched_at - SETTLING).timestamp()
    return unsettled


def _with_provisional(bars: Bars, day: Day, fetched_at: datetime) -> Bars:
    """Give the bars with early values in the last minutes; the first of those often volume 0."""
    chosen = _is_unsettled(bars, fetched_at)
    early = moved(bars, day, chosen, "provisional", volumes=EARLY_VOLUME)
    first = np.flatnonzero(chosen)[:1]
    if len(first) and day.chance("silent", instant(int(bars.ts[first[0]]))) < 0.7:
        volume = early.volume.copy()
        volume[first] = 0
        return replace(early, volume=volume)
    return early
