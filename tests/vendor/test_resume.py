"""A process that is killed while it asks, and the next one."""

import multiprocessing
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from barlake import landing
from barlake.io.store import Store
from barlake.model.landed import Outcome
from barlake.pipelines.asked import still_wanted
from barlake.pipelines.fetch import fetch
from barlake.progress import Progress
from barlake.sources.source import Request
from tests.vendor.charts import day_of
from tests.vendor.conftest import EVENING, source_at
from tests.vendor.loopback import Asked, Vendor
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


def test_after_a_kill_nothing_that_landed_is_asked_again_and_nothing_is_missing(
    vendor: Vendor, certificate: Path, tmp_path: Path
) -> None:
    vendor.bars = {ticker: day_of(FRIDAY.session_date)[:5] for ticker in TICKERS}
    eighth = threading.Event()

    def stop_at_the_eighth(asked: Asked, told: dict[str, Any]) -> dict[str, Any]:
        if asked.ticker == TICKERS[7]:
            eighth.set()
            vendor.closing.wait(30)
        return told

    vendor.rewrite = stop_at_the_eighth
    process = multiprocessing.get_context("spawn").Process(
        target=work, args=(tmp_path, vendor.address, certificate)
    )
    process.start()
    assert eighth.wait(120)
    process.kill()
    process.join()
    vendor.rewrite = None
    store = Store(tmp_path / "lake")

    left = still_wanted(REQUESTS, landing.batches(store), EVENING - timedelta(hours=1))
    ask(tmp_path, vendor.address, certificate, left)

    assert [request.ticker for request in left] == TICKERS[6:]
    landed = [(f.ticker, f.outcome) for batch in landing.batches(store) for f in batch.facts]
    assert sorted(map(str, landed)) == sorted(str((t, Outcome.OK)) for t in TICKERS)
    asked = [chart.ticker for chart in vendor.charts]
    assert [ticker for ticker in TICKERS if asked.count(ticker) > 1] == ["T6", "T7"]
