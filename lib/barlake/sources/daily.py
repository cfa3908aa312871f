"""Daily bars of a simulated vendor: what they hold that the minutes do not."""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from barlake.sources.absences import without_absent
from barlake.sources.announcements import in_unit_at, share_unit
from barlake.sources.draws import chance
from barlake.sources.exchange import CENT, Bars, Day, bars, joined, trading_day
from barlake.sources.manners import Chance, Manners, TickerSession
from barlake.sources.restatements import as_known, corrections_of

OFF_EXCHANGE = (0.03, 0.12)  # of a ticker's volume, on an average day
OFF_EXCHANGE_SPREAD = 0.1
REVISED_CLOSE = (0.006, 0.012)  # up, never down: a close of a cent could not go down
REVISED_VOLUME = (0.01, 0.05)


def daily_served(day: Day, manners: Manners, fetched_at: datetime) -> Bars:
    """Give the session's one bar, stamped with its open, as the vendor has it at an instant (UTC).

    It is made of what traded, with the vendor's lost minutes and its corrections; while the session
    runs, of what has traded so far. None before the open, nor for a ticker that did not trade.
    """
    known = _traded(day, manners, fetched_at)
    regular = known.take((known.ts >= day.opened) & (known.ts < day.closed))
    if not len(regular):
        return joined(())
    auction = known.take(known.ts == day.closed)
    counted = joined((regular, auction)) if _is_hit(day, manners, "daily_auctions") else regular
    reached = known if _is_hit(day, manners, "daily_extended") else counted
    prices = [
        regular.prices[0, 0],
        max(reached.prices[1].max(), counted.prices[1].max()),
        min(reached.prices[2].min(), counted.prices[2].min()),
        counted.prices[3, -1],
    ]
    volume = np.array([_volume(day, manners, regular, counted, auction)])
    whole = bars(np.array([day.opened]), np.array(prices)[:, np.newaxis], volume)
    return in_unit_at(_revised(whole, day, manners, fetched_at), day, manners, fetched_at)


def with_dates(rows: pa.Table, days: list[str]) -> pa.Table:
    """Put dates, YYYY-MM-DD, in place of the rows' times."""
    at = rows.schema.get_field_index("ts_text")
    return rows.set_column(at, rows.schema.field(at), pa.array(days, pa.string()))


def _traded(day: Day, manners: Manners, fetched_at: datetime) -> Bars:
    """Everything that had traded by the instant, in time order; bars as corrected by then."""
    truth = trading_day(day, unit=share_unit(day, manners))
    held = without_absent(truth, day, manners)
    steady = replace(manners, flips=Chance(), provisional=False)
    known = as_known(held, day, steady, fetched_at)
    complete = replace(
        manners,
        missing_minutes=Chance(),
        outages=Chance(),
        extended_hours=True,
        closing_auction=True,
    )
    traded = without_absent(truth, day, complete)
    both = joined((known, traded.take(~np.isin(traded.ts, known.ts))))
    ordered = both.take(np.argsort(both.ts))
    return ordered.take(ordered.ts <= int(fetched_at.timestamp()))


def _volume(day: Day, manners: Manners, regular: Bars, counted: Bars, auction: Bars) -> int:
    if not _is_hit(day, manners, "daily_off_exchange"):
        return int(counted.volume.sum())
    low, high = OFF_EXCHANGE
    usual = low + (high - low) * chance(day.seed, "off exchange", day.ticker)
    extra = usual * day.draws("off exchange").lognormal(0, OFF_EXCHANGE_SPREAD)
    return int((regular.volume.sum() + auction.volume.sum()) * (1 + extra))


def _revised(whole: Bars, day: Day, manners: Manners, fetched_at: datetime) -> Bars:
    for revision in corrections_of(day, manners.daily_revisions, "daily"):
        if revision.known_at <= fetched_at:
            rng = day.draws("daily revisions", revision.known_at)
            prices = whole.prices.copy()
            close = np.round(prices[3] * (1 + rng.uniform(*REVISED_CLOSE)), 2) + CENT
            prices[3], prices[1] = close, np.maximum(prices[1], close)
            volume = np.ceil(whole.volume * (1 + rng.uniform(*REVISED_VOLUME))).astype(np.int64)
            whole = replace(whole, prices=prices, volume=volume)
    return whole


def _is_hit(day: Day, manners: Manners, name: str) -> bool:
    manner: Chance[TickerSession] = getattr(manners, name)
    return day.chance(name) < manner.rate or day.case in manner.at
