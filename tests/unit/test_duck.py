"""DuckDB over a lake: it reads the lake, and nothing else of this machine or of any other."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

import barlake
from barlake import cli
from barlake.io import labels
from barlake.io.access import Access
from barlake.io.folder import Folder
from barlake.io.labels import Label
from barlake.model.errors import InputError
from barlake.readers import duck_reach
from barlake.readers.frames import OpenLake
from barlake.readers.landed import name_landing
from barlake.sources.source import SERVED_SCHEMA

MOMENT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
DENIED = "file system operations are disabled by configuration"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A lake of one table with two versions, made without a JVM; its name wants quoting."""
    made = tmp_path / "it's a lake"
    for run in ("first", "second"):
        write_deltalake(made / "ops/runs", pa.table({"run_id": [run]}), mode="append")
    served = made / "landing/files"
    served.mkdir(parents=True)
    pq.write_table(SERVED_SCHEMA.empty_table(), served / "0.parquet")
    (tmp_path / "secret.csv").write_text("word\nopen sesame\n")
    write_deltalake(tmp_path / "other", pa.table({"word": ["open sesame"]}))
    return made


@pytest.fixture
def lake(root: Path) -> OpenLake:
    return barlake.open(str(root))


@pytest.mark.parametrize(
    "query",
    [
        "FROM read_csv('{}/secret.csv')",
        "FROM read_text('{}/*')",
        "FROM glob('{}/*')",
        "FROM sniff_csv('{}/secret.csv')",
        "FROM '{}/it''s a lake/../secret.csv'",
        "FROM delta_scan('{}/other')",
        "FROM read_csv('http://127.0.0.1:9/secret.csv')",
        "FROM read_parquet('s3://elsewhere/secret.parquet')",
        "ATTACH '{}/secret.db'",
        "COPY (SELECT 1) TO '{}/out.csv'",
        "INSTALL spatial",
    ],
)
def test_nothing_outside_the_lake_is_read_or_written(
    lake: OpenLake, tmp_path: Path, query: str
) -> None:
    before = sorted(tmp_path.iterdir())

    with pytest.raises(duckdb.PermissionException, match=DENIED):
        lake.connection.execute(query.replace("{}", str(tmp_path))).fetchall()

    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "change",
    [
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET allowed_paths = ['/etc/hosts']",
        "SET allow_unredacted_secrets = true",
    ],
)
def test_the_door_stays_shut(lake: OpenLake, change: str) -> None:
    with pytest.raises(duckdb.Error, match=r"(?i)cannot"):
        lake.connection.execute(change)


def test_what_the_lake_and_python_hold_is_read(lake: OpenLake) -> None:
    assert lake.rows("SELECT count(*) AS n FROM ops.runs") == [{"n": 2}]
    name_landing(lake)
    assert lake.rows("SELECT count(*) AS n FROM served") == [{"n": 0}]
    lake.connection.register("mine", pd.DataFrame({"run_id": ["second", "third"]}))
    assert lake.rows("FROM ops.runs SEMI JOIN mine USING (run_id)") == [{"run_id": "second"}]


def test_a_query_that_reaches_out_ends_in_one_sentence(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = f"FROM read_csv('{tmp_path}/secret.csv')"

    assert cli._guarded(cli.app, ["sql", query, "--lake", str(root)]) == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith("barlake: the query failed: Permission Error")
    assert DENIED in said


@pytest.mark.parametrize(("version", "runs"), [(0, ["first"]), (1, ["first", "second"])])
def test_a_label_pins_versions(root: Path, version: int, runs: list[str]) -> None:
    named(root, "close-2026-11-20", {"ops.runs": version})
    pinned = barlake.open(str(root), label="close-2026-11-20")
    write_deltalake(root / "ops/runs", pa.table({"run_id": ["third"]}), mode="append")

    assert [r["run_id"] for r in pinned.rows("FROM ops.runs ORDER BY run_id")] == runs
    assert sorted(pinned.table("ops.runs").to_pandas()["run_id"]) == runs
    newest = barlake.open(str(root))
    assert newest.rows("SELECT count(*) AS n FROM ops.runs") == [{"n": 3}]
    assert len(newest.table("ops.runs").to_pandas()) == 3


def test_a_table_that_a_label_did_not_know_is_not_there(root: Path) -> None:
    named(root, "close-2026-11-20", {"ops.runs": 0})
    write_deltalake(root / "silver/bars_1m", pa.table({"ticker": ["AAPL"]}))
    pinned = barlake.open(str(root), label="close-2026-11-20")

    with pytest.raises(duckdb.CatalogException, match="bars_1m"):
        pinned.rows("FROM silver.bars_1m")
    with pytest.raises(InputError, match=r"silver\.bars_1m is not in this lake yet"):
        pinned.table("silver.bars_1m")


@pytest.mark.parametrize("name", ["bars_1m", "silver.bars_2m", "", "ops.runs; DROP"])
def test_a_table_by_another_name_is_refused_with_those_there_are(lake: OpenLake, name: str) -> None:
    with pytest.raises(InputError, match=r"there is no table .*; there are bronze\.bars, silver"):
        lake.table(name)


def test_a_label_is_made_once(root: Path) -> None:
    assert named(root, "close-2026-11-20", {"ops.runs": 0})
    assert not named(root, "close-2026-11-20", {"ops.runs": 1})

    store = Folder(root)
    assert labels.find(store, "close-2026-11-20").versions == {"ops.runs": 0}
    for day in range(1, 8):
        named(root, f"close-2026-10-0{day}", {"ops.runs": 0}, made_at=MOMENT.replace(day=day))
    with pytest.raises(InputError) as refused:
        labels.find(store, "close-2026-10-08")
    assert str(refused.value) == (
        "there is no label 'close-2026-10-08'; there are close-2026-11-20, close-2026-10-07, "
        "close-2026-10-06, close-2026-10-05, close-2026-10-04 and 3 older"
    )


def test_without_a_label_the_sentence_says_so(root: Path) -> None:
    with pytest.raises(InputError, match="there are none yet"):
        barlake.open(str(root), label="close-2026-11-20")


def named(root: Path, name: str, versions: dict[str, int], made_at: datetime = MOMENT) -> bool:
    made = Label(label=name, made_at=made_at, run_id="night", versions=versions)
    return labels.make(Folder(root), made)


def test_no_secret_stands_in_a_query_or_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the secret's characters are; and without one, as on AWS, a role's are asked for."""
    secret = "can'ary; --$1"  # noqa: S105 - the canary
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key'1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    access = Access(endpoint="http://127.0.0.1:9", region="us-east-1", is_path_style=True)
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.load_extension(str(duck_reach.extension("httpfs")))
    asked: list[str] = []

    class Heard:
        def execute(self, query: str, values: Any = None) -> Any:
            asked.append(query)
            return connection.execute(query, values)

    duck_reach.keep_secret(Heard(), access, "s3://lake/main/")  # type: ignore[arg-type]

    assert secret not in " ".join(asked)
    [shown] = connection.execute("SELECT * FROM duckdb_secrets()").fetchall()
    assert secret not in str(shown)
    assert ["s3://lake/main/"] in shown
    with pytest.raises(duckdb.Error) as refused:
        connection.execute("FROM 's3://lake/main/x.parquet'")
    assert secret not in str(refused.value)
