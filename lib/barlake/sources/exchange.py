"""A simulated exchange: what truly traded, from (seed, ticker, session) alone."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from barlake.calendar import FIRST, POST_HOUR, PRE_HOUR, Session
from barlake.sources.draws import chance, draws

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DAY_MINUTES = 60 * (POST_HOUR - PRE_HOUR)
MINUTE_MOVE = 0.0008  # standard deviation of a minute's log return
AUCTION_MOVE = 0.0004  # of the closing auction against the last minute
NIGHT_MOVE = 0.006
DAY_MOVE = 0.016
PULL = 0.998  # of the level towards the ticker's base, so that no year has absurd prices
WEEKDAYS = 16_384  # 1990 to 2052
CENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """One ticker's bars as columns, in time order.

    `ts` is epoch seconds; `prices` has the rows open, high, low, close in USD; `volume` is shares;
    `dividend` (USD per share) and `split` (new shares per old one) are NaN where there is none.
    """

    ts: Ints
    prices: Floats
    volume: Ints
    dividend: Floats
    split: Floats

    def __len__(self) -> int:
        return len(self.ts)

    def take(self, chosen: Mask | Ints | slice) -> "Bars":
        """Give the bars chosen by a mask, by positions or by a slice."""
        return Bars(**{f.name: getattr(self, f.name)[..., chosen] for f in fields(self)})


def bars(ts: Ints, prices: Floats, volume: Ints) -> Bars:
    """Give bars that announce nothing."""
    nothing = np.full(len(ts), np.nan)
    return Bars(ts=ts, prices=prices, volume=volume, dividend=nothing, split=nothing)


def joined(parts: Sequence[Bars]) -> Bars:
    """Give the bars of all parts, one after another; no part gives no bars."""
    parts = (*parts, bars(np.empty(0, np.int64), np.empty((4, 0)), np.empty(0, np.int64)))
    columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Bars)}
    return Bars(**{name: np.concatenate(column, axis=-1) for name, column in columns.items()})


@dataclass(frozen=True, slots=True)
class Day:
    """One ticker's session in the world that `seed` makes."""

    seed: int
    ticker: str
    session: Session

    @property
    def case(self) -> tuple[str, date]:
        """What names the day in a `Chance`: (ticker, session_date)."""
        return self.ticker, self.session.session_date

    @property
    def opened(self) -> int:
        """The open, in epoch seconds; the first regular bar's stamp."""
        return int(self.session.open_utc.timestamp())

    @property
    def closed(self) -> int:
        """The close, in epoch seconds; the closing auction's stamp."""
        return int(self.session.close_utc.timestamp())

    @property
    def first_minute(self) -> int:
        """04:00 exchange time, in epoch seconds."""
        return int(self.session.first.timestamp())

    def chance(self, *names: object) -> float:
        """Give a number of [0, 1) that depends on the day and the names."""
        return chance(self.seed, *names, *self.case)

    def draws(self, *names: object) -> np.random.Generator:
        """Give a generator that depends on the day and the names."""
        return draws(self.seed, *names, *self.case)


def instant(epoch_seconds: int) -> datetime:
    """Give the instant, in UTC."""
    return datetime.fromtimestamp(epoch_seconds, UTC)


def trading_day(day: Day, *, unit: float) -> Bars:
    """Give everything that traded: every regular minute, the auction, some minutes around them.

    Prices are cents, as traded; outside the regular session volume is 0, as the vendor has it.
    The closing auction is a flat bar stamped exactly at the close.

    Args:
        day: The ticker and the session.
        unit: Shares that one share of 1990 has become by the session, through splits.
    """
    rng = day.draws("truth")
    walk = _walk(rng, *_ends(day), day.session.minutes)
    early, late = _extended_ts(rng, day)
    regular = day.opened + 60 * np.arange(day.session.minutes)
    logs = (
        _candles(rng, _around(rng, walk[0], len(early))),
        _candles(rng, np.stack((walk[:-1], walk[1:]))),
        np.full((4, 1), walk[-1] + day.draws("auction").normal(0, AUCTION_MOVE)),
        _candles(rng, _around(rng, walk[-1], len(late))),
    )
    traded = np.maximum(_volume(rng, day) * unit, 1)
    auction = traded.sum() * rng.uniform(0.02, 0.10)
    return bars(
        ts=np.concatenate((early, regular, [day.closed], late)),
        prices=_cents(np.exp(np.concatenate(logs, axis=1)) / unit),
        volume=np.concatenate(
            (np.zeros(len(early)), traded, [auction], np.zeros(len(late)))
        ).astype(np.int64),
    )


@lru_cache(maxsize=512)
def _levels(seed: int, ticker: str) -> Floats:
    """Log prices at the close of each weekday since 1990: a walk that is pulled to its base."""
    rng = draws(seed, "levels", ticker)
    base = rng.uniform(np.log(20), np.log(600))
    decay = PULL ** np.arange(WEEKDAYS)
    path: Floats = np.cumsum(rng.normal(0, DAY_MOVE, WEEKDAYS) / decay) * decay
    return base + path


def _ends(day: Day) -> tuple[float, float]:
    """Log prices at the session's open and close; the open is the last close and a gap."""
    weekday = int(np.busday_count(FIRST, day.session.session_date))
    levels = _levels(day.seed, day.ticker)
    gap = day.draws("night").normal(0, NIGHT_MOVE)
    return float(levels[max(weekday - 1, 0)] + gap), float(levels[weekday])


def _u_shape(minutes: int) -> Floats:
    """How lively each minute is, 1 on average: most at the open and the close."""
    shape: Floats = 0.4 + 1.8 * np.linspace(-1, 1, minutes) ** 2
    return shape


def _walk(rng: np.random.Generator, start: float, end: float, minutes: int) -> Floats:
    """Log prices at the edges of the minutes, from `start` to `end`."""
    steps = rng.normal(0, MINUTE_MOVE, minutes) * np.sqrt(_u_shape(minutes))
    free = np.concatenate(([0.0], np.cumsum(steps)))
    bridge: Floats = start + free + (end - start - free[-1]) * np.linspace(0, 1, minutes + 1)
    return bridge


def _around(rng: np.random.Generator, level: float, count: int) -> Floats:
    """Log opens and closes of the bars outside the regular session."""
    return level + rng.normal(0, 2 * MINUTE_MOVE, (2, count))


def _candles(rng: np.random.Generator, ends: Floats) -> Floats:
    """Log open, high, low, close from log opens and closes."""
    reach = np.abs(rng.normal(0, MINUTE_MOVE / 2, ends.shape))
    return np.stack((ends[0], ends.max(axis=0) + reach[0], ends.min(axis=0) - reach[1], ends[1]))


def _cents(prices: Floats) -> Floats:
    cents: Floats = np.maximum(np.round(prices, 2), CENT)
    return cents


def _volume(rng: np.random.Generator, day: Day) -> Floats:
    usual = 1_000 * 200 ** chance(day.seed, "volume", day.ticker)
    minutes = day.session.minutes
    volume: Floats = usual * _u_shape(minutes) * rng.lognormal(-0.18, 0.6, minutes)
    return volume


def _extended_ts(rng: np.random.Generator, day: Day) -> tuple[Ints, Ints]:
    """Stamps of 20 to 40 minutes before the open and after the auction."""
    ts = day.first_minute + 60 * np.arange(DAY_MINUTES)
    outside = ts[(ts < day.opened) | (ts > day.closed)]
    chosen = np.sort(rng.choice(outside, rng.integers(20, 41), replace=False))
    return chosen[chosen < day.opened], chosen[chosen > day.closed]
