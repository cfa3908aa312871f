"""A lake in a bucket by readers without a JVM: the same rows, and nothing but the lake."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

import barlake
from barlake import steps_look
from barlake.io import history, labels
from barlake.io.labels import Label
from barlake.io.store import Store
from barlake.model import ops
from barlake.model.errors import InputError
from barlake.options import Options
from barlake.readers.frames import OpenLake
from barlake.readers.landed import name_landing
from barlake.sources.source import SERVED_SCHEMA
from tests.object_stores import Place

MOMENT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
LABEL = "close-2026-11-20"
DENIED = "file system operations are disabled by configuration"


@pytest.fixture
def store(place: Place, tmp_path: Path) -> Store:
    """A table of two versions, the older one labelled, and a landing file; copied into a bucket."""
    for run in ("first", "second"):
        write_deltalake(tmp_path / "ops/runs", pa.table({"run_id": [run]}), mode="append")
    served = tmp_path / "landing/files"
    served.mkdir(parents=True)
    pq.write_table(SERVED_SCHEMA.empty_table(), served / "0.parquet")
    found: Store = place.store
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        found.put_once(str(path.relative_to(tmp_path)), path.read_bytes())
    versions = {str(ops.RUNS): 0}
    labels.make(found, Label(label=LABEL, made_at=MOMENT, run_id="night", versions=versions))
    return found


@pytest.fixture
def lake(store: Store) -> OpenLake:
    return barlake.open(store.address)


def test_duckdb_and_delta_rs_give_the_same_rows(lake: OpenLake, store: Store) -> None:
    then = barlake.open(store.address, label=LABEL)

    for reader, runs in ((lake, ["first", "second"]), (then, ["first"])):
        assert [r["run_id"] for r in reader.rows("FROM ops.runs ORDER BY run_id")] == runs
        assert sorted(reader.table("ops.runs").to_pandas()["run_id"]) == runs
        name_landing(reader)
        assert reader.rows("SELECT count(*) AS n FROM served") == [{"n": 0}]
    assert lake.labels() == [LABEL]
    assert len(history.live_files(store, ops.RUNS)) == 2
    with pytest.raises(InputError, match=f"there are {LABEL}"):
        barlake.open(store.address, label="close-2026-11-19")


def test_nothing_outside_the_lake_is_read(lake: OpenLake, place: Place) -> None:
    """Neither the rest of its own bucket."""
    for path in (
        "/etc/hosts",
        f"s3://{place.bucket}/other.csv",
        "s3://elsewhere/a.csv",
        "http://a/b",
    ):
        with pytest.raises(duckdb.PermissionException, match=DENIED):
            lake.connection.execute("FROM read_text($path)", {"path": path})


def test_the_secret_is_never_shown(lake: OpenLake, place: Place) -> None:
    secret = place.server.environment["AWS_SECRET_ACCESS_KEY"]

    [shown] = lake.connection.execute("FROM duckdb_secrets()").fetchall()

    assert secret not in str(shown)
    assert [f"s3://{place.bucket}/lake/"] in shown
    with pytest.raises(duckdb.Error) as refused:
        lake.connection.execute("FROM duckdb_secrets(redact=false)").fetchall()
    assert secret not in str(refused.value)


def test_a_listing_tells_sizes_and_times(store: Store) -> None:
    found = {each.name: each for each in store.listed("landing")}

    [(name, each)] = found.items()
    assert name == "landing/files/0.parquet"
    assert each.bytes == len(store.get(name))
    assert abs((datetime.now(UTC) - each.modified_at).total_seconds()) < 600
    assert store.names("landing") == [name]


def test_spark_is_led_to_the_bucket_and_told_no_secret(store: Store, place: Place) -> None:
    told = steps_look.tables(Options(lake=store.address), LABEL)

    assert f"SET fs.s3a.endpoint={place.server.url};" in told
    assert told[-1].startswith("CREATE VIEW ops.runs AS ")
    assert told[-1].endswith(f"delta.`{store.path('ops/runs')}` VERSION AS OF 0;")
    secret = place.server.environment["AWS_SECRET_ACCESS_KEY"]
    assert secret not in "".join(told)
