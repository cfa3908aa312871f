"""Lakes whose session is replayed, and what the stream makes of it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import barlake
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.model import silver
from barlake.options import Options
from barlake.steps_replay import Asked, replay
from barlake.steps_stream import stream
from barlake.streaming.disorder import Odds
from barlake.streaming.events import Bar
from barlake.transforms.vwap import running_vwap
from tests.conftest import new_lake
from tests.kafka.small_lake import OPEN, SESSION

DISORDER = Odds(late=0.05, duplicate=0.05, correct=0.02, drop=0.0, malform=0.02, future=0.01)
ORDER = Odds(late=0, duplicate=0, correct=0, drop=0, malform=0, future=0)
AFTER = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
_VWAPS = "SELECT ticker, ts, vwap FROM gold.vwap_stream"


def lake_of(spark: SparkSession, root: Path, bars: Iterable[Bar]) -> Lake:
    """All tables of a lake, of which only silver.bars_1m holds something."""
    lake = new_lake(spark, root)
    rest = {
        "session_date": SESSION,
        "segment": "regular",
        "is_filled": False,
        "fill_age": 0,
        "is_settled": True,
        "source": "files",
        "flags": [],
        "first_seen_at": AFTER,
        "last_changed_at": AFTER,
    }
    rows = [
        bar._asdict() | rest | {"minute_of_session": int((bar.ts - OPEN).total_seconds()) // 60}
        for bar in bars
    ]
    lake.append(silver.BARS_1M, arrow.frame(spark, silver.BARS_1M, rows))
    return lake


def replayed(root: Path, odds: Odds, seed: int = 1) -> dict[str, Any]:
    """Do what `barlake replay --speed 0` does."""
    asked = Asked(
        session=SESSION,
        speed=0,
        seed=seed,
        odds=odds,
        tickers=None,
        begin=None,
        is_resumed=False,
        ledger=None,
    )
    return replay(Options(lake=str(root)), asked)


def streamed(root: Path, *, is_anew: bool = False) -> dict[str, Any]:
    """Do what `barlake stream --available-now` does."""
    return stream(Options(lake=str(root)), is_available_now=True, is_anew=is_anew)


def batch_vwaps(lake: Lake) -> dict[tuple[str, datetime], float | None]:
    """Give the VWAP of every observed minute, by the transform of gold.features_1m."""
    bars = lake.read(silver.BARS_1M, F.col("segment") == "regular")
    rows = arrow.rows(running_vwap(bars).where(~F.col("is_filled")).select("ticker", "ts", "vwap"))
    return {(row["ticker"], row["ts"]): row["vwap"] for row in rows}


def stream_vwaps(root: Path) -> dict[tuple[str, datetime], float | None]:
    """Give the VWAP of every minute that the stream saw."""
    rows = barlake.open(str(root)).rows(_VWAPS)
    return {(row["ticker"], row["ts"]): row["vwap"] for row in rows}
