"""What the alert rules measure at a bar, from the bars of its session up to it."""

from collections.abc import Callable
from datetime import timedelta
from math import sqrt
from statistics import fmean, stdev

from barlake.sections import AlertRule
from barlake.streaming.series import Cell, Series

Measure = Callable[[Series, Cell, AlertRule], float | None]


def vwap_side(_series: Series, cell: Cell, _rule: AlertRule) -> float | None:
    """Give close / vwap - 1; None until a share has traded."""
    return cell.bar.close / cell.vwap - 1 if cell.vwap else None


def vwap_deviations(series: Series, cell: Cell, rule: AlertRule) -> float | None:
    """Give (close - vwap) / s, where s^2 is the volume-weighted mean of (hlc3 - vwap)^2.

    None under `rule.bars` bars, and where s is 0.
    """
    vwap = cell.vwap
    if vwap is None or cell.n_bars < rule.bars:
        return None
    bars = [held.bar for held in series.before(cell, cell.n_bars)] + [cell.bar]
    squares = sum(bar.volume * (bar.hlc3 - vwap) ** 2 for bar in bars)
    spread = sqrt(squares / cell.cum_volume)
    # hlc3 of equal bars differs from their VWAP by what is lost in rounding.
    return (cell.bar.close - vwap) / spread if spread > 1e-9 * vwap else None


def volume_deviations(series: Series, cell: Cell, rule: AlertRule) -> float | None:
    """Give (volume - mean) / sample standard deviation of the `rule.bars` bars before.

    None under that many, and where the deviation is 0.
    """
    past = [held.bar.volume for held in series.before(cell, rule.bars)]
    if len(past) < max(rule.bars, 2):
        return None
    spread = stdev(past)
    return (cell.bar.volume - fmean(past)) / spread if spread else None


def move(series: Series, cell: Cell, rule: AlertRule) -> float | None:
    """Give close / close `rule.minutes` before - 1, of the last bar by then; None without one."""
    then = series.at_or_before(cell.bar.ts - timedelta(minutes=rule.minutes))
    return cell.bar.close / then.bar.close - 1 if then else None


MEASURES: dict[str, Measure] = {
    "vwap_side": vwap_side,
    "vwap_deviations": vwap_deviations,
    "volume_deviations": volume_deviations,
    "move": move,
}
