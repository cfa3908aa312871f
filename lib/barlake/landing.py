"""Answers -> immutable Parquet files, one per request batch; and back."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

import pyarrow as pa
import pyarrow.parquet as pq

from barlake.io.store import Store
from barlake.model.errors import InputError
from barlake.model.landed import FOLDER, RELEASES, Facts, Kind, Outcome
from barlake.sources.source import SERVED_SCHEMA, Answer

REAL = {"yahoo", "files"}
_FACTS = b"barlake.requests"


@dataclass(frozen=True, slots=True)
class Batch:
    """One landing file: `name` is its path below the lake, `source` who served it."""

    name: str
    source: str
    facts: tuple[Facts, ...]


def land(
    store: Store, source: str, answers: Sequence[Answer], *, kind: Kind = Kind.MINUTES
) -> Batch:
    """Write the answers as one file, named by its content; nothing where it is there already.

    A second answer to one request does not replace the first: what was received stays. Each kind
    lies in a folder of its own, so that nobody takes daily bars for minutes.

    Raises:
        InputError: The lake holds simulated bars and `source` is real, or the reverse.
    """
    refuse_mixing(store, source)
    facts = tuple(answer.facts for answer in answers)
    asked = sorted(f"{f.request_id} {','.join(f.asked or ())}".strip() for f in facts)
    digest = sha256("\n".join(asked).encode()).hexdigest()[:32]
    name = f"{FOLDER}/{source}{kind.value}/{digest}.parquet"
    if not store.exists(name):
        store.put_once(name, _parquet(facts, [answer.rows for answer in answers]))
    return read_batch(store, name)


def refuse_mixing(store: Store, source: str) -> None:
    """Refuse a source whose kind differs from what the lake holds: simulated or real."""
    landed = {_split(name)[0] for name in _names(store)}
    other = landed - REAL if source in REAL else landed & REAL
    if other:
        raise InputError(
            f"the lake {store.address} holds bars of {', '.join(sorted(other))}; "
            f"bars of {source} go into another lake: give --lake"
        )


def batches(store: Store, kind: Kind = Kind.MINUTES) -> list[Batch]:
    """Give every landing file of a kind, in the order in which the answers came."""
    known = [read_batch(store, name) for name in _names(store) if _split(name)[1] is kind]
    return sorted(known, key=lambda batch: (received_at(batch), batch.name))


def read_batch(store: Store, name: str) -> Batch:
    """Read a landing file's facts, not its rows."""
    return Batch(name, _split(name)[0], _facts_of(store, name))


def kind_of(batch: Batch) -> Kind:
    """Give what the batch holds."""
    return _split(batch.name)[1]


def received_at(batch: Batch) -> datetime:
    """Give when the batch's last answer came."""
    return max(fact.received_at for fact in batch.facts)


def copy(origin: Store, target: Store, wanted: Iterable[Batch]) -> None:
    """Copy landing files into another lake; those that are there stay."""
    for batch in wanted:
        target.put_once(batch.name, origin.get(batch.name))


def _split(name: str) -> tuple[str, Kind]:
    """Give who served a landing file, and what it holds."""
    source, dash, kind = name.split("/")[1].partition("-")
    return source, Kind(dash + kind)


def _names(store: Store) -> list[str]:
    names = (name for name in store.names(FOLDER) if name.endswith(".parquet"))
    return [name for name in names if not name.startswith(f"{RELEASES}/")]


def _parquet(facts: Sequence[Facts], tables: Sequence[pa.Table]) -> bytes:
    rows = pa.concat_tables([SERVED_SCHEMA.empty_table(), *tables])
    entries = json.dumps([asdict(fact) for fact in facts], default=datetime.isoformat)
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows.replace_schema_metadata({_FACTS: entries.encode()}), sink, compression="zstd"
    )
    return bytes(sink.getvalue())


@lru_cache(maxsize=100_000)
def _facts_of(store: Store, name: str) -> tuple[Facts, ...]:
    """Read a file's facts, once a process: a landing file never changes."""
    with store.open(name) as file:
        metadata = pq.read_metadata(file).metadata or {}
    return tuple(_facts(entry) for entry in json.loads(metadata[_FACTS]))


def _facts(entry: dict[str, object]) -> Facts:
    instants = ("range_start", "range_end", "requested_at", "received_at")
    parsed = {k: datetime.fromisoformat(str(entry[k])) if entry[k] else None for k in instants}
    names = entry.get("asked")
    asked = tuple(str(name) for name in names) if isinstance(names, list) else None
    rest = {"outcome": Outcome(str(entry["outcome"])), "asked": asked}
    return Facts(**(entry | parsed | rest))  # type: ignore[arg-type]
