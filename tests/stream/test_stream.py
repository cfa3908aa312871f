"""`barlake stream` on a real broker: what is streamed, what is refused, and what is known."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake import cli, steps_stream
from barlake.io import lease
from barlake.io.folder import Folder
from barlake.model import jobs
from barlake.options import Options
from barlake.streaming.disorder import Odds, disordered
from barlake.streaming.fingerprint import NAME
from infra.kafka import Broker
from tests.few_rows import few_rows
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


@pytest.fixture(scope="module", autouse=True)
def _prepared(spark: SparkSession) -> Iterator[None]:
    with few_rows(spark):
        yield


@pytest.fixture
def lake(broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session in silver, and the same in a topic, out of order and with what is none."""
    monkeypatch.setenv("BARLAKE_KAFKA__BROKERS", broker.address)
    monkeypatch.setenv("BARLAKE_KAFKA__TOPIC", topic)
    monkeypatch.setenv("BARLAKE_KAFKA__ALERTS_TOPIC", f"{topic}-alerts")
    monkeypatch.setenv("BARLAKE_STREAM__MESSAGES_PER_BATCH", "500")
    monkeypatch.chdir(tmp_path)
    root = small_lake(tmp_path / "lake", BARS)
    odds = [word for name in WORDS for word in (f"--{name}", str(getattr(ODDS, name)))]
    asked = ["replay", "--lake", str(root), "--session", str(SESSION), "--speed", "0", *odds]
    assert cli._guarded(cli.app, asked) == 0
    return root


def streamed(lake: Path) -> dict[str, Any]:
    return steps_stream.stream(Options(lake=str(lake)), is_once=True)


def rows(lake: Path, query: str) -> list[tuple[Any, ...]]:
    return barlake.open(Folder(lake)).sql(query).fetchall()


def commits(lake: Path) -> dict[str, int]:
    return {
        str(t): len(list((lake / t.path / "_delta_log").glob("*.json"))) for t in jobs.STREAM.writes
    }


def test_a_topic_out_of_order_gives_the_vwap_of_silver_and_is_no_news_when_read_again(
    lake: Path,
) -> None:
    done = streamed(lake)

    kinds = [event.kind.value for event in disordered(BARS, ODDS, 1)]
    expected, found = rows(lake, EXPECTED), rows(lake, STREAMED)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in expected], rel=1e-9)
    assert done["batches"] == -(-len(kinds) // 500)
    assert done["messages"] == len(kinds)
    assert done["refused"] == kinds.count("malformed") + kinds.count("future") > 10
    assert rows(lake, "SELECT count(*) FROM silver.quarantine_stream") == [(done["refused"],)]
    assert done["published"]["topic"] == {"sent": done["alerts"]}
    [run] = rows(lake, "SELECT status, rows_written, detail FROM ops.runs")
    assert run[0] == "ok"
    assert run[1] >= len(found) + done["alerts"] + done["refused"]
    assert json.loads(run[2])["stream"]["messages"] == len(kinds)

    before = commits(lake)
    again = streamed(lake)
    assert "messages" not in again
    for path in (lake / steps_stream.CHECKPOINT).rglob("*"):
        if path.is_file():
            path.unlink()
    whole = streamed(lake)
    assert whole["messages"] == len(kinds)
    assert commits(lake) == before


def test_a_stream_with_something_else_or_beside_another_is_refused(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mark = lake / steps_stream.CHECKPOINT / NAME
    mark.parent.mkdir(parents=True)
    mark.write_text('{"topic": "another"}')
    asked = ["stream", "--available-now", "--lake", str(lake)]
    assert cli._guarded(cli.app, asked) == 2
    assert "topic: another ->" in capsys.readouterr().err

    run = {"run_id": "first", "process": os.getpid(), "started_at": "2026-11-21T02:00:00+00:00"}
    with lease.lease(Folder(lake), jobs.STREAM.writes, run):
        assert cli._guarded(cli.app, asked) == 4
    assert "being written by run first" in capsys.readouterr().err
    assert rows(lake, "SELECT count(*) FROM gold.vwap_stream") == [(0,)]
