"""What a fetch from Yahoo costs by the size of the universe: requests, seconds, and memory.

Run: python -m benchmarks.fetch

The real yfinance asks a server on loopback that always has seven sessions of a ticker. Each fetch
is a process of its own, whose peak memory should follow the batch and not the universe.
"""

import json
import multiprocessing
import resource
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from barlake import calendar
from barlake.io.store import Store
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
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print and keep the figures."""
    figures = {}
    for size in UNIVERSES:
        with tempfile.TemporaryDirectory(prefix="barlake-bench-") as folder:
            figures[f"{size} tickers"] = measured(Path(folder), size)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fetch.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))  # noqa: T201 - the result


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
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    batches = fetch(
        Store(folder / "lake"),
        source,
        requests,
        per_batch=settings.yahoo.requests_per_batch,
        progress=Progress(is_shown=False),
    )
    costs.put(
        {
            "seconds": round(time.perf_counter() - began, 1),
            "rows": sum(fact.rows for batch in batches for fact in batch.facts),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "before_mb": before // 1024,
        }
    )


if __name__ == "__main__":
    main()
