"""Splits and dividends of a simulated vendor: when they are told, and what they rescale."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import prod

import numpy as np

from barlake.calendar import FIRST, Session, between
from barlake.sources.draws import chance
from barlake.sources.exchange import Bars, Day
from barlake.sources.manners import Chance, Dividend, Manners, Split

RATIOS = (2, 3, 4, 10)
LAST_YEAR = 2052  # of the exchange's prices
LONGEST_CLOSURE = timedelta(days=10)


@lru_cache(maxsize=1024)
def splits_of(ticker: str, seed: int, manner: Chance[Split]) -> tuple[Split, ...]:
    """Give every split of the ticker, drawn and asked for; no order promised."""
    drawn = (
        Split(
            ticker=ticker,
            ex_date=date(year, 1, 1) + timedelta(days=int(365 * chance(seed, "ex", ticker, year))),
            ratio=RATIOS[int(len(RATIOS) * chance(seed, "ratio", ticker, year))],
        )
        for year in range(FIRST.year, LAST_YEAR + 1)
        if chance(seed, "splits", ticker, year) < manner.rate
    )
    return (*drawn, *(split for split in manner.at if split.ticker == ticker))


def share_unit(day: Day, manners: Manners) -> float:
    """Give the shares that one share of 1990 has become by the session."""
    known = splits_of(day.ticker, day.seed, manners.splits)
    return prod(split.ratio for split in known if split.ex_date <= day.session.session_date)


def in_unit_at(bars: Bars, day: Day, manners: Manners, fetched_at: datetime) -> Bars:
    """Convert a day's bars, as traded, into the share unit that the vendor serves at the fetch.

    From the open of a split's first session on, earlier sessions are served in the new unit.
    """
    ratio = prod(
        split.ratio
        for split in splits_of(day.ticker, day.seed, manners.splits)
        if day.session.session_date < split.ex_date <= fetched_at.date()
        and _first_session(split.ex_date).open_utc <= fetched_at
    )
    if ratio == 1:
        return bars
    return replace(
        bars,
        prices=bars.prices / ratio,
        volume=np.round(bars.volume * ratio).astype(np.int64),
    )


def with_announcements(bars: Bars, day: Day, manners: Manners) -> Bars:
    """Put the day's split and dividend on its first bar from the open on, once it is there."""
    regular = np.flatnonzero(bars.ts >= day.opened)
    if not len(regular):
        return bars
    dividend, split = bars.dividend.copy(), bars.split.copy()
    for event in splits_of(day.ticker, day.seed, manners.splits):
        if _is_told(event.ex_date, day):
            split[regular[0]] = event.ratio
    for paid in _dividends_near(day, manners.dividends):
        if _is_told(paid.ex_date, day):
            dividend[regular[0]] = paid.value
    return replace(bars, dividend=dividend, split=split)


def _dividends_near(day: Day, manner: Chance[Dividend]) -> list[Dividend]:
    """Dividends asked for, and the one that may be drawn for the session's quarter."""
    here = day.session.session_date
    start = date(here.year, here.month - (here.month - 1) % 3, 1)
    # 80 days: even before a long weekend, the session that tells it is in the same quarter.
    drawn = Dividend(
        ticker=day.ticker,
        ex_date=start + timedelta(days=int(80 * chance(day.seed, "pays", day.ticker, start))),
        value=round(0.05 + chance(day.seed, "value", day.ticker, start), 2),
    )
    asked = [paid for paid in manner.at if paid.ticker == day.ticker]
    is_drawn = chance(day.seed, "dividends", day.ticker, start) < manner.rate
    return [drawn, *asked] if is_drawn else asked


def _is_told(ex_date: date, day: Day) -> bool:
    here = day.session.session_date
    is_near = ex_date <= here <= ex_date + LONGEST_CLOSURE
    return is_near and _first_session(ex_date) == day.session


@lru_cache(maxsize=1024)
def _first_session(ex_date: date) -> Session:
    """Give the session of the date; of a holiday, the session after it."""
    return between(ex_date, ex_date + LONGEST_CLOSURE)[0]
