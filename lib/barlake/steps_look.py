"""What the commands do that look at a lake and change no table."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import barlake
from barlake.model.errors import InputError, QualityError
from barlake.options import Options
from barlake.progress import Progress
from barlake.runtime import opened

if TYPE_CHECKING:
    import duckdb


def query(options: Options, text: str, label: str | None = None) -> "duckdb.DuckDBPyRelation":
    """Ask DuckDB, as of a label where one is given."""
    import duckdb  # noqa: PLC0415

    _, store, _ = opened(options)
    lake = barlake.open(store, label=label)
    try:
        found = lake.sql(text)
    except duckdb.Error as wrong:
        raise InputError(f"the query failed: {str(wrong).splitlines()[0]}") from None
    if found is None:
        raise InputError("the query gives no rows; write a SELECT")
    return found


def tables(options: Options, label: str | None) -> list[str]:
    """Give the statements that name every table in Spark SQL, and lead to its bucket."""
    from barlake.io import labels  # noqa: PLC0415
    from barlake.readers.catalog import statements  # noqa: PLC0415 - brings Spark

    _, store, _ = opened(options)
    chosen = None if label is None else labels.find(store, label)
    told = statements(store, chosen)
    if not told:
        raise InputError(
            f"{store.address} holds no lake; run `barlake demo` or `barlake run` first"
        )
    reach = store.access.hadoop() if store.access else {}
    led = [f"SET {key}={value}" for key, value in reach.items()]
    return [f"{statement};" for statement in (*led, *told)]


def status(options: Options, run: str | None = None) -> dict[str, Any]:
    """Tell what the lake holds, or what one run did."""
    from barlake.readers import status as look  # noqa: PLC0415

    settings, store, clock = opened(options)
    lake = barlake.open(store)
    return look.of_run(lake, run) if run is not None else look.status(lake, settings, clock.now())


def metrics(options: Options) -> dict[str, Any]:
    """Give the lake's metrics; as `text` in Prometheus' format."""
    from barlake.readers.exposition import exposition  # noqa: PLC0415
    from barlake.readers.metrics import metrics as look  # noqa: PLC0415

    settings, store, clock = opened(options)
    found = look(barlake.open(store), settings, clock.now())
    return {
        "text": exposition(found).splitlines(),
        "metrics": [
            {"name": m.name, "labels": dict(s.labels), "value": s.value}
            for m in found
            for s in m.samples
        ],
    }


def examined(options: Options) -> list[dict[str, Any]]:
    """Look whether the lake's store is one that a lake can lie in."""
    from barlake.io.contract import examine  # noqa: PLC0415 - brings boto3

    _, store, _ = opened(options)
    return [found._asdict() for found in examine(store)]


def pages(options: Options) -> dict[str, Any]:
    """Make the HTML pages, those that are not there as the lake has it now."""
    from barlake.pages.site import publish  # noqa: PLC0415 - brings DuckDB and the templates

    settings, store, _ = opened(options)
    done = publish(barlake.open(store), settings.pages, as_of=options.as_of)
    count = f"{done['pages']:,} pages, {done['bytes']:,} bytes with their twins"
    text = [f"{count}; {len(done['written']):,} files written", f"open {done['index']}"]
    return {**done, "text": text}


@contextmanager
def shown(options: Options) -> Iterator[dict[str, float]]:
    """Make the pages when the run inside has ended, and when the gate blocked it.

    After its end, not as its last step: ops.runs tells of a run when it is over.

    Yields:
        What will hold the seconds that it took, once it is done.
    """
    progress = Progress()
    try:
        yield progress.seconds
    except QualityError:
        pages(options)
        raise
    with progress.step("pages"):
        pages(options)
