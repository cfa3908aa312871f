"""What every page is made from: the lake open for reading, the settings, the clock."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from barlake.model.rules import TICKER
from barlake.readers.frames import OpenLake
from barlake.sections import PagesSettings

_CLOCK = "SELECT max(finished_at) FROM ops.runs"


@dataclass(frozen=True, slots=True)
class View:
    """A lake as the pages look at it; `as_of` is the lake's own clock unless one was given."""

    lake: OpenLake
    settings: PagesSettings
    as_of: datetime | None

    @classmethod
    def at(cls, lake: OpenLake, settings: PagesSettings, as_of: datetime | None) -> "View":
        """Give the view at an instant; without one, at the end of the last run recorded.

        The machine's time is not asked, so that pages of one lake are the same whenever they are
        made.
        """
        [(ended,)] = lake.sql(_CLOCK).fetchall()
        return cls(lake, settings, as_of or ended)

    @property
    def clock(self) -> str | None:
        """The instant as the pages spell it, UTC; None in a lake without a run."""
        return None if self.as_of is None else f"{self.as_of.astimezone(UTC):%Y-%m-%d %H:%M}"

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """Give the answer of a query, a dict a row; instants are for the query to spell."""
        found = self.lake.sql(query, **values)
        names = found.columns
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, query: str, **values: object) -> dict[str, Any]:
        """Give the one row of a query that counts."""
        [found] = self.rows(query, **values)
        return found


def has_page(ticker: str) -> bool:
    """Tell whether the name may be that of a file; text that is no ticker gets no page."""
    return re.fullmatch(TICKER, ticker) is not None


def percent(part: int, whole: int) -> float | None:
    """Give a share in percent, cut to one decimal: 100.0 is said of the whole alone."""
    return None if not whole else 1000 * part // whole / 10
