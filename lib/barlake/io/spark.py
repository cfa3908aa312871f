"""The Spark session."""

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from barlake.io.access import Access
from barlake.model.errors import BarlakeError
from barlake.settings import CACHE

PROJECT = Path(__file__).parents[3]
# Those of a bucket and of Kafka are there where somebody asked for them: infra/jars.py.
JAR_SETS = ("core", "logstore", "s3", "kafka")
BUCKET_SETS = ("core", "logstore", "s3")

# What the truth of the tables rests on (docs/decisions/0022): a session without it is refused.
REQUIRED = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.databricks.delta.schema.autoMerge.enabled": "false",
    "spark.databricks.delta.retentionDurationCheck.enabled": "true",
}
# A checksum beside a commit spares a Spark job, and in a bucket costs 24 requests: there a file is
# renamed by looking, copying and deleting.
IN_BUCKETS = {"spark.databricks.delta.writeChecksumFile.enabled": "false"}


class UnsafeSessionError(BarlakeError):
    """A Spark setting differs from what the tables' truth rests on."""


class MissingJarsError(BarlakeError):
    """A lake in a bucket needs jars that are not there."""


def open_session(name: str, run_id: str, access: Access | None = None) -> SparkSession:
    """Open the session with the settings of spark-defaults.conf, or join the one that is open.

    `run_id` goes into every Delta commit: the one setting that a run must make itself. `access`
    tells how buckets are reached, where the lake is in one.

    Raises:
        UnsafeSessionError: A setting in REQUIRED has another value.
        MissingJarsError: What a bucket needs has not been fetched.
    """
    if access and "PYSPARK_GATEWAY_PORT" not in os.environ:  # spark-submit has its own class path
        require_jars(PROJECT / "jars")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", " ".join([*_arguments(), "pyspark-shell"]))
    spark = SparkSession.builder.appName(name).getOrCreate()
    spark.conf.set("spark.databricks.delta.commitInfo.userMetadata", run_id)
    for key, value in (IN_BUCKETS if access else {}).items():
        spark.conf.set(key, value)
    for key, value in (access.hadoop() if access else {}).items():
        spark.sparkContext._jsc.hadoopConfiguration().set(key, value)
    require_safe(spark)
    return spark


def require_safe(spark: SparkSession) -> None:
    """Refuse a session whose settings would change what the tables say."""
    for key, value in REQUIRED.items():
        found = str(spark.conf.get(key))
        if found.lower() != value.lower():
            raise UnsafeSessionError(f"{key} is {found} and must be {value}: spark-defaults.conf")


def require_jars(folder: Path) -> None:
    """Refuse, in one sentence, a folder that lacks one of the sets that a bucket needs."""
    missing = [jars for jars in BUCKET_SETS if not any((folder / jars).glob("*.jar"))]
    if missing:
        raise MissingJarsError(
            f"a lake in a bucket needs jars that are not there ({', '.join(missing)}): "
            "`make bucket` fetches them, 645 MB"
        )


def _arguments() -> list[str]:
    defaults = PROJECT / "spark-defaults.conf"
    options = {
        "--properties-file": defaults,
        "--driver-class-path": ":".join(f"{PROJECT}/jars/{jars}/*" for jars in JAR_SETS),
        "--conf spark.sql.warehouse.dir": CACHE / "spark" / "warehouse",
        "--conf spark.local.dir": CACHE / "spark" / "local",
    }
    return [_argument(name, value) for name, value in options.items()]


def _argument(name: str, value: object) -> str:
    return f'{name}="{value}"' if name.startswith("--conf") else f'{name} "{value}"'
