"""One Kafka broker for all tests of a process that need one."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from infra import kafka
from infra.kafka import Broker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that the tests share; who kills it starts it again."""
    folder: Path = tmp_path_factory.mktemp("kafka")
    with kafka.broker(folder) as started:
        yield started


@pytest.fixture
def topic() -> str:
    """A name that no other test has."""
    return f"bars-{uuid4().hex[:12]}"
