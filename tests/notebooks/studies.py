"""A small lake that has everything the notebooks look at, and a kernel that runs them."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from pyspark.sql import SparkSession

from barlake.pipelines.asking import fetched, minutes_of
from barlake.pipelines.gold import build_gold
from barlake.pipelines.plan import plan_range
from barlake.pipelines.silver import build_silver
from barlake.pipelines.stages import run_ingest
from barlake.pipelines.underway import Wanted
from barlake.settings import PROJECT, Settings
from barlake.sources.manners import Chance, Correction, Manners, Split
from barlake.sources.simulated import SimulatedSource
from tests.builders import resumed
from tests.conftest import new_lake

NOTEBOOKS = PROJECT / "notebooks"
KERNEL = "barlake-tests"
TICKERS = ["AAPL", "MSFT", "NVDA"]
EARLY, LAST = date(2026, 11, 27), date(2026, 11, 30)
EVENING = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
MORNING = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)
CORRECTED = (60, 95, 300)
# Noon in New York, and the minute after it: the vendor has them in the morning only.
UNSEEN = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)  # a first minute: nothing to fill it with
LATE = tuple(datetime(2026, 11, 30, 17, minute, tzinfo=UTC) for minute in (0, 1))


def make(spark: SparkSession, conf: Settings, root: Path) -> None:
    """Three tickers, one sparse and one split; a halt, an early close; late and corrected bars."""
    corrections = tuple(
        Correction(ticker="AAPL", session_date=LAST, known_at=MORNING, minute=minute)
        for minute in CORRECTED
    )
    morning = replace(
        Manners.usual(),
        sparse=Chance(0.0, ("NVDA",)),
        splits=Chance(0.0, (Split(ticker="NVDA", ex_date=LAST, ratio=4.0),)),
        halts=Chance(0.0, (("AAPL", EARLY),)),
        corrections=Chance(0.0, corrections),
        missing_minutes=Chance(),
        outages=Chance(),
        rate_limits=Chance(),
    )
    lost = Chance(0.0, tuple(("MSFT", ts) for ts in (UNSEEN, *LATE)))
    evening = replace(morning, missing_minutes=lost)
    lake = new_lake(spark, root, now=MORNING)
    night = resumed(lake, conf)
    # The steps that fill tables, once for both deliveries; the books, the gate and the layout of
    # files, half of a night's cost, are other tests' matter.
    batches = []
    first = SimulatedSource(seed=7, clock=lambda: EVENING, manners=evening)
    second = SimulatedSource(seed=7, clock=lambda: MORNING, manners=morning)
    for source, since in ((first, EARLY), (second, LAST)):
        requests = plan_range(conf.source, TICKERS, since, LAST)
        batches += minutes_of(fetched(night, source, requests, Wanted()))
    run_ingest(night, batches)
    assert night.ingested
    done = night.ingested
    build_silver(lake, conf, done.sessions, requests=done.requests)
    build_gold(lake, done.sessions)


def name_kernel(folder: Path) -> None:
    """Write the specification of a kernel that is this interpreter, below a Jupyter path."""
    place = folder / "kernels" / KERNEL
    place.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    told = {"argv": argv, "display_name": KERNEL, "language": "python"}
    (place / "kernel.json").write_text(json.dumps(told))


def study(name: str, wanted: Sequence[str]) -> dict[str, Any]:
    """Run a notebook whole, as it stands; give what the expressions `wanted` are at its end.

    A cell that raises ends this with nbclient's error, which shows the cell.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    asked = ", ".join(f"{text!r}: {text}" for text in wanted)
    last = f"import json\nprint(json.dumps({{{asked}}}, default=str))"
    notebook.cells.append(nbformat.v4.new_code_cell(last))
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL,
        timeout=timedelta(minutes=5).seconds,
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    )
    done = client.execute()
    assert client.km is None or client.km.ip == "127.0.0.1"
    answer: dict[str, Any] = json.loads(done.cells[-1].outputs[-1].text)
    return answer
