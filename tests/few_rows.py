"""Spark's settings for lakes of a few hundred rows, whose runs are nothing but preparation."""

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def few_rows(spark: SparkSession) -> Iterator[None]:
    """Prepare less; tests/real and tests/spark prepare as production does."""
    before = {key: str(spark.conf.get(key)) for key in (*INTERPRETED, *PLANNED_ONCE)}
    try:
        for key, value in (INTERPRETED | PLANNED_ONCE).items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, value in before.items():
            spark.conf.set(key, value)


@contextmanager
def planned_as_usual(spark: SparkSession) -> Iterator[None]:
    """Within `few_rows`, spread rows over tasks and plan anew, as production does."""
    for key in PLANNED_ONCE:
        spark.conf.unset(key)
    try:
        yield
    finally:
        for key, value in PLANNED_ONCE.items():
            spark.conf.set(key, value)
