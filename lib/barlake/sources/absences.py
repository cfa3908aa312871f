"""Bars that a simulated vendor does not have: never traded, halted, lost."""

from datetime import timedelta

import numpy as np

from barlake.sources.draws import chance
from barlake.sources.exchange import Bars, Day, Mask, instant
from barlake.sources.manners import Manners


def without_absent(truth: Bars, day: Day, manners: Manners) -> Bars:
    """Give the bars of a whole trading day that the vendor ever has."""
    if is_delisted(day, manners):
        return truth.take(slice(0))
    is_auction = truth.ts == day.closed
    is_regular = (truth.ts >= day.opened) & (truth.ts < day.closed)
    absent = np.where(is_auction, not manners.closing_auction, not manners.extended_hours)
    absent[is_regular] = _not_traded(day, manners) | _lost(day, manners)
    return truth.take(~absent)


def is_delisted(day: Day, manners: Manners) -> bool:
    """Say whether the ticker is traded no more."""
    return any(
        gone.ticker == day.ticker and gone.first_without <= day.session.session_date
        for gone in manners.delistings
    )


def is_sparse(seed: int, ticker: str, manners: Manners) -> bool:
    """Say whether the ticker trades in some minutes only."""
    return chance(seed, "sparse", ticker) < manners.sparse.rate or ticker in manners.sparse.at


def halt(day: Day, manners: Manners) -> range:
    """Give the minutes of the session for which the ticker is halted; mostly none.

    A halt leaves minutes before and after it.
    """
    is_drawn = day.chance("halts") < manners.halts.rate
    if not is_drawn and day.case not in manners.halts.at:
        return range(0)
    length = 5 + int(56 * day.chance("halt's length"))
    start = 5 + int((day.session.minutes - 10 - length) * day.chance("halt's start"))
    return range(start, start + length)


def outage(day: Day, manners: Manners) -> range:
    """Give the two minutes of the session that no ticker has; mostly none."""
    session_date = day.session.session_date
    is_drawn = chance(day.seed, "outages", session_date) < manners.outages.rate
    if not is_drawn and session_date not in manners.outages.at:
        return range(0)
    start = int((day.session.minutes - 1) * chance(day.seed, "outage's start", session_date))
    return range(start, start + 2)


def _not_traded(day: Day, manners: Manners) -> Mask:
    """Regular minutes without a trade."""
    minutes = day.session.minutes
    halted = halt(day, manners)
    silent = np.zeros(minutes, np.bool_)
    silent[halted.start : halted.stop] = True
    if is_sparse(day.seed, day.ticker, manners):
        traded = 0.3 + 0.3 * chance(day.seed, "traded share", day.ticker)
        silent |= day.draws("sparse").random(minutes) >= traded
    return silent


def _lost(day: Day, manners: Manners) -> Mask:
    """Regular minutes that traded, and that the vendor lost."""
    minutes = day.session.minutes
    gone = outage(day, manners)
    lost = np.zeros(minutes, np.bool_)
    lost[gone.start : gone.stop] = True
    if manners.missing_minutes and not is_sparse(day.seed, day.ticker, manners):
        lost |= _holes(day, manners)
    return lost


def _holes(day: Day, manners: Manners) -> Mask:
    """Single minutes: of two neighbours that were drawn, the first is a hole."""
    drawn = day.draws("missing minutes").random(day.session.minutes) < manners.missing_minutes.rate
    holes = drawn & ~np.concatenate(([False], drawn[:-1]))
    asked = {ts for ticker, ts in manners.missing_minutes.at if ticker == day.ticker}
    span = day.session.close_utc - day.session.open_utc
    for ts in asked:
        if timedelta() <= ts - instant(day.opened) < span:
            holes[(ts - instant(day.opened)) // timedelta(minutes=1)] = True
    return holes
