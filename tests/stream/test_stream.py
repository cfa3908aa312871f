"""`barlake stream` on a real broker: what is streamed, what is refused, and what is known."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from barlake import cli, steps_stream
from barlake.io import lease
from barlake.io.folder import Folder
from barlake.model import jobs
from barlake.options import Options
from barlake.streaming.disorder import disordered
from barlake.streaming.fingerprint import NAME
from infra.kafka import Broker
from tests.few_rows import few_rows
from tests.stream.topics import BARS, EXPECTED, ODDS, STREAMED, commits, reached, replayed, rows


@pytest.fixture(scope="module", autouse=True)
def _prepared(spark: SparkSession) -> Iterator[None]:
    with few_rows(spark):
        yield


@pytest.fixture
def lake(broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A session in silver, and the same in a topic, out of order and with what is none."""
    reached(broker, topic, tmp_path, monkeypatch)
    return replayed(tmp_path)


def streamed(lake: Path) -> dict[str, Any]:
    return steps_stream.stream(Options(lake=str(lake)), is_once=True)


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
    assert done["receivers"]["topic"] == {"sent": done["alerts"]}
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
