"""An open lakehouse for 1-minute stock bars.

`open` gives a lake for reading (DuckDB, no JVM), `spark_session` the same tables in Spark SQL.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from barlake.io.store import Store
    from barlake.readers.frames import OpenLake

__all__ = ["open", "spark_session"]


def open(  # noqa: A001 - barlake.open reads as one word
    root: "str | Store", *, label: str | None = None
) -> "OpenLake":
    """Open a lake for reading.

    Args:
        root: Its folder, or s3a://bucket/prefix; the settings and the environment tell how the
            bucket is reached.
        label: Give every table as it was at a session's close, such as close-2026-11-20; `labels`
            of a lake that is open gives their names. None is as it is now, and becomes.

    Raises:
        InputError: No lake is there, or no label of that name.
    """
    from barlake.io import labels  # noqa: PLC0415
    from barlake.io.access import Access  # noqa: PLC0415 - `import barlake` stays light
    from barlake.io.store import open_store  # noqa: PLC0415
    from barlake.readers.duck import connect  # noqa: PLC0415
    from barlake.readers.frames import OpenLake  # noqa: PLC0415
    from barlake.settings import load  # noqa: PLC0415

    store = open_store(root, Access.of(load().lake)) if isinstance(root, str) else root
    chosen = None if label is None else labels.find(store, label)
    return OpenLake(store, connect(store, chosen), chosen)


def spark_session(lake: "OpenLake") -> "SparkSession":
    """Open Spark SQL over a lake: its tables by name, e.g. `silver.bars_1m`; as of its label."""
    from barlake.io.spark import open_session  # noqa: PLC0415 - a reader without a JVM needs none
    from barlake.readers.catalog import name_tables  # noqa: PLC0415

    spark = open_session("barlake reader", "reader", lake.store.access)
    name_tables(spark, lake.store, lake.label)
    return spark
