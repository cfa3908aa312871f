"""The lakes here are small, as those in tests/lake: queries are not compiled."""

import pytest
from pyspark.sql import SparkSession

from infra.server import Server
from tests.buckets.nights import Nights, two_nights
from tests.lake.conftest import _interpreted  # noqa: F401
from tests.lake.victim import INTERPRETED


@pytest.fixture(scope="package")
def nights(spark: SparkSession, minio: Server, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Two nights that went well."""
    for key, value in INTERPRETED.items():
        spark.conf.set(key, value)
    return two_nights(minio, tmp_path_factory.mktemp("nights"))
