"""A session that the stream missed whole, 200 tickers of it, is caught up in a few batches."""

from pathlib import Path

import pytest

from barlake import cli, steps_stream
from barlake.options import Options
from infra.kafka import Broker
from tests.kafka.small_lake import SESSION, bar, small_lake
from tests.stream.topics import EXPECTED, STREAMED, reached, rows

pytestmark = pytest.mark.drill

TICKERS = [f"T{number:03}" for number in range(200)]
BATCHES_MAX = 5


def test_a_missed_session_is_caught_up_in_at_most_five_batches(
    broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached(broker, topic, tmp_path, monkeypatch)
    monkeypatch.delenv("BARLAKE_STREAM__MESSAGES_PER_BATCH")
    lake = small_lake(
        tmp_path / "lake", [bar(ticker, minute) for minute in range(390) for ticker in TICKERS]
    )
    asked = ["replay", "--lake", str(lake), "--session", str(SESSION), "--speed", "0"]
    assert cli._guarded(cli.app, asked) == 0

    done = steps_stream.stream(Options(lake=str(lake)), is_once=True)

    assert done["new"] == done["messages"] == 390 * len(TICKERS) == 78_000
    assert done["batches"] <= BATCHES_MAX
    expected, found = rows(lake, EXPECTED), rows(lake, STREAMED)
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in expected], rel=1e-9)
