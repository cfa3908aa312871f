"""Where bars come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

import pyarrow as pa

from barlake.io.schemas import schema
from barlake.model.errors import InputError
from barlake.model.landed import ENDS_ID, SERVED, Facts, Kind

SERVED_SCHEMA = schema(SERVED)
DAILY_REQUEST = ENDS_ID[Kind.DAILY]


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


@runtime_checkable
class ActionsSource(Source, Protocol):
    """A vendor that tells a ticker's splits and dividends as well."""

    def actions(self, request: Request) -> Answer:
        """Ask for those in a range: a row for each, without prices; `ts_text` is its instant.

        Raises:
            InputError: The request names no ticker or no range.
        """


def asking(source: Source, kind: Kind) -> Callable[[Request], Answer]:
    """Give how a source is asked for what.

    Raises:
        InputError: It does not have that.
    """
    match kind:
        case Kind.MINUTES:
            return source.fetch
        case Kind.DAILY if isinstance(source, DailySource):
            return source.daily
        case Kind.ACTIONS if isinstance(source, ActionsSource):
            return source.actions
    if kind is Kind.DAILY:
        raise InputError(f"the source {source.name} has no daily bars; leave out --interval 1d")
    raise InputError(f"the source {source.name} tells no splits and dividends apart")
