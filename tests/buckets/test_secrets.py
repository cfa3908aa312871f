"""No credential of a lake in a bucket is written anywhere, or seen by other processes (I12)."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from barlake.model.tables import TABLES
from tests.buckets.nights import Nights, read
from tests.object_stores import OWNER, reached

pytestmark = pytest.mark.drill


def assert_free(text: str | bytes, where: str) -> None:
    """Neither half of the owner's credentials is in it."""
    held = text if isinstance(text, bytes) else text.encode()
    assert held, f"{where} is empty"
    assert not [half for half in OWNER if half.encode() in held], f"{where} holds a credential"


def test_the_bucket_and_its_history_hold_no_credential(
    nights: Nights, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached(nights.second.server, monkeypatch)
    objects = read(nights.second.store)
    commits = {name for name in objects if "_delta_log/0" in name}

    assert len(commits) >= len(TABLES)
    for name in commits:
        assert b"commitInfo" in objects[name] or name.endswith(".parquet"), name
    for name, content in objects.items():
        if content:
            assert_free(content, name)
    names = " ".join(row[0] for row in spark.sql("SHOW TABLES").collect())
    assert_free(f"tables: {names}", "the catalog")


def test_a_night_says_no_credential(nights: Nights) -> None:
    assert '"event": "finished"' in nights.said
    assert_free(nights.said, "what the night printed")


def test_event_files_hold_no_credential(nights: Nights) -> None:
    found = [path for path in (nights.folder / "events").rglob("*") if path.is_file()]

    assert found
    text = b"".join(path.read_bytes() for path in found)
    assert b"SparkListenerEnvironmentUpdate" in text
    assert_free(text, "the event files")


def test_the_process_list_and_the_settings_show_no_credential(spark: SparkSession) -> None:
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    command = Path(f"/proc/{gateway.proc.pid}/cmdline").read_bytes()

    assert b"java" in command
    assert_free(command, "the command line of the JVM")
    settings = dict(spark.sparkContext.getConf().getAll())
    assert settings["spark.master"] == "local[2]"
    assert_free(repr(settings), "Spark's settings")
    shown = [tuple(row) for row in spark.sql("SET -v").collect()]
    assert_free(repr(shown), "SET -v")
