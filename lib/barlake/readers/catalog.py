"""A lake's tables by name in Spark SQL."""

from pyspark.sql import SparkSession

from barlake.io import history
from barlake.io.store import Store
from barlake.model.tables import TABLES


def name_tables(spark: SparkSession, store: Store) -> None:
    """Name every table of the lake in the session's catalog, e.g. `silver.bars_1m`.

    The catalog lives in the session alone; a name that another lake left there is replaced.
    """
    known = [table for table in TABLES if history.latest(store, table) >= 0]
    for zone in sorted({table.zone.value for table in known}):
        spark.sql("CREATE DATABASE IF NOT EXISTS " + zone)
    for table in known:
        spark.sql("DROP TABLE IF EXISTS " + str(table))
        spark.catalog.createTable(str(table), path=store.path(table.path), source="delta")
