"""The lakes here are small, as those in tests/lake."""

import pytest
from pyspark.sql import SparkSession

from infra.server import Server
from tests.buckets.nights import Nights, two_nights
from tests.few_rows import few_rows
from tests.lake.conftest import _few_rows  # noqa: F401


@pytest.fixture(scope="package")
def nights(spark: SparkSession, minio: Server, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Two nights that went well."""
    with few_rows(spark):
        return two_nights(minio, tmp_path_factory.mktemp("nights"))
