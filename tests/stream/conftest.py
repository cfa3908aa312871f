"""A small lake whose session is replayed, and Kafka's settings for a topic of its own."""

import shutil
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from infra.kafka import Broker
from tests.few_rows import few_rows
from tests.kafka.small_lake import session_bars
from tests.lake.conftest import _few_rows  # noqa: F401
from tests.stream.lakes import batch_vwaps, lake_of

Vwaps = dict[tuple[str, datetime], float | None]


@pytest.fixture(scope="package")
def base(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Vwaps]:
    """Four tickers' session, copied and not used; and its VWAPs by the batch."""
    root = tmp_path_factory.mktemp("stream") / "base"
    with few_rows(spark):
        return root, batch_vwaps(lake_of(spark, root, session_bars()))


@pytest.fixture
def root(base: tuple[Path, Vwaps], tmp_path: Path) -> Path:
    """A lake of one's own."""
    shutil.copytree(base[0], tmp_path / "lake")
    return tmp_path / "lake"


@pytest.fixture
def vwaps(base: tuple[Path, Vwaps]) -> Vwaps:
    """What the stream is to say."""
    return base[1]


@pytest.fixture
def kafka(broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The topic's name; the environment leads to it, and ledgers into this test's folder."""
    for name, value in broker.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BARLAKE_KAFKA__TOPIC", topic)
    monkeypatch.setenv("BARLAKE_KAFKA__ALERTS_TOPIC", f"alerts-{topic}")
    monkeypatch.chdir(tmp_path)
    return topic
