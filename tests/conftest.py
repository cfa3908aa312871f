"""One Spark session for a process's tests, with production's own settings, on a host in Tokyo."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from pyspark.sql import SparkSession

from barlake.io.folder import Folder
from barlake.io.lake import Lake
from barlake.io.spark import open_session
from barlake.model.tables import TABLES
from barlake.settings import Settings, load

pytest_plugins = ["tests.kafka_broker", "tests.object_stores"]

os.environ["TZ"] = "Asia/Tokyo"  # far from UTC and from New York: nothing may lean on it
time.tzset()
# Daily bars cost each simulated night some Spark jobs: tests of them ask for them.
os.environ["BARLAKE_SOURCE__DAILY"] = "false"

# Few examples, the same each time: a Spark job costs more than it finds by shrinking.
settings.register_profile(
    "spark",
    max_examples=3,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("spark")

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The one session of all tests that a process runs."""
    with pytest.MonkeyPatch.context() as patch:
        # A night's JVM ends before the optimising compiler pays; this one lives for half an hour.
        patch.setenv("_JAVA_OPTIONS", "-XX:TieredStopAtLevel=4")
        session = open_session("tests", "test")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def conf() -> Settings:
    """The settings of conf/base.yaml and conf/embedded.yaml."""
    return load()


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    """An empty lake of real Delta tables, its clock after the session of 2026-11-20."""
    return new_lake(spark, tmp_path / "lake")


def new_lake(spark: SparkSession, root: Path, *, now: datetime = NOW) -> Lake:
    """Make a lake whose tables exist."""
    run_id = f"test-{uuid4()}"
    spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", run_id)
    made = Lake(spark, Folder.at(str(root)), run_id, now)
    made.create(TABLES)
    return made
