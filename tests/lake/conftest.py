"""The lakes here are small: to compile each query would cost more than it saves."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.lake.victim import INTERPRETED


@pytest.fixture(scope="module", autouse=True)
def _interpreted(spark: SparkSession) -> Iterator[None]:
    """Evaluate row by row; tests/real and tests/spark compile, as production does."""
    for key, value in INTERPRETED.items():
        spark.conf.set(key, value)
    yield
    for key in INTERPRETED:
        spark.conf.unset(key)
