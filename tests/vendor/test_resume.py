"""A process that is killed while it asks, and the next one."""

from pathlib import Path

from barlake.io.store import Store
from barlake.pipelines.fetch import fetch
from barlake.progress import Progress
from barlake.sources.source import Request
from tests.vendor.conftest import source_at
from tests.vendor.test_yahoo import FRIDAY

TICKERS = [f"T{n}" for n in range(12)]
REQUESTS = [Request(ticker=t, start=FRIDAY.first, end=FRIDAY.last) for t in TICKERS]
PER_BATCH = 3


def work(root: Path, address: str, certificate: Path) -> None:
    """Ask for all, as one process."""
    ask(root, address, certificate, REQUESTS)


def ask(root: Path, address: str, certificate: Path, requests: list[Request]) -> None:
    """Ask, and land the answers three at a time."""
    way = {"proxy": address, "ca_file": certificate, "interval_ms": 1}
    source = source_at(root, settings=way)
    progress = Progress(is_shown=False)
    fetch(Store(root / "lake"), source, requests, per_batch=PER_BATCH, progress=progress)
