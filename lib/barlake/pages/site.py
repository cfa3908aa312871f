"""The site: pages from the lake, each with its JSON twin, written where something changed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from barlake.io import history
from barlake.io.store import Store
from barlake.model import gold, ops, ref, silver
from barlake.model.table import Table
from barlake.model.tables import TABLES
from barlake.pages import ticker
from barlake.pages.frame import render, twin_of
from barlake.pages.gaps import gaps
from barlake.pages.index import index
from barlake.pages.quality import quality, reports
from barlake.pages.view import View
from barlake.readers.frames import OpenLake
from barlake.sections import PagesSettings

FOLDER = "pages"
MADE = f"{FOLDER}/made.json"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its path without suffix, the template it takes, and its numbers."""

    path: str
    template: str
    numbers: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Pages that read the same tables: they are made anew when one of those has a new version."""

    name: str
    reads: tuple[Table, ...]
    make: Callable[[View], Iterator[Page]]


def _index(view: View) -> Iterator[Page]:
    yield Page("index", "index.html", index(view))


def _quality(view: View) -> Iterator[Page]:
    yield Page("quality", "quality.html", quality(view))


def _gaps(view: View) -> Iterator[Page]:
    yield Page("gaps", "gaps.html", gaps(view))


def _tickers(view: View) -> Iterator[Page]:
    ticker.load(view)
    for name in ticker.names(view):
        yield Page(f"ticker/{name}", "ticker.html", ticker.ticker(view, name))


# The index comes last: what it links to is there.
PARTS = (
    Part(
        name="tickers",
        reads=(silver.BARS_1M, silver.COVERAGE, gold.FEATURES_1M, ref.SESSIONS),
        make=_tickers,
    ),
    Part(name="gaps", reads=(silver.COVERAGE, ref.SESSIONS, ops.REQUESTS), make=_gaps),
    Part(
        name="quality",
        reads=(ops.RUNS, ops.DQ_RESULTS, ops.INGEST_AUDIT, silver.QUARANTINE),
        make=_quality,
    ),
    Part(name="index", reads=TABLES, make=_index),
)


def publish(lake: OpenLake, settings: PagesSettings, *, as_of: datetime | None) -> dict[str, Any]:
    """Make the pages that are not there as the lake has it now; each file whole or not at all.

    Args:
        lake: The lake, in whose folder the pages go.
        settings: How much the pages show.
        as_of: The clock that the pages show; the end of the last run where it is None.

    Returns:
        `index`, the first page's path; `pages`, how many there are; `written`, the files that are
        other than before; `bytes`, what the pages and their twins hold together.
    """
    store = lake.store
    view = View.at(lake, settings, as_of)
    made = _made(store)
    written = [*_static(store)]
    for part in PARTS:
        state = _state(view, part)
        known = made.get(part.name, {})
        if known.get("state") == state and all(store.exists(name) for name in known["files"]):
            continue
        files, changed = _written(store, part.make(view))
        made[part.name] = {"state": state, "files": files}
        written += changed
    _put(store, MADE, json.dumps(made, indent=1, sort_keys=True))
    files = [name for part in PARTS for name in made[part.name]["files"]]
    return {
        "index": store.path(f"{FOLDER}/index.html"),
        "pages": len(files) // 2,
        "written": sorted(written),
        "bytes": sum(len(store.get(name)) for name in files),
    }


def _written(store: Store, pages: Iterator[Page]) -> tuple[list[str], list[str]]:
    files, changed = [], []
    for page in pages:
        twin = twin_of(page.numbers)
        contents = {".json": twin, ".html": render(page.template, page.path, page.numbers, twin)}
        for suffix, text in contents.items():
            name = f"{FOLDER}/{page.path}{suffix}"
            files.append(name)
            if _put(store, name, text):
                changed.append(name)
    return files, changed


def _static(store: Store) -> Iterator[str]:
    for file in sorted((_HERE / "static").iterdir()):
        name = f"{FOLDER}/static/{file.name}"
        if store.put(name, file.read_bytes()):
            yield name


def _put(store: Store, name: str, text: str) -> bool:
    return store.put(name, text.encode())


def _made(store: Store) -> dict[str, Any]:
    return dict(json.loads(store.get(MADE))) if store.exists(MADE) else {}


def _state(view: View, part: Part) -> str:
    """Give a hash of all that the part's pages follow from."""
    store = view.lake.store
    told = {
        "code": _code(),
        "settings": view.settings.model_dump(),
        "as_of": view.clock if ops.RUNS in part.reads else None,
        "reports": reports(view) if part.name == "quality" else None,
        "versions": {str(table): history.latest(store, table) for table in part.reads},
    }
    return sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _code() -> str:
    files = sorted(
        path for path in _HERE.rglob("*") if path.suffix in {".py", ".html", ".css", ".js"}
    )
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
