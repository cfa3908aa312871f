"""The lakes here are small."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from tests.few_rows import few_rows


@pytest.fixture(scope="module", autouse=True)
def _few_rows(spark: SparkSession) -> Iterator[None]:
    with few_rows(spark):
        yield
