"""What the lake must hold after one delivery of bars: pandas and NumPy, from the contract alone.

Independent on purpose: nothing of barlake is imported, the calendar is exchange_calendars', and
every average is a loop. Slow and plain. A delivery is a frame of bars as `adapters` gives it (see
there), all of it known at one instant, late enough that every bar is eligible and settled.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Any, NamedTuple, cast

import exchange_calendars
import numpy as np
import numpy.typing as npt
import pandas as pd

PRICES = ["open", "high", "low", "close"]
BARS = ["ticker", "ts", *PRICES, "volume"]
SILVER = ["ticker", "ts", "session_date", "minute_of_session", "segment", *PRICES, "volume"]
SILVER += ["is_filled", "fill_age"]
COVERAGE = ["ticker", "session_date", "expected", "observed", "filled"]
COVERAGE += ["missing_before_first", "missing_after_last", "auction_observed", "longest_gap"]
COVERAGE += ["first_ts", "last_ts"]
COARSE = ["ticker", "interval", "ts", *PRICES, "volume", "vwap"]
COARSE += ["n_observed", "n_expected", "is_short"]
FEATURES = ["ticker", "ts", "ret_1m", "ret_5m", "log_ret_1m", "log_ret_5m", "log_ret_15m"]
FEATURES += ["sma_20", "std_20", "ema_12", "ema_26", "rv_30", "high_30", "low_30"]
FEATURES += ["volume_sum_15", "volume_z_60", "rsi_14", "atr_14", "vwap", "vwap_dist"]
FEATURES += ["rel_volume_20d", "gap_from_prior_close", "is_filled", "n_filled_60"]
MINUTE = pd.Timedelta(minutes=1)
NEW_YORK = "America/New_York"
TICKER = re.compile(r"[A-Z0-9][A-Z0-9.^=-]{0,14}")
INTERVALS = {"5m": 5, "15m": 15, "30m": 30, "60m": 60, "1d": None}
EXACT = Context(prec=400)

Floats = npt.NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True)
class Session:
    """One session of XNYS: instants in UTC, `minutes` between open and close."""

    opens: pd.Timestamp
    closes: pd.Timestamp
    pre_from: pd.Timestamp
    post_to: pd.Timestamp
    minutes: int
    previous: date | None


class Place(NamedTuple):
    """Where a minute falls; `minute` is null outside the regular segment."""

    session_date: date
    segment: str
    minute: int | None


@dataclass(frozen=True)
class Truth:
    """Everything that one delivery leads to; see the functions of the same names."""

    fates: pd.DataFrame
    silver: pd.DataFrame
    coverage: pd.DataFrame
    bars: pd.DataFrame
    features: pd.DataFrame


def truth(delivery: pd.DataFrame) -> Truth:
    """Give what an empty lake must hold once it has taken this delivery."""
    judged = fates(delivery)
    believed = silver(judged)
    return Truth(judged, believed, coverage(believed), bars(believed), features(believed))


# The calendar


@lru_cache(maxsize=1)
def sessions() -> dict[date, Session]:
    """Give every session since 1990, by its exchange-local date."""
    found: dict[date, Session] = {}
    previous = None
    calendar = exchange_calendars.get_calendar("XNYS", start="1990-01-01")
    for day, hours in calendar.schedule.iterrows():
        found[day.date()] = Session(
            opens=hours["open"],
            closes=hours["close"],
            pre_from=(day + pd.Timedelta(hours=4)).tz_localize(NEW_YORK).tz_convert("UTC"),
            post_to=(day + pd.Timedelta(hours=20)).tz_localize(NEW_YORK).tz_convert("UTC"),
            minutes=(hours["close"] - hours["open"]) // MINUTE,
            previous=previous,
        )
        previous = day.date()
    return found


def place(ts: pd.Timestamp) -> Place | None:
    """Find the session and the segment of a minute; null where no session's span holds it."""
    day = ts.tz_convert(NEW_YORK).date()
    session = sessions().get(day)
    if session is None or not session.pre_from <= ts < session.post_to:
        return None
    if ts < session.opens:
        return Place(day, "pre", None)
    if ts < session.closes:
        return Place(day, "regular", (ts - session.opens) // MINUTE)
    return Place(day, "close_auction" if ts == session.closes else "post", None)


# What becomes of each row served


def denoised(price: float) -> float:
    """Round half up, as the number is spelled: to 4 decimals below 1,000, to 2 from there on."""
    if not math.isfinite(price):
        return price
    unit = Decimal("0.0001") if price < 1000 else Decimal("0.01")
    return float(Decimal(repr(price)).quantize(unit, ROUND_HALF_UP, EXACT))


def fates(delivery: pd.DataFrame) -> pd.DataFrame:
    """Add `fate`, `session_date`, `segment` and `minute_of_session`; prices without noise.

    Fates: `duplicate` (an equal row stands before it), `implausible`, `off_grid`, `outside`,
    `conflicting` (its key has another row that says something else), `accepted`. A row of several
    gets the first of these. Same rows, same order; the place is null unless `accepted`.
    """
    judged = delivery[BARS].reset_index(drop=True).astype({"volume": "Int64"})
    for price in PRICES:
        judged[price] = [denoised(float(value)) for value in judged[price]]
    fate = pd.Series([_own_fault(bar) for bar in records(judged)], dtype="object")
    repeated = judged.duplicated(BARS)
    disputed = judged.where(~repeated).duplicated(["ticker", "ts"], keep=False) & ~repeated
    fate = fate.mask((fate == "accepted") & disputed, "conflicting")
    judged["fate"] = fate.mask(repeated, "duplicate")
    places = [place(bar["ts"]) if bar["fate"] == "accepted" else None for bar in records(judged)]
    judged["session_date"] = [at.session_date if at else None for at in places]
    judged["segment"] = [at.segment if at else None for at in places]
    minutes = [at.minute if at else None for at in places]
    judged["minute_of_session"] = pd.array(minutes, dtype="Int64")
    return judged


def records(frame: pd.DataFrame) -> list[Row]:
    """Give each row by its columns' names."""
    return cast("list[Row]", frame.to_dict("records"))


def is_null(value: float | pd.Timestamp | None) -> bool:
    """Say whether a cell is None, NaN, NaT or NA."""
    return bool(pd.isna(value))


def _own_fault(bar: Row) -> str:
    if not _is_plausible(bar):
        return "implausible"
    if bar["ts"] != bar["ts"].floor("min"):
        return "off_grid"
    return "accepted" if place(bar["ts"]) else "outside"


def _is_plausible(bar: Row) -> bool:
    prices = [bar[price] for price in PRICES]
    is_named = TICKER.fullmatch(str(bar["ticker"])) is not None
    is_timed = not is_null(bar["ts"]) and bar["ts"] >= pd.Timestamp("1990-01-01", tz="UTC")
    is_priced = all(math.isfinite(price) and price > 0 for price in prices)
    is_ordered = bar["high"] >= max(prices) and bar["low"] <= min(prices)
    is_counted = not is_null(bar["volume"]) and bar["volume"] >= 0
    return is_named and is_timed and is_priced and is_ordered and is_counted


# What we believe


def silver(judged: pd.DataFrame) -> pd.DataFrame:
    """Give silver.bars_1m: accepted bars, and the regular segment filled where we know it empty.

    Takes what `fates` gives. The columns are SILVER, the rows in order of ticker and ts. The close
    was covered where some accepted bar of the delivery, of any ticker, is of the session's last
    minute or later, a later session's included.
    """
    accepted = judged[judged["fate"] == "accepted"].drop(columns="fate")
    reached = accepted["ts"].max()
    rows: list[Row] = []
    for _, day, of_day in days(accepted):
        session = sessions()[day]
        served = [bar | {"is_filled": False, "fill_age": 0} for bar in records(of_day)]
        rows += [bar for bar in served if bar["segment"] != "regular"]
        observed = {bar["minute_of_session"]: bar for bar in served if bar["segment"] == "regular"}
        rows += _grid(observed, session, is_covered=reached >= session.closes - MINUTE)
    believed = pd.DataFrame(rows, columns=SILVER)
    kinds: Row = {"ts": "datetime64[ns, UTC]", "minute_of_session": "Int64"}
    kinds |= {"volume": "int64", "is_filled": bool, "fill_age": "int64"}
    return believed.astype(kinds).sort_values(["ticker", "ts"], ignore_index=True)


def _grid(observed: dict[int, Row], session: Session, *, is_covered: bool) -> list[Row]:
    """Give each minute from the first observed one to the last known one."""
    if not observed:
        return []
    rows: list[Row] = []
    seen_at = min(observed)
    last = session.minutes - 1 if is_covered else max(observed)
    for minute in range(seen_at, last + 1):
        if minute in observed:
            seen_at = minute
            rows.append(observed[minute])
            continue
        carried = dict.fromkeys(PRICES, observed[seen_at]["close"])
        at = {"ts": session.opens + minute * MINUTE, "minute_of_session": minute}
        filled = {"volume": 0, "is_filled": True, "fill_age": minute - seen_at}
        rows.append(observed[seen_at] | at | carried | filled)
    return rows


def days(bars_of_all: pd.DataFrame) -> Iterable[tuple[str, date, pd.DataFrame]]:
    """Give (ticker, session_date, its rows by ts), in order of both."""
    for key, of_day in bars_of_all.groupby(["ticker", "session_date"]):
        ticker, day = cast("tuple[str, date]", key)
        yield ticker, day, of_day.sort_values("ts", ignore_index=True)


def regular(believed: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of the regular segment."""
    return believed[believed["segment"] == "regular"]


# How complete it is


def coverage(believed: pd.DataFrame) -> pd.DataFrame:
    """Count each ticker's minutes of each session of which silver has any row, of any segment.

    The columns are COVERAGE; first_ts and last_ts are of observed regular bars. With no regular
    bar at all every minute is missing before the first.
    """
    rows = [
        {"ticker": ticker, "session_date": day} | _counted(rows_of_day, sessions()[day])
        for ticker, day, rows_of_day in days(believed)
    ]
    return pd.DataFrame(rows, columns=COVERAGE)


def _counted(of_day: pd.DataFrame, session: Session) -> Row:
    minutes = regular(of_day)
    observed = minutes[~minutes["is_filled"]]
    seen = set(observed["minute_of_session"])
    grid = set(minutes["minute_of_session"])
    return {
        "expected": session.minutes,
        "observed": len(seen),
        "filled": len(grid - seen),
        "missing_before_first": min(grid, default=session.minutes),
        "missing_after_last": session.minutes - 1 - max(grid) if grid else 0,
        "auction_observed": bool((of_day["segment"] == "close_auction").any()),
        "longest_gap": _longest_run([minute not in seen for minute in range(session.minutes)]),
        "first_ts": observed["ts"].min(),
        "last_ts": observed["ts"].max(),
    }


def _longest_run(flags: Iterable[bool]) -> int:
    longest = run = 0
    for flag in flags:
        run = run + 1 if flag else 0
        longest = max(longest, run)
    return longest


# Coarser bars


def bars(believed: pd.DataFrame) -> pd.DataFrame:
    """Give gold.bars: observed regular minutes in buckets that start at the session's open.

    The columns are COARSE. A 1d bucket is its session, whatever that is long: never short.
    """
    rows: list[Row] = []
    for ticker, day, grid in days(regular(believed)):
        session = sessions()[day]
        observed = grid[~grid["is_filled"]]
        for interval, minutes in INTERVALS.items():
            length = minutes or session.minutes
            for number, bucket in observed.groupby(observed["minute_of_session"] // length):
                starts = int(number) * length
                rows.append(
                    {"ticker": ticker, "interval": interval, "ts": session.opens + starts * MINUTE}
                    | _pooled(bucket)
                    | {"n_expected": min(length, session.minutes - starts)}
                    | {"is_short": starts + length > session.minutes}
                )
    return pd.DataFrame(rows, columns=COARSE)


def _pooled(bucket: pd.DataFrame) -> Row:
    volume = int(bucket["volume"].sum())
    notional = float((hlc3(bucket) * bucket["volume"].to_numpy()).sum())
    return {
        "open": bucket["open"].iloc[0],
        "high": bucket["high"].max(),
        "low": bucket["low"].min(),
        "close": bucket["close"].iloc[-1],
        "volume": volume,
        "vwap": notional / volume if volume else math.nan,
        "n_observed": len(bucket),
    }


def hlc3(grid: pd.DataFrame) -> Floats:
    """Give (high + low + close) / 3."""
    return (floats(grid, "high") + floats(grid, "low") + floats(grid, "close")) / 3


# Features


def features(believed: pd.DataFrame) -> pd.DataFrame:
    """Give gold.features_1m: the columns are FEATURES, null is NaN.

    Without input_revision, run_id and computed_at, which are not of the bars' numbers.
    """
    if regular(believed).empty:
        return pd.DataFrame(columns=FEATURES)
    found_of: list[pd.DataFrame] = []
    held: dict[tuple[str, date], pd.DataFrame] = {}
    for ticker, day, grid in days(regular(believed)):
        earlier = [known for (of, _), known in held.items() if of == ticker]
        before = sessions()[day].previous
        yesterday = held.get((ticker, before)) if before else None
        found = session_features(grid)
        found["rel_volume_20d"] = relative_volume(grid, earlier[-20:])
        found["gap_from_prior_close"] = opening_gap(grid, yesterday)
        found["is_filled"] = grid["is_filled"]
        found["n_filled_60"] = [
            int(grid["is_filled"][max(0, i - 59) : i + 1].sum()) for i in grid.index
        ]
        found_of.append(pd.concat([grid[["ticker", "ts"]], found], axis="columns"))
        held[ticker, day] = grid
    return pd.concat(found_of, ignore_index=True)[FEATURES]


def session_features(grid: pd.DataFrame) -> pd.DataFrame:
    """Give the features that need nothing but their own session's grid, in minutes' order."""
    close, volume = floats(grid, "close"), floats(grid, "volume")
    log_ret = change(close, 1, lambda now, then: math.log(now / then))
    average = running_vwap(grid)
    found = {
        **{f"ret_{n}m": change(close, n, lambda now, then: now / then - 1) for n in (1, 5)},
        "log_ret_1m": log_ret,
        **{f"log_ret_{n}m": change(close, n, lambda a, b: math.log(a / b)) for n in (5, 15)},
        "sma_20": trailing(close, 20, np.mean),
        "std_20": trailing(close, 20, lambda window: np.std(window, ddof=1)),
        "ema_12": smoothed(close, 2 / 13),
        "ema_26": smoothed(close, 2 / 27),
        "rv_30": trailing(log_ret, 30, lambda window: math.sqrt(np.sum(window**2))),
        "high_30": trailing(floats(grid, "high"), 30, np.max),
        "low_30": trailing(floats(grid, "low"), 30, np.min),
        "volume_sum_15": trailing(volume, 15, np.sum),
        "volume_z_60": trailing(volume, 60, z_score),
        "rsi_14": rsi(close),
        "atr_14": smoothed(true_range(grid), 1 / 14),
        "vwap": average,
        "vwap_dist": close / average - 1,
    }
    return pd.DataFrame(found)


def floats(grid: pd.DataFrame, column: str) -> Floats:
    """Give a column as doubles."""
    return grid[column].to_numpy(dtype=np.float64)


def change(values: Floats, n: int, of: Callable[[float, float], float]) -> Floats:
    """Compare each value with the one n before; null for the first n."""
    pairs = zip(values[n:], values[:-n], strict=True)
    found = [math.nan] * min(n, len(values)) + [of(now, then) for now, then in pairs]
    return np.array(found, dtype=np.float64)


def trailing(values: Floats, n: int, of: Callable[[Floats], Any]) -> Floats:
    """Apply `of` to the last n values; null until there are n, and where one of them is null."""
    found = np.full(len(values), math.nan)
    for i in range(n - 1, len(values)):
        found[i] = of(values[i - n + 1 : i + 1])
    return found


def smoothed(values: Floats, weight: float) -> Floats:
    """Give s0 = x0, s = s[-1] + weight (x - s[-1])."""
    found: list[float] = []
    for value in values:
        found.append(found[-1] + weight * (value - found[-1]) if found else value)
    return np.array(found, dtype=np.float64)


def z_score(window: Floats) -> float:
    """Say how far the last value is from the mean, in sample standard deviations."""
    if np.all(window == window[0]):
        return math.nan
    return float((window[-1] - np.mean(window)) / np.std(window, ddof=1))


def rsi(close: Floats) -> Floats:
    """Give Wilder's RSI of 14 minutes, both averages seeded by the first difference."""
    steps = np.diff(close)
    gain = smoothed(np.maximum(steps, 0.0), 1 / 14)
    loss = smoothed(np.maximum(-steps, 0.0), 1 / 14)
    found = np.full(len(close), math.nan)
    for i in range(14, len(close)):
        up, down = gain[i - 1], loss[i - 1]
        found[i] = 100.0 if down == 0 else 100 - 100 / (1 + up / down)
    return found


def true_range(grid: pd.DataFrame) -> Floats:
    """Give max(high, previous close) - min(low, previous close); first of all high - low."""
    high, low, close = (floats(grid, name) for name in ("high", "low", "close"))
    found = high - low
    for i in range(1, len(found)):
        found[i] = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
    return found


def running_vwap(grid: pd.DataFrame) -> Floats:
    """Give the session's notional so far over its volume so far; null until a share traded."""
    volume = np.cumsum(floats(grid, "volume"))
    notional = np.cumsum(hlc3(grid) * floats(grid, "volume"))
    pairs = zip(notional, volume, strict=True)
    return np.array([sums / shares if shares > 0 else math.nan for sums, shares in pairs])


def volume_so_far(grid: pd.DataFrame) -> Floats:
    """Give the cumulative volume at minutes of session 0 to 389, wherever the grid starts and ends.

    0 before the first bar, the last value after the last: an early close or an unfinished session.
    """
    shares = np.zeros(390)
    shares[grid["minute_of_session"].to_numpy(dtype=np.int64)] = floats(grid, "volume")
    return np.cumsum(shares)


def relative_volume(grid: pd.DataFrame, earlier: list[pd.DataFrame]) -> Floats:
    """Give the volume so far over the median of `earlier` sessions' at the same minute."""
    found = np.full(len(grid), math.nan)
    if len(earlier) < 5:
        return found
    today, known = volume_so_far(grid), [volume_so_far(day) for day in earlier]
    for i, minute in enumerate(grid["minute_of_session"]):
        usual = np.median([volume[minute] for volume in known])
        found[i] = today[minute] / usual if usual else math.nan
    return found


def opening_gap(grid: pd.DataFrame, yesterday: pd.DataFrame | None) -> float:
    """Give the first open over the previous session's last regular close, minus 1."""
    if yesterday is None:
        return math.nan
    return float(grid["open"].iloc[0] / yesterday["close"].iloc[-1] - 1)
