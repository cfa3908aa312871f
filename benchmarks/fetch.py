"""What a fetch from Yahoo costs by the size of the universe: requests, seconds, and memory.

Run: python -m benchmarks.fetch, on Linux

The real yfinance asks a server on loopback that always has seven sessions of a ticker. Each fetch
is a process of its own, whose peak memory follows the batch and not the universe: where the largest
takes much more than the smallest, this ends with exit code 1. A warm fetch is the second one of a
process, which has its cookie and its crumb.
"""

import json
import multiprocessing
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from barlake import calendar
from barlake.io.folder import Folder
from barlake.pipelines.fetch import fetch
from barlake.pipelines.plan import plan_range
from barlake.progress import Progress
from barlake.settings import load
from tests.vendor.charts import day_of
from tests.vendor.conftest import self_signed, source_at
from tests.vendor.loopback import serving

AS_OF = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 12), date(2026, 11, 20)  # seven sessions
UNIVERSES = (20, 50, 100, 200)
GROWTH_MAX_MB = 60
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print and keep the figures; exit with 1 where memory follows the universe."""
    figures = {}
    for size in UNIVERSES:
        with tempfile.TemporaryDirectory(prefix="barlake-bench-") as folder:
            figures[f"{size} tickers"] = measured(Path(folder), size)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fetch.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))  # noqa: T201 - the result
    smallest, largest = (figures[f"{n} tickers"]["peak_mb"] for n in (UNIVERSES[0], UNIVERSES[-1]))
    if largest - smallest > GROWTH_MAX_MB:
        sys.exit(f"the peak grew from {smallest} to {largest} MB, by more than {GROWTH_MAX_MB}")


def measured(folder: Path, size: int) -> dict[str, Any]:
    """Fetch seven sessions of so many tickers in a new process; give what it cost."""
    certificate = self_signed(folder)
    names = [f"T{n:04d}" for n in range(size)]
    days = calendar.between(FIRST, LAST)
    bars = [row for day in days for row in day_of(day.session_date)]
    with serving(certificate) as vendor:
        vendor.bars = dict.fromkeys(names, bars)
        spawned = multiprocessing.get_context("spawn")
        costs = spawned.SimpleQueue()
        process = spawned.Process(
            target=fetched, args=(folder, vendor.address, certificate, names, costs)
        )
        process.start()
        process.join()
        return {"requests": len(vendor.log), **costs.get()}


def fetched(
    folder: Path,
    address: str,
    certificate: Path,
    names: list[str],
    costs: Any,  # noqa: ANN401
) -> None:
    """Fetch, as one process, and say what it took."""
    way = {"proxy": address, "ca_file": certificate, "interval_ms": 1}
    source = source_at(folder, settings=way, at=lambda: AS_OF)
    settings = load()
    requests = plan_range(settings.source, names, FIRST, LAST)
    before = peak_mb()
    figures: dict[str, float] = {}
    for warmth in ("cold", "warm"):
        began, sent = time.perf_counter(), source.sent
        batches = fetch(
            Folder(folder / warmth),
            source,
            requests,
            per_batch=settings.yahoo.requests_per_batch,
            progress=Progress(is_shown=False),
        )
        figures[f"{warmth}_seconds"] = round(time.perf_counter() - began, 1)
        figures[f"{warmth}_requests_per_ticker"] = (source.sent - sent) / len(names)
    rows = sum(fact.rows for batch in batches for fact in batch.facts)
    costs.put({**figures, "rows": rows, "peak_mb": peak_mb(), "before_mb": before})


def peak_mb() -> int:
    """Give the most memory that this process held; what getrusage says survives an exec."""
    told = Path("/proc/self/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in told if line.startswith("VmHWM:")]
    return int(kilobytes) // 1024


if __name__ == "__main__":
    main()
