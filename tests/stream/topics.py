"""A small session in silver and, out of order and with what is no bar, in a topic."""

from pathlib import Path
from typing import Any

import pytest

import barlake
from barlake import cli
from barlake.io.folder import Folder
from barlake.model import jobs
from barlake.streaming.disorder import Odds
from infra.kafka import Broker
from tests.kafka.small_lake import SESSION, session_bars, small_lake

BARS = session_bars()
ODDS = Odds(late=0.05, duplicate=0.05, correct=0.02, drop=0, malform=0.01, future=0.005)
WORDS = ("late", "duplicate", "correct", "malform", "future")
EXPECTED = """
    SELECT ticker, ts, sum((high + low + close) / 3 * volume) OVER so_far / sum(volume) OVER so_far
    FROM silver.bars_1m WHERE session_date = DATE '2026-11-20' AND segment = 'regular'
    AND NOT is_filled WINDOW so_far AS (PARTITION BY ticker ORDER BY ts) ORDER BY ticker, ts
"""
STREAMED = "SELECT ticker, ts, vwap FROM gold.vwap_stream ORDER BY ticker, ts"
ALERTS = "SELECT * EXCLUDE (batch_id, emitted_at, run_id) FROM gold.alerts ORDER BY ALL"
REFUSED = "SELECT request_id, rule, raw FROM silver.quarantine_stream ORDER BY ALL"


def reached(broker: Broker, topic: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Let the environment lead to a topic, and the working folder be this test's."""
    patch.setenv("BARLAKE_KAFKA__BROKERS", broker.address)
    patch.setenv("BARLAKE_KAFKA__TOPIC", topic)
    patch.setenv("BARLAKE_KAFKA__ALERTS_TOPIC", f"{topic}-alerts")
    patch.setenv("BARLAKE_STREAM__MESSAGES_PER_BATCH", "500")
    patch.chdir(folder)


def replayed(folder: Path) -> Path:
    """Make a lake of one session, and send its bars."""
    root = small_lake(folder / "lake", BARS)
    odds = [word for name in WORDS for word in (f"--{name}", str(getattr(ODDS, name)))]
    asked = ["replay", "--lake", str(root), "--session", str(SESSION), "--speed", "0", *odds]
    assert cli._guarded(cli.app, asked) == 0
    return root


def rows(lake: Path, query: str) -> list[tuple[Any, ...]]:
    """Give what DuckDB finds in the lake."""
    return barlake.open(Folder(lake)).sql(query).fetchall()


def commits(lake: Path) -> dict[str, int]:
    """Count the versions of each of the stream's tables."""
    return {
        str(t): len(list((lake / t.path / "_delta_log").glob("*.json"))) for t in jobs.STREAM.writes
    }
