"""Decisions to let refused rows in, as immutable landing files: a rebuild repeats them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from barlake.io.schemas import schema
from barlake.io.store import Store
from barlake.model.landed import DECIDED, RELEASES, Release

Decided = tuple[str, int, str, str, str]
"""What one decided row is named by: request_id, row, rule, ticker, ts_text."""

_KEY = ("request_id", "row", "rule", "ticker", "ts_text")
SCHEMA = schema(DECIDED)


def land(store: Store, decision: Release, rows: Iterable[Decided]) -> Release:
    """Write a decision as one file, named by who decided what and why, and give it with its id.

    The same decision lands once: where it is there already, it stays as it was.
    """
    named = sorted(set(rows))
    said = repr((decision.released_by, decision.why, named))
    made = replace(decision, release_id=sha256(said.encode()).hexdigest()[:32], rows=len(named))
    store.put_once(_name(made.release_id), _parquet(made, named))
    return _read(store, _name(made.release_id))


def landed(store: Store) -> list[Release]:
    """Give every decision, in the order in which they were taken."""
    known = [_read(store, name) for name in names(store)]
    return sorted(known, key=lambda release: (release.released_at, release.release_id))


def names(store: Store) -> list[str]:
    """Give the paths of the decisions' files, below the lake."""
    return [name for name in store.names(RELEASES) if name.endswith(".parquet")]


def requests_of(store: Store, decisions: Sequence[Release]) -> set[str]:
    """Give the requests whose rows the decisions let in."""
    return {name for decision in decisions for name in _requests(store, decision)}


def copy(origin: Store, target: Store) -> None:
    """Copy every decision into another lake; those that are there stay."""
    for name in names(origin):
        target.put_once(name, origin.get(name))


def _requests(store: Store, decision: Release) -> list[str]:
    with store.open(_name(decision.release_id)) as file:
        return [str(name) for name in pq.read_table(file)["request_id"].to_pylist()]


def _name(release_id: str) -> str:
    return f"{RELEASES}/{release_id}.parquet"


def _parquet(decision: Release, rows: Sequence[Decided]) -> bytes:
    same = {
        "release_id": decision.release_id,
        "released_at": decision.released_at,
        "released_by": decision.released_by,
        "why": decision.why,
    }
    entries = [dict(zip(_KEY, row, strict=True)) | same for row in rows]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(entries, schema=SCHEMA), sink, compression="zstd")
    return bytes(sink.getvalue())


def _read(store: Store, name: str) -> Release:
    said = ["release_id", "released_at", "released_by", "why"]
    with store.open(name) as opened, pq.ParquetFile(opened) as file:
        first = next(file.iter_batches(batch_size=1, columns=said)).to_pylist()[0]
        return Release(**first, rows=file.metadata.num_rows)
