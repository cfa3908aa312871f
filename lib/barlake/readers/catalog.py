"""A lake's tables by name in Spark SQL."""

from pyspark.sql import SparkSession

from barlake.io import history
from barlake.io.labels import Label
from barlake.io.store import Store
from barlake.model.table import Table
from barlake.model.tables import TABLES


def name_tables(spark: SparkSession, store: Store, label: Label | None = None) -> None:
    """Name every table of the lake in the session's catalog, e.g. `silver.bars_1m`.

    The catalog lives in the session alone; a name that another lake left there is replaced. With a
    label the names are views of the tables as they were then.
    """
    for table in TABLES:
        if spark.catalog.tableExists(str(table)):
            kind = spark.catalog.getTable(str(table)).tableType
            spark.sql(" ".join(["DROP", "VIEW" if kind == "VIEW" else "TABLE", str(table)]))
    for statement in statements(store, label):
        spark.sql(statement)


def statements(store: Store, label: Label | None = None) -> list[str]:
    """Give the statements that name every table of the lake in a session that names none."""
    known = [table for table in TABLES if _is_there(store, label, table)]
    zones = sorted({table.zone.value for table in known})
    return [
        *(" ".join(["CREATE DATABASE IF NOT EXISTS", zone]) for zone in zones),
        *(_named(table, store.path(table.path), label) for table in known),
    ]


def _is_there(store: Store, label: Label | None, table: Table) -> bool:
    return history.latest(store, table) >= 0 if label is None else str(table) in label.versions


def _named(table: Table, path: str, label: Label | None) -> str:
    if label is None:
        return " ".join(["CREATE TABLE", str(table), "USING delta LOCATION", _text(path)])
    at = "".join(["delta.`", path.replace("`", "``"), "`"])
    version = str(label.version(table))
    words = ["CREATE VIEW", str(table), "AS SELECT * FROM", at, "VERSION AS OF", version]
    return " ".join(words)


def _text(value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return "".join(["'", quoted, "'"])
