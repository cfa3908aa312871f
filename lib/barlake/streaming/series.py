"""One ticker's session: its bars in order of their minutes, with the sums up to each."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from barlake.streaming.messages import Bar


@dataclass(slots=True)
class Cell:
    """One minute: its bar, and the sums of the session up to it.

    `is_stored`: gold has a row for it. `is_news`: that row, if there is one, says something else.
    """

    bar: Bar
    cum_volume: int = 0
    cum_notional: float = 0.0
    n_bars: int = 0
    alert_state: str | None = None
    is_stored: bool = False
    is_news: bool = True

    @property
    def vwap(self) -> float | None:
        """Dollars; None until a share has traded."""
        return self.cum_notional / self.cum_volume if self.cum_volume else None

    @property
    def sums(self) -> tuple[int, float, int]:
        """What later bars cannot change, other than by a correction."""
        return self.cum_volume, self.cum_notional, self.n_bars


class Series:
    """The cells of one ticker and session, each minute once."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []

    @property
    def last(self) -> Cell | None:
        """The newest minute's."""
        return self.cells[-1] if self.cells else None

    def restore(self, cells: list[Cell]) -> None:
        """Take up what gold holds; a cell whose sums its bars do not give becomes news.

        So it is where a run died after it wrote a late bar and before it wrote the later cells.
        """
        self.cells = sorted(cells, key=lambda cell: cell.bar.ts)
        self._sum_up(0)

    def put(self, bar: Bar) -> Cell | None:
        """Take in a bar; give its cell if it extends the session, else None.

        A revision that is held, or an older one, changes nothing. A late or corrected bar changes
        the sums of every later cell; they run in order of the minutes, so that their bits do not
        depend on the order in which bars come.
        """
        at = bisect_left(self.cells, bar.ts, key=_ts)
        if at == len(self.cells):
            self.cells.append(Cell(bar))
            self._sum_up(at)
            return self.cells[at]
        held = self.cells[at]
        if held.bar.ts != bar.ts:
            self.cells.insert(at, Cell(bar))
            self._sum_up(at)
        elif bar.revision > held.bar.revision:
            held.bar, held.is_news = bar, True
            self._sum_up(at)
        return None

    def before(self, cell: Cell, count: int) -> list[Cell]:
        """Give up to `count` cells before a cell, in order."""
        at = bisect_left(self.cells, cell.bar.ts, key=_ts)
        return self.cells[max(0, at - count) : at]

    def at_or_before(self, moment: datetime) -> Cell | None:
        """Give the newest cell whose minute is not after a moment."""
        at = bisect_left(self.cells, moment, key=_ts)
        if at < len(self.cells) and self.cells[at].bar.ts == moment:
            return self.cells[at]
        return self.cells[at - 1] if at else None

    def news(self) -> Iterator[Cell]:
        """Give the cells that gold does not hold as they are."""
        return (cell for cell in self.cells if cell.is_news)

    def _sum_up(self, start: int) -> None:
        volume, notional = (0, 0.0) if start == 0 else self.cells[start - 1].sums[:2]
        for at in range(start, len(self.cells)):
            cell = self.cells[at]
            volume += cell.bar.volume
            notional += cell.bar.hlc3 * cell.bar.volume
            if cell.sums != (volume, notional, at + 1):
                cell.cum_volume, cell.cum_notional, cell.n_bars = volume, notional, at + 1
                cell.is_news = True


def _ts(cell: Cell) -> datetime:
    return cell.bar.ts
