"""Bars that somebody already has: CSV or Parquet, one file or a folder of them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from barlake.model.errors import InputError
from barlake.model.landed import Facts, Outcome
from barlake.sources.csv_text import csv_texts
from barlake.sources.file_bytes import content, files_at
from barlake.sources.parquet_text import parquet_texts
from barlake.sources.source import DAILY_REQUEST, SERVED_SCHEMA, Answer, Request


class FilesSource:
    """A source whose requests are files; a file's content, not its name, tells it from others.

    Attributes:
        name: The word that bronze.bars.source keeps.
    """

    name = "files"

    def __init__(
        self, *, path: Path, clock: Callable[[], datetime], asked: Sequence[str] | None = None
    ) -> None:
        self._path = path
        self._clock = clock
        self._asked = None if asked is None else tuple(sorted(asked))
        self._digests: dict[Path, str] = {}

    def requests(self, wanted: Sequence[Request]) -> Sequence[Request]:
        """Give one request per file, by name, whatever is wanted; equal content once.

        Raises:
            InputError: Nothing is there, or something else than files of bars; or a file that is
                not what this source read of it before.
        """
        del wanted
        named: dict[str, Request] = {}
        for file in files_at(self._path):
            named.setdefault(self._read(file)[1], Request(path=str(file)))
        return list(named.values())

    def fetch(self, request: Request) -> Answer:
        """Read one file once: its hash and its rows come from the same bytes.

        Raises:
            InputError: The file is no file of bars, or not what this source read of it before; one
                sentence says why and what to do.
        """
        return self._answer(request, is_daily=False)

    def daily(self, request: Request) -> Answer:
        """Read one file of daily bars; `ts` may be a date.

        Raises:
            InputError: The file is no file of bars, or not what this source read of it before; one
                sentence says why and what to do.
        """
        return self._answer(request, is_daily=True)

    def _answer(self, request: Request, *, is_daily: bool) -> Answer:
        if request.path is None:
            raise InputError("a source of files has no answer to a request without a path")
        path, now = Path(request.path), self._clock()
        served, digest = self._read(path)
        texts = _texts(served, file=path.name, is_daily=is_daily)
        facts = Facts(
            request_id=digest + (DAILY_REQUEST if is_daily else ""),
            ticker=None,
            range_start=None,
            range_end=None,
            requested_at=now,
            received_at=now,
            attempts=1,
            rows=texts.num_rows,
            outcome=Outcome.OK,
            detail=path.name,
            asked=self._asked,
        )
        return Answer(facts=facts, rows=_served(texts, facts))

    def _read(self, path: Path) -> tuple[bytes, str]:
        """Give a file's content and its hash, which must be that of the first reading."""
        served = content(path)
        digest = sha256(served).hexdigest()
        if self._digests.setdefault(path, digest) != digest:
            raise InputError(f"{path.name} changed while it was read; run again when it is whole")
        return served, digest

    def answers(self) -> Sequence[Answer]:
        """Fetch every file, so that a bad one is found before any is landed.

        Raises:
            InputError: One of the files is no file of bars.
        """
        return [self.fetch(request) for request in self.requests(())]


def _texts(served: bytes, *, file: str, is_daily: bool) -> pa.Table:
    if file.lower().endswith(".parquet"):
        return parquet_texts(served, file=file, is_daily=is_daily)
    return csv_texts(served, file=file)


def _served(texts: pa.Table, facts: Facts) -> pa.Table:
    """Complete the file's texts to SERVED_SCHEMA; what the file does not have is null."""
    same = {"request_id": facts.request_id, "fetched_at": facts.received_at}
    rows = texts.append_column("row", pa.array(range(texts.num_rows), pa.int32()))
    for field in SERVED_SCHEMA:
        if field.name not in rows.column_names:
            value = pa.scalar(same.get(field.name), field.type)
            rows = rows.append_column(field.name, pa.repeat(value, texts.num_rows))
    return rows.select(SERVED_SCHEMA.names).cast(SERVED_SCHEMA)
