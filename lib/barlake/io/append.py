"""Commits without a look at what is stored, for a writer that knows it: the stream."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column
from pyspark.sql import functions as F

from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.model.table import Table

Rows = Iterable[Mapping[str, Any]]


def append(lake: Lake, table: Table, rows: Rows) -> None:
    """Add rows, whose keys no stored row has, in one commit; none where there is no row."""
    given = list(rows)
    if given:
        # One file for each partition, whatever Spark would make of so few rows.
        frame = arrow.frame(lake.spark, table, given).coalesce(1)
        frame.write.format("delta").mode("append").save(lake.path(table))


def replace(lake: Lake, table: Table, rows: Rows) -> None:
    """Put rows in place of those stored with their keys, in one commit; none without a row."""
    given = list(rows)
    if not given:
        return
    # As literals, since Delta skips files only by conditions on the target alone.
    columns = dict.fromkeys((*table.partition_by, *table.prune_by))
    parts = [F.col(f"t.{n}").isin(sorted({row[n] for row in given})) for n in columns]
    keys = [F.col(f"t.{n}") == F.col(f"s.{n}") for n in table.key]
    source = arrow.frame(lake.spark, table, given).coalesce(1).alias("s")
    merge = (
        DeltaTable.forPath(lake.spark, lake.path(table))
        .alias("t")
        .merge(source, reduce(and_, [*parts, *keys]))
    )
    values: dict[str, str | Column] = {f"`{name}`": F.col(f"s.{name}") for name in table.names}
    merge.whenMatchedUpdate(set=values).whenNotMatchedInsert(values=values).execute()
