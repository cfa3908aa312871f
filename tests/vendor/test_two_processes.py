"""Two processes that ask at once."""

import multiprocessing
from pathlib import Path

from barlake.sources.source import Request
from tests.vendor.charts import day_of
from tests.vendor.conftest import source_at
from tests.vendor.loopback import Vendor
from tests.vendor.test_yahoo import FRIDAY

PER_DAY = 12


def ask(number: int, address: str, certificate: Path, folder: Path) -> None:
    """Ask for ten tickers; what each process sent is on the server's list, not here."""
    budget = {"interval_ms": 20, "requests_per_day": PER_DAY, "refusals_max": 100}
    source = source_at(folder, settings=budget | {"proxy": address, "ca_file": certificate})
    for ticker in range(10):
        source.fetch(Request(ticker=f"P{number}T{ticker}", start=FRIDAY.first, end=FRIDAY.last))


def test_two_processes_stay_within_one_budget(
    vendor: Vendor, certificate: Path, tmp_path: Path
) -> None:
    vendor.bars = {f"P{p}T{t}": day_of(FRIDAY.session_date)[:5] for p in (1, 2) for t in range(10)}
    spawned = multiprocessing.get_context("spawn")
    both = [
        spawned.Process(target=ask, args=(number, vendor.address, certificate, tmp_path))
        for number in (1, 2)
    ]

    for process in both:
        process.start()
    for process in both:
        process.join(120)

    assert [process.exitcode for process in both] == [0, 0]
    assert len(vendor.log) == PER_DAY
