"""Small tables between Python and Spark, instants exact on every host's time zone."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from barlake.io.schemas import TYPES
from barlake.model.table import Table


def frame(
    spark: SparkSession,
    table: Table,
    rows: Iterable[Mapping[str, Any]],
    *,
    only: tuple[str, ...] = (),
) -> DataFrame:
    """Give the rows as a frame with the table's columns, or those of them named in `only`."""
    columns = [c for c in table.columns if not only or c.name in only]
    schema = pa.schema([pa.field(c.name, TYPES[c.type]) for c in columns])
    return spark.createDataFrame(pa.Table.from_pylist([dict(row) for row in rows], schema=schema))


def places(spark: SparkSession, named: Iterable[tuple[str, int]]) -> DataFrame:
    """Give rows of landing files by their places: (request_id, row)."""
    fields: list[pa.Field[Any]] = [
        pa.field("request_id", pa.string()),
        pa.field("row", pa.int32()),
    ]
    found = [{"request_id": request, "row": row} for request, row in named]
    return spark.createDataFrame(pa.Table.from_pylist(found, schema=pa.schema(fields)))


def rows(frame: DataFrame) -> list[dict[str, Any]]:
    """Collect a small frame; instants are aware, in UTC."""
    return list(frame.toArrow().to_pylist())


def dates(frame: DataFrame, column: str) -> list[date]:
    """Collect the distinct dates of a column, in order; nulls left out."""
    found = rows(frame.select(F.col(column).alias("d")).distinct())
    return sorted(row["d"] for row in found if row["d"] is not None)
