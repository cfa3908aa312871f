"""Where bars come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from barlake.model.landed import Facts

_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("request_id", pa.string(), nullable=False),
    pa.field("row", pa.int32(), nullable=False),
    pa.field("ticker", pa.string()),
    pa.field("ts_text", pa.string()),
    pa.field("open_text", pa.string()),
    pa.field("high_text", pa.string()),
    pa.field("low_text", pa.string()),
    pa.field("close_text", pa.string()),
    pa.field("volume_text", pa.string()),
    pa.field("dividend_text", pa.string()),
    pa.field("split_text", pa.string()),
    pa.field("fetched_at_text", pa.string()),
    pa.field("fetched_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("raw", pa.string()),
]
SERVED_SCHEMA = pa.schema(_FIELDS)


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
