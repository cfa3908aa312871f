"""A process that is killed while it asks, and the next one."""

import multiprocessing
import threading
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from barlake import calendar, landing
from barlake.io.folder import Folder
from barlake.model.landed import Outcome
from barlake.pipelines.asked import still_wanted
from barlake.pipelines.fetch import fetch
from barlake.progress import Progress
from barlake.sources.requests import requests_over
from barlake.sources.source import Request
from tests.vendor.charts import day_of
from tests.vendor.conftest import EVENING, source_at
from tests.vendor.loopback import Asked, Vendor, epoch
from tests.vendor.test_yahoo import FRIDAY

TICKERS = [f"T{n}" for n in range(200)]
DAYS = calendar.between(date(2026, 11, 12), FRIDAY.session_date)  # seven
REQUESTS = [r for name in TICKERS for r in requests_over(name, DAYS, 5)]
PER_BATCH = 20
STRUCK = 229  # of 400


def work(root: Path, address: str, certificate: Path) -> None:
    """Ask for all, as one process."""
    ask(root, address, certificate, REQUESTS)


def ask(root: Path, address: str, certificate: Path, requests: list[Request]) -> None:
    """Ask, and land the answers twenty at a time."""
    way = {"proxy": address, "ca_file": certificate, "interval_ms": 1}
    source = source_at(root, settings=way)
    progress = Progress(is_shown=False)
    fetch(Folder(root / "lake"), source, requests, per_batch=PER_BATCH, progress=progress)


def test_after_a_kill_nothing_that_landed_is_asked_again_and_nothing_is_missing(
    vendor: Vendor, certificate: Path, tmp_path: Path
) -> None:
    rows = [row for day in DAYS for row in day_of(day.session_date)[::60]]
    vendor.bars = dict.fromkeys(TICKERS, rows)
    struck = threading.Event()

    def stop_in_the_middle(_: Asked, told: dict[str, Any]) -> dict[str, Any]:
        if not struck.is_set() and len(vendor.charts) == STRUCK + 1:
            struck.set()
            vendor.closing.wait(30)
        return told

    vendor.rewrite = stop_in_the_middle
    process = multiprocessing.get_context("spawn").Process(
        target=work, args=(tmp_path, vendor.address, certificate)
    )
    process.start()
    assert struck.wait(300)
    process.kill()
    process.join()
    vendor.rewrite = None
    store = Folder(tmp_path / "lake")

    left = still_wanted(REQUESTS, landing.batches(store), EVENING - timedelta(hours=1))
    ask(tmp_path, vendor.address, certificate, left)

    landed_before = STRUCK // PER_BATCH * PER_BATCH
    assert left == REQUESTS[landed_before:]
    facts = [fact for batch in landing.batches(store) for fact in batch.facts]
    told = Counter((fact.ticker, fact.range_start, fact.outcome) for fact in facts)
    assert told == Counter((r.ticker, r.start, Outcome.OK) for r in REQUESTS)
    assert sum(fact.rows for fact in facts) == len(TICKERS) * len(rows)
    # What was answered and had not landed, and what was being asked, is asked twice; nothing else.
    asked = Counter((chart.ticker, int(chart.query["period1"])) for chart in vendor.charts)
    twice = [key for key, times in asked.items() if times > 1]
    lost = REQUESTS[landed_before : STRUCK + 1]
    assert twice == [(r.ticker, epoch(r.start or EVENING)) for r in lost]
