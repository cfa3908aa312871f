"""Where bars come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import pyarrow as pa

from barlake.io.schemas import schema
from barlake.model.errors import InputError
from barlake.model.landed import SERVED, Facts

SERVED_SCHEMA = schema(SERVED)
# Ends the id of each request for daily bars: the same file, or the same range at the same instant,
# may have been asked for its minutes as well.
DAILY_REQUEST = "-1d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to ask a source for: one ticker's bars over [start, end), both UTC; or one file."""

    ticker: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was served, as text, with nothing repaired, dropped or rounded.

    `rows` has SERVED_SCHEMA; `facts.rows` counts them.
    """

    facts: Facts
    rows: pa.Table


class Source(Protocol):
    """A vendor of bars; tests hold every source to the same words."""

    @property
    def name(self) -> str:
        """Give the word that bronze.bars.source keeps."""

    def requests(self, wanted: Sequence[Request]) -> Sequence[Request]:
        """Give what must be asked to get what is wanted; a source of files ignores the plan."""

    def fetch(self, request: Request) -> Answer:
        """Ask, at the vendor's pace; a failure is an outcome, never an exception.

        Raises:
            InputError: A file is not what it says it is.
        """


@runtime_checkable
class DailySource(Source, Protocol):
    """A vendor that has daily bars as well; what they hold is the vendor's business."""

    def daily(self, request: Request) -> Answer:
        """Ask for one bar per session; `ts_text` is the session's date, or an instant of it.

        Raises:
            InputError: A file is not what it says it is.
        """


def asking(source: Source, *, is_daily: bool) -> Callable[[Request], Answer]:
    """Give how a source is asked, for minutes or for daily bars.

    Raises:
        InputError: It has no daily bars.
    """
    if not is_daily:
        return source.fetch
    if not isinstance(source, DailySource):
        raise InputError(f"the source {source.name} has no daily bars; leave out --interval 1d")
    return source.daily
