"""Spark's settings for lakes of a few hundred rows, whose runs are nothing but preparation."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from pyspark.sql import SparkSession

# To compile a query costs more than it saves; processes that the tests start do not either.
INTERPRETED = {
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
}
# A query is planned once and is one task a stage, where a night of production has four, and plans
# anew after each stage.
PLANNED_ONCE = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
}


def few_rows(spark: SparkSession) -> AbstractContextManager[None]:
    """Prepare less; tests/real and tests/spark prepare as production does."""
    return _set(spark, INTERPRETED | PLANNED_ONCE)


def planned_as_usual(spark: SparkSession) -> AbstractContextManager[None]:
    """Within `few_rows`, spread rows over tasks and plan anew, as production does."""
    production = spark.sparkContext.getConf()
    return _set(spark, {key: str(production.get(key)) for key in PLANNED_ONCE})


@contextmanager
def _set(spark: SparkSession, values: Mapping[str, str]) -> Iterator[None]:
    # To unset a key would bring Spark's own value back, and not that of spark-defaults.conf.
    before = {key: str(spark.conf.get(key)) for key in values}
    try:
        for key, value in values.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)
