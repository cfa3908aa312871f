"""Labels: the whole lake as it was at a session's close, for every reader, whatever came since."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake import steps_upkeep
from barlake.io import history, labels
from barlake.io.folder import Folder
from barlake.io.lake import Lake
from barlake.io.lease import lease
from barlake.model import bronze, gold, ref, silver
from barlake.model.errors import InputError
from barlake.model.tables import TABLES
from barlake.options import Options
from barlake.pipelines.labels import label_close
from barlake.pipelines.restore import RESTORED
from barlake.readers.status import status
from barlake.settings import PROJECT, Settings
from infra.server import Server
from tests.buckets.mirror import mirrored, uploaded
from tests.builders import resumed, run_files
from tests.lake.aging import age
from tests.lake.invariants import (
    Contents,
    assert_equal,
    assert_log_is_sane,
    commit_runs,
    contents,
    files,
    versions,
)
from tests.lake.two_nights import FIRST_NIGHT, SECOND_NIGHT, first_night, second_night
from tests.lake.victim import command, environment
from tests.object_stores import placed

SHELL = Path(sys.executable).with_name("spark-sql")
EARLY, LATE = "close-2026-11-25", "close-2026-11-27"
KEPT = timedelta(days=365)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after two nights, and beside it what it held after the first."""
    del spark
    root = tmp_path_factory.mktemp("labels")
    run_files(root / "lake", first_night(root / "first.csv"), as_of=FIRST_NIGHT, run_id="first")
    shutil.copytree(root / "lake", root / "early")
    run_files(root / "lake", second_night(root / "second.csv"), as_of=SECOND_NIGHT, run_id="second")
    return root


@pytest.fixture(scope="module")
def early(folder: Path) -> Contents:
    return contents(folder / "early")


@pytest.fixture(scope="module")
def late(folder: Path) -> Contents:
    return contents(folder / "lake")


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """The lake once more, for a test that writes, all of it written 40 days ago."""
    root = tmp_path / "it's a lake"
    shutil.copytree(folder / "lake", root)
    age(root, 40)
    yield root
    shutil.rmtree(root)


def by_duckdb(root: Path | str, label: str) -> Contents:
    lake = barlake.open(str(root), label=label)
    return {str(table): keyed(lake.rows(f"FROM {table}"), table.key) for table in TABLES}


def by_spark(root: Path, label: str) -> Contents:
    spark = barlake.spark_session(barlake.open(str(root), label=label))
    found = {table: spark.table(str(table)).toArrow().to_pylist() for table in TABLES}
    return {str(table): keyed(rows, table.key) for table, rows in found.items()}


def by_delta_rs(root: Path, label: str) -> Contents:
    lake = barlake.open(str(root), label=label)
    found = {table: lake.table(str(table)).to_pyarrow_table().to_pylist() for table in TABLES}
    return {str(table): keyed(rows, table.key) for table, rows in found.items()}


def keyed(rows: Rows, key: tuple[str, ...]) -> Rows:
    return sorted(rows, key=itemgetter(*key))


def test_the_first_run_after_a_close_labels_it_once(folder: Path, conf: Settings) -> None:
    store = Folder(folder / "lake")

    first, second = labels.all_labels(store)

    assert (first.label, first.run_id, first.made_at) == (EARLY, "first", FIRST_NIGHT)
    assert (second.label, second.run_id, second.made_at) == (LATE, "second", SECOND_NIGHT)
    assert first.versions == versions(folder / "early", TABLES)
    assert second.versions == versions(folder / "lake", TABLES)
    assert barlake.open(str(folder / "lake")).labels() == [EARLY, LATE]
    told = status(barlake.open(str(folder / "lake")), conf, SECOND_NIGHT)
    assert told["labels"] == {"labels": 2, "newest": LATE}


def test_a_step_labels_where_the_tables_are_in_step(
    folder: Path, tmp_path: Path, spark: SparkSession, conf: Settings
) -> None:
    root = tmp_path / "lake"
    shutil.copytree(folder / "lake", root)
    (root / labels.FOLDER / f"{LATE}.json").unlink()
    night = resumed(Lake(spark, Folder(root), "stepped", SECOND_NIGHT), conf)
    lake = barlake.open(str(root))
    newest = night.lake.version(silver.BARS_1M)

    night.detail["gold"] = {"silver_version": 1}  # silver has changed since
    label_close(night, "gold")
    night.detail["gold"] = {"silver_version": newest}
    label_close(night, "silver")
    with lease(night.lake.store, [bronze.BARS], {"run_id": "other", "process": 1}):
        label_close(night, "gold")
    assert lake.labels() == [EARLY]

    label_close(night, "gold")
    assert lake.labels() == [EARLY, LATE]
    made = labels.find(night.lake.store, LATE)
    assert (made.run_id, made.versions) == ("stepped", versions(root, TABLES))


@pytest.mark.parametrize("read", [by_duckdb, by_spark, by_delta_rs])
def test_every_reader_gives_every_table_as_it_was(
    folder: Path, early: Contents, late: Contents, read: Any
) -> None:
    assert early[str(silver.BARS_1M)] != late[str(silver.BARS_1M)]

    assert read(folder / "lake", EARLY) == early
    assert read(folder / "lake", LATE) == late


def test_names_in_spark_are_as_of_a_label_only_while_one_is_asked_for(
    folder: Path, early: Contents, late: Contents
) -> None:
    root, query = str(folder / "lake"), "SELECT count(*) AS n FROM silver.bars_1m"

    for label, known in ((None, late), (EARLY, early), (None, late)):
        spark = barlake.spark_session(barlake.open(root, label=label))
        assert spark.sql(query).toArrow().to_pylist() == [{"n": len(known["silver.bars_1m"])}]


def test_the_shell_of_spark_knows_every_table_by_name(
    folder: Path, tmp_path: Path, early: Contents
) -> None:
    """`barlake tables` and `spark-sql` as they are, with the settings of every job; no Hive."""
    names = tmp_path / "names.sql"
    asked = command("tables", "--lake", str(folder / "lake"), "--label", EARLY)
    with names.open("w") as file:
        subprocess.run(asked, env=environment("UTC"), stdout=file, check=True)
    (tmp_path / "jars").symlink_to(PROJECT / "jars")  # the settings name it from where one stands
    query = "SELECT segment, count(*), max(ts) FROM silver.bars_1m GROUP BY segment"
    arguments = ["-i", str(names), "-e", f"{query}; SHOW TABLES IN gold"]

    done = subprocess.run(
        [SHELL, "--properties-file", str(PROJECT / "spark-defaults.conf"), *arguments],
        cwd=tmp_path,
        env=environment("UTC") | {"PATH": f"{SHELL.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    held = early["silver.bars_1m"]
    newest = max(row["ts"] for row in held)
    assert f"regular\t{len(held)}\t{newest:%Y-%m-%d %H:%M:%S}" in done.stdout.splitlines()
    assert {"bars", "features_1m"} <= {*done.stdout.splitlines()}
    left = {path.name for path in tmp_path.iterdir()}
    assert left <= {"names.sql", "jars", "spark-warehouse"}


def test_what_is_worked_out_is_as_of_the_label_too(folder: Path, early: Contents) -> None:
    then = barlake.open(str(folder / "lake"), label=EARLY)
    held = [r for r in early["silver.bars_1m"] if r["ticker"] == "AAPL"]

    adjusted = then.rows("FROM silver.bars_1m_adjusted WHERE ticker = 'AAPL' ORDER BY ts")
    assert [r["close"] for r in adjusted] == [r["close"] for r in held]
    assert then.bars("AAPL").arrow().read_all().to_pylist() == held
    late_known = then.bars("AAPL", as_known=SECOND_NIGHT, adjusted=True)
    observed = [r["close"] for r in held if not r["is_filled"]]
    assert [r["close"] for r in late_known.arrow().read_all().to_pylist()] == observed


def test_pandas_gives_what_duckdb_gives(folder: Path) -> None:
    lake = barlake.open(str(folder / "lake"))

    frame = lake.table("gold.bars").to_pandas().sort_values(list(gold.BARS.key))

    assert frame["close"].tolist() == [
        r["close"] for r in lake.rows('FROM gold.bars ORDER BY ticker, "interval", ts')
    ]
    assert list(frame.columns) == list(gold.BARS.names)


@pytest.mark.parametrize("asked", ["close-2026-11-26", "../_labels/close-2026-11-25", ""])
def test_a_label_that_is_not_there_is_refused_with_those_that_are(folder: Path, asked: str) -> None:
    said = re.escape(f"there is no label {asked!r}; there are {LATE}, {EARLY}")
    with pytest.raises(InputError, match=said):
        barlake.open(str(folder / "lake"), label=asked)


def test_vacuum_leaves_what_a_label_needs_until_the_label_dies(
    copied: Path, early: Contents, late: Contents
) -> None:
    needed, before = of_label(copied), data(copied)

    deleted = vacuumed(copied, SECOND_NIGHT)

    assert deleted["labels_removed"] == 0
    gone = before - data(copied)
    assert len(gone) == sum(deleted["files_deleted"].values()) > 0  # of versions in between
    assert by_duckdb(copied, EARLY) == by_spark(copied, EARLY) == early

    deleted = vacuumed(copied, FIRST_NIGHT + KEPT)

    assert deleted["labels_removed"] == 1
    assert barlake.open(str(copied)).labels() == [LATE]
    dead = before - gone - data(copied)
    assert len(dead) == sum(deleted["files_deleted"].values())
    assert needed <= dead
    found = contents(copied)
    assert_equal(found, late)
    assert by_duckdb(copied, LATE) == late


def test_without_its_label_the_files_of_a_version_go(copied: Path, late: Contents) -> None:
    """The control: nothing but the label had kept them."""
    needed = of_label(copied)
    for name in (EARLY, LATE):
        (copied / labels.FOLDER / f"{name}.json").unlink()

    deleted = vacuumed(copied, SECOND_NIGHT)

    assert deleted["files_deleted"]["silver.bars_1m"] > 0
    assert not needed & data(copied)
    assert_equal(contents(copied), late)


def vacuumed(root: Path | str, moment: Any) -> dict[str, Any]:
    return steps_upkeep.vacuum(Options(lake=str(root), as_of=moment))


def data(root: Path) -> set[str]:
    """Give the data files of the tables that vacuum's own run does not write."""
    return {
        name
        for name in files(root)
        if name.endswith(".parquet")
        and not name.startswith(("landing/", "ops/runs/"))
        and "/_delta_log/" not in name
    }


def of_label(root: Path) -> set[str]:
    """Give the files of silver.bars_1m that the early label alone needs."""
    store = Folder(root)
    then = labels.find(store, EARLY).version(silver.BARS_1M)
    needed = history.live_files(store, silver.BARS_1M, then).keys()
    alive = history.live_files(store, silver.BARS_1M).keys()
    only = {f"{silver.BARS_1M.path}/{name}" for name in {*needed} - {*alive}}
    assert only
    return only


def test_a_log_that_is_shorter_than_a_label_s_life_is_refused(
    copied: Path, spark: SparkSession
) -> None:
    at = str(copied / ref.ACTIONS.path).replace("`", "``")
    spark.sql(
        f"ALTER TABLE delta.`{at}` SET TBLPROPERTIES "
        "('delta.logRetentionDuration' = 'interval 365 days')"
    )
    before = data(copied)

    with pytest.raises(InputError, match=r"ref\.actions keeps its log for 'interval 365 days'"):
        vacuumed(copied, SECOND_NIGHT)

    assert data(copied) == before


def test_a_restored_lake_is_the_labelled_one_and_goes_forward_again(
    folder: Path, copied: Path, early: Contents, late: Contents
) -> None:
    options = Options(lake=str(copied), as_of=SECOND_NIGHT + timedelta(hours=1), run_id="back")
    before = versions(copied, TABLES)

    done = steps_upkeep.restore(options, EARLY)

    back = contents(copied)
    for table in RESTORED:
        assert back[str(table)] == early[str(table)], str(table)
        moved = versions(copied, (table,))[str(table)] - before[str(table)]
        assert moved == (early[str(table)] != late[str(table)]), str(table)
        assert moved == 0 or commit_runs(copied, table)[-1] == "back", str(table)
    assert done["status"] == "ok"
    assert {run["run_id"] for run in back["ops.runs"]} == {"first", "second", "back"}

    again = versions(copied, RESTORED)
    steps_upkeep.restore(Options(lake=str(copied), as_of=options.as_of, run_id="again"), EARLY)
    assert versions(copied, RESTORED) == again

    run_files(copied, folder / "second.csv", as_of=SECOND_NIGHT, run_id="forward")
    assert_equal(contents(copied), late)
    assert_log_is_sane(copied)
    assert barlake.open(str(copied)).labels() == [EARLY, LATE]


@pytest.mark.drill
def test_a_bucket_keeps_its_labels_goes_back_and_goes_forward_again(
    folder: Path,
    copied: Path,
    early: Contents,
    late: Contents,
    minio: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = placed(minio, monkeypatch)
    uploaded(copied, place, 40)

    deleted = vacuumed(place.address, SECOND_NIGHT)

    assert deleted["files_deleted"] == vacuumed(copied, SECOND_NIGHT)["files_deleted"]
    assert sum(deleted["files_deleted"].values()) > 0
    assert by_duckdb(place.address, EARLY) == early

    steps_upkeep.restore(Options(lake=place.address, as_of=SECOND_NIGHT, run_id="back"), EARLY)
    back = contents(mirrored(place.store, copied.parent / "back"))
    assert_equal(back, early, RESTORED)

    run_files(place.address, folder / "second.csv", as_of=SECOND_NIGHT, run_id="forward")
    forward = mirrored(place.store, copied.parent / "forward")
    assert_equal(contents(forward), late)
    assert_log_is_sane(forward)
    assert by_duckdb(place.address, LATE) == late


def test_a_label_whose_files_are_gone_is_refused_before_anything_is_written(copied: Path) -> None:
    store = Folder(copied)
    then = labels.find(store, EARLY).versions["ref.sessions"]
    lost = next(iter(history.live_files(store, ref.SESSIONS, then)))
    (copied / ref.SESSIONS.path / lost).unlink()
    before = files(copied)

    said = f"{EARLY} cannot be brought back: 1 files of version {then} of ref.sessions are gone"
    with pytest.raises(InputError, match=said):
        steps_upkeep.restore(Options(lake=str(copied)), EARLY)

    assert files(copied) == before
