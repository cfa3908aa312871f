"""The lake's tables: create, read, stage, merge."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from barlake.io import history
from barlake.io.frozen import frozen
from barlake.io.history import Commit
from barlake.io.store import Store
from barlake.model.errors import BarlakeError
from barlake.model.table import Table

STAGING = "_staging"


class DuplicateKeyError(BarlakeError):
    """A frame that is to be merged holds a key twice; MERGE would insert both."""


@dataclass(frozen=True, slots=True)
class Lake:
    """The tables below one root; `run_id` marks what is written, `now` is the run's clock."""

    spark: SparkSession
    store: Store
    run_id: str
    now: datetime

    def create(self, tables: Iterable[Table]) -> None:
        """Create the tables that do not exist yet, as they are declared."""
        for table in tables:
            if history.latest(self.store, table) < 0:
                self._create(table)

    def read(self, table: Table, where: Column | None = None) -> DataFrame:
        """Read the table's current version; `where` prunes files."""
        frame = self.spark.read.format("delta").load(self.path(table))
        return frame if where is None else frame.where(where)

    def read_version(self, table: Table, version: int) -> DataFrame:
        """Read an older version of the table."""
        reader = self.spark.read.format("delta").option("versionAsOf", version)
        return reader.load(self.path(table))

    def version(self, table: Table) -> int:
        """Give the number of the table's newest commit; -1 where it does not exist."""
        return history.latest(self.store, table)

    def path(self, table: Table) -> str:
        """Give the table's absolute path."""
        return self.store.path(table.path)

    def stage(self, name: str, rows: DataFrame) -> DataFrame:
        """Write `rows` once under this run's staging folder and give them back as stored there.

        What is checked and counted is then what is merged, and nothing is computed twice.
        """
        path = self.store.path(f"{STAGING}/{self.run_id}/{name}")
        rows.write.mode("overwrite").parquet(path)
        return self.spark.read.schema(rows.schema).parquet(path)

    def staged_digest(self, name: str) -> str:
        """Give the SHA-256 of what `stage` wrote under `name`."""
        return self.store.digest(f"{STAGING}/{self.run_id}/{name}")

    def fence(self, fences: Mapping[str, str]) -> None:
        """Let each commit of these tables, by address, prove that its lease is still ours."""
        for address, fence in fences.items():
            self.spark.conf.set(f"barlake.fence.{address}", fence)

    def clear_staging(self, run_id: str) -> None:
        """Remove what a run staged."""
        self.store.remove(f"{STAGING}/{run_id}")

    def merge(self, table: Table, rows: DataFrame, within: Column | None = None) -> Commit | None:
        """Upsert `rows` in one commit; None where nothing is news, and then nothing is committed.

        Args:
            table: Where to.
            rows: Whole rows, each key once; `run_id` and `computed_at` are set here. A boolean
                column `is_gone`, where there is one, names stored rows to delete.
            within: A condition on the table's own columns that holds for every stored row whose
                key is in `rows`: what of the table must be read to tell what is news.

        Raises:
            DuplicateKeyError: `rows` holds a key twice.
        """
        news = frozen(self._news(table, rows, within))
        facts = self._facts(table, news)
        if not facts["n"]:
            return None
        if facts["n"] != facts["n_keys"]:
            raise DuplicateKeyError(f"{table}: {facts['n'] - facts['n_keys']} keys come twice")
        self._write(table, news, facts)
        return history.commit(self.store, table, self.version(table))

    def _create(self, table: Table) -> None:
        builder = (
            DeltaTable.createIfNotExists(self.spark)
            .location(self.path(table))
            .addColumns(self.spark.createDataFrame([], table.ddl).schema)
            .partitionedBy(*table.partition_by)
            .comment(table.doc)
        )
        for key, value in table.properties.items():
            builder = builder.property(key, value)
        builder.execute()

    def _news(self, table: Table, rows: DataFrame, within: Column | None) -> DataFrame:
        stored = self.read(table, within).withColumn("is_stored", F.lit(True)).alias("t")
        source = self._stamped(table, rows).alias("s")
        same = reduce(and_, [F.col(f"t.{k}") == F.col(f"s.{k}") for k in table.key])
        is_stored = F.coalesce(F.col("t.is_stored"), F.lit(False))
        differs = reduce(
            or_,
            [~F.col(f"s.{name}").eqNullSafe(F.col(f"t.{name}")) for name in table.payload],
            F.lit(False),
        )
        is_gone = F.col("s.is_gone")
        kept = F.when(is_gone, is_stored).otherwise(~is_stored | differs)
        joined = source.join(stored, same, how="left").where(kept)
        return joined.select("s.*", is_stored.alias("is_stored"))

    def _stamped(self, table: Table, rows: DataFrame) -> DataFrame:
        stamps = {"run_id": F.lit(self.run_id), "computed_at": F.lit(self.now)}
        lineage = {k: v for k, v in stamps.items() if k in table.lineage}
        gone = F.col("is_gone") if "is_gone" in rows.columns else F.lit(False)
        stamped = rows.withColumns(lineage).withColumn("is_gone", gone)
        return stamped.select(*table.names, "is_gone")

    def _facts(self, table: Table, news: DataFrame) -> dict[str, Any]:
        literals = [F.collect_set(name).alias(f"in_{name}") for name in table.partition_by]
        ranges = [
            edge(name).cast("string").alias(f"{side}_{name}")
            for name in table.prune_by
            for side, edge in (("min", F.min), ("max", F.max))
        ]
        facts = news.agg(
            F.count("*").alias("n"),
            F.count_distinct(*table.key).alias("n_keys"),
            F.coalesce(F.bool_or("is_stored"), F.lit(False)).alias("has_updates"),
            F.coalesce(F.bool_or("is_gone"), F.lit(False)).alias("has_deletes"),
            *literals,
            *ranges,
        )
        return facts.collect()[0].asDict()

    def _write(self, table: Table, news: DataFrame, facts: dict[str, Any]) -> None:
        target = DeltaTable.forPath(self.spark, self.path(table)).alias("t")
        sorted_news = news.sortWithinPartitions(*table.order_by) if table.order_by else news
        merge = target.merge(sorted_news.alias("s"), _same_record(table, facts))
        values: dict[str, str | Column] = {f"`{name}`": F.col(f"s.{name}") for name in table.names}
        if facts["has_deletes"]:
            merge = merge.whenMatchedDelete(F.col("s.is_gone"))
        if facts["has_updates"]:
            kept = {f"`{name}`" for name in table.first_writer}
            merge = merge.whenMatchedUpdate(set={k: v for k, v in values.items() if k not in kept})
        merge.whenNotMatchedInsert(values=values).execute()


def _same_record(table: Table, facts: dict[str, Any]) -> Column:
    """Hold where stored row `t` and incoming row `s` are the same record.

    The partitions are named one by one, as literals, since Delta skips files only by conditions on
    the target alone: `t.session_date = s.session_date` would read every day ever stored.
    """
    parts = [F.col(f"t.{n}").isin(sorted(facts[f"in_{n}"])) for n in table.partition_by]
    ranges = [
        F.col(f"t.{n}").between(
            F.lit(facts[f"min_{n}"]).cast(_type(table, n)),
            F.lit(facts[f"max_{n}"]).cast(_type(table, n)),
        )
        for n in table.prune_by
    ]
    keys = [F.col(f"t.{n}") == F.col(f"s.{n}") for n in table.key]
    return reduce(and_, [*parts, *ranges, *keys])


def _type(table: Table, name: str) -> str:
    return next(c.type for c in table.columns if c.name == name)
