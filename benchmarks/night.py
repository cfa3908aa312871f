"""A night of 200 tickers into 20 sessions, step by step, beside the peers on the same bars.

Run: make bench, or python -m benchmarks.night --tickers 200 --sessions 20
"""

import argparse
import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import barlake
from barlake import calendar
from barlake.model.jobs import RUN
from barlake.options import Options
from barlake.pipelines.night import run
from barlake.pipelines.underway import Wanted
from barlake.runtime import running
from barlake.sources.manners import Manners
from barlake.sources.simulated import SimulatedSource
from barlake.summary import summary
from benchmarks import peers

AS_OF = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Measure, print and keep the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tickers", type=int, default=200)
    options.add_argument("--sessions", type=int, default=20)
    asked = options.parse_args()
    root = Path(tempfile.mkdtemp(prefix="barlake-bench-"))
    try:
        figures = measured(root, asked.tickers, asked.sessions)
    finally:
        shutil.rmtree(root)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "night.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))  # noqa: T201 - the result


def measured(root: Path, tickers: int, sessions: int) -> dict[str, Any]:
    """Give seconds by step: history at once, one night, the same night again; and the peers'."""
    names = [f"T{n:04d}" for n in range(tickers)]
    days = [day.session_date for day in calendar.closed_before(AS_OF, sessions + 1)]
    history = night(str(root), names, Wanted(start=days[0], end=days[-2]))
    newest = night(str(root), names, Wanted(start=days[-1], end=days[-1]))
    again = night(str(root), names, Wanted(start=days[-1], end=days[-1]))
    lake = barlake.open(str(root))
    return {
        "tickers": tickers,
        "sessions": sessions,
        "history": history,
        "night": newest,
        "same night again": again,
        "peers, 12 features of all sessions": peers.features(lake, root),
        "peers, the night's bars merged": peers.merge(lake, days[-1], root),
    }


def night(lake: str, names: list[str], wanted: Wanted) -> dict[str, Any]:
    """Do a night, and give the rows received, the bytes written and the seconds by step."""
    source = SimulatedSource(seed=1, clock=lambda: AS_OF, manners=Manners.none())
    with running(RUN, Options(lake=lake, as_of=AS_OF)) as under_way:
        run(under_way, source, wanted, names)
    done = summary(under_way)
    written = sum(t["bytes_written"] for t in done["tables"].values())
    return {"received": done["received"], "bytes_written": written, "seconds": done["seconds"]}


if __name__ == "__main__":
    main()
