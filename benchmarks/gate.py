"""What the quality gate costs: in a night of 200 tickers, in a small one, and to import.

Run: python -m benchmarks.gate --tickers 200
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from barlake import calendar
from barlake.model.jobs import RUN
from barlake.options import Options
from barlake.pipelines.night import run
from barlake.pipelines.underway import Wanted
from barlake.runtime import running
from barlake.sources.manners import Manners
from barlake.sources.simulated import SimulatedSource
from barlake.summary import summary

AS_OF = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print and keep the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tickers", type=int, default=200)
    asked = options.parse_args()
    root = Path(tempfile.mkdtemp(prefix="barlake-bench-"))
    try:
        figures = measured(root, asked.tickers)
    finally:
        shutil.rmtree(root)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gate.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))  # noqa: T201 - the result


def measured(root: Path, tickers: int) -> dict[str, Any]:
    """Give the gate's seconds beside its night's: the first night, which imports, and later ones.

    A night with one ticker and one session shows what the gate costs whatever the batch.
    """
    names = [f"T{n:04d}" for n in range(tickers)]
    days = [day.session_date for day in calendar.closed_before(AS_OF, 4)]
    return {
        "tickers": tickers,
        "import of great_expectations": _imported(),
        "first night of a process": _night(root, names, Wanted(start=days[0], end=days[0])),
        "second night": _night(root, names, Wanted(start=days[1], end=days[1])),
        "third night": _night(root, names, Wanted(start=days[2], end=days[2])),
        "one ticker": _night(root, names[:1], Wanted(start=days[3], end=days[3])),
        "one ticker, nothing new": _night(root, names[:1], Wanted(start=days[3], end=days[3])),
    }


def _night(root: Path, names: list[str], wanted: Wanted) -> dict[str, Any]:
    source = SimulatedSource(seed=1, clock=lambda: AS_OF, manners=Manners.none())
    with running(RUN, Options(lake=str(root), as_of=AS_OF)) as night:
        run(night, source, wanted, names)
    done = summary(night)
    seconds = done["seconds"]
    whole = sum(seconds.values()) - seconds["start"]
    gate = seconds.get("gate", 0.0)
    return {
        "received": done["received"],
        "verdict": done["verdict"] and done["verdict"]["status"],
        "gate": gate,
        "night": round(whole, 3),
        "share": round(gate / whole, 3),
    }


def _imported() -> float:
    began = time.perf_counter()
    quiet = os.environ | {"GX_ANALYTICS_ENABLED": "false"}
    subprocess.run([sys.executable, "-c", "import great_expectations"], check=True, env=quiet)
    return round(time.perf_counter() - began, 3)


if __name__ == "__main__":
    main()
