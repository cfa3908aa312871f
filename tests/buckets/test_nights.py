"""The same nights give the same lake, in a folder and in a bucket."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from barlake import steps_upkeep
from barlake.io import history, lease
from barlake.io.bucket import Bucket
from barlake.model.tables import TABLES
from barlake.options import Options
from infra.server import Server
from tests.buckets.mirror import mirrored
from tests.builders import run_files
from tests.lake.invariants import (
    DATA,
    Contents,
    assert_books_are_closed,
    assert_equal,
    assert_files_are_there,
    assert_keys_are_unique,
    assert_log_is_sane,
    commit_runs,
    contents,
    versions,
)
from tests.lake.two_nights import FIRST_NIGHT, SECOND_NIGHT, first_night, second_night
from tests.object_stores import Place, placed


@dataclass(frozen=True)
class Lakes:
    """One lake twice, after two nights and the second once more."""

    place: Place
    folder: Path
    mirror: Path
    versions: dict[str, int]  # of the bucket's tables, before the second night came again

    @property
    def store(self) -> Bucket:
        return self.place.store


@pytest.fixture(scope="module")
def lakes(minio: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lakes]:
    with pytest.MonkeyPatch.context() as patch:
        place = placed(minio, patch)
        folder = tmp_path_factory.mktemp("nights")
        first, second = first_night(folder / "first.csv"), second_night(folder / "second.csv")
        for root in (str(folder / "lake"), place.address):
            run_files(root, first, as_of=FIRST_NIGHT, run_id="first")
            run_files(root, second, as_of=SECOND_NIGHT, run_id="second")
        known = _versions(place.store)
        run_files(place.address, second, as_of=SECOND_NIGHT, run_id="again")
        mirror = mirrored(place.store, folder / "mirror")
        yield Lakes(place, folder / "lake", mirror, known)


@pytest.fixture(scope="module")
def found(lakes: Lakes) -> Contents:
    return contents(lakes.mirror)


def test_the_bucket_holds_what_the_folder_holds(lakes: Lakes, found: Contents) -> None:
    expected = contents(lakes.folder)

    assert {name: len(rows) for name, rows in found.items() if not name.startswith("ops.")} == {
        name: len(rows) for name, rows in expected.items() if not name.startswith("ops.")
    }
    assert_equal(found, expected, DATA)


def test_the_bucket_is_sound(lakes: Lakes, found: Contents) -> None:
    assert_log_is_sane(lakes.mirror)
    assert_files_are_there(lakes.mirror)
    assert_keys_are_unique(found)
    ended = dict.fromkeys(("first", "second", "again"), "ok")
    assert_books_are_closed(lakes.mirror, ended, received={})


def test_both_made_the_same_commits(lakes: Lakes) -> None:
    for table in DATA:
        assert commit_runs(lakes.mirror, table) == commit_runs(lakes.folder, table), str(table)


def test_a_night_that_comes_again_commits_nothing(lakes: Lakes) -> None:
    after = versions(lakes.mirror)

    assert after == {name: lakes.versions[name] for name in after}


def test_a_run_leaves_no_lease_no_record_and_no_staged_file(lakes: Lakes) -> None:
    left = [n for n in lakes.store.names("") if n.startswith(("_staging/", "_runs/"))]

    assert left == []
    assert [lease.holder_of(lakes.store, table) for table in TABLES] == [None] * len(TABLES)


def test_each_commit_names_the_lease_that_it_was_made_under(lakes: Lakes) -> None:
    """The runs took each table's lease one after the other, so that their tokens rise."""
    for table in DATA:
        tokens = []
        for version in history.versions(lakes.store, table)[1:]:
            text = lakes.store.get(f"{table.path}/_delta_log/{version:020d}.json").decode()
            [info] = [json.loads(line) for line in text.splitlines() if "commitInfo" in line]
            tokens.append((info["commitInfo"]["fencingToken"], info["commitInfo"]["userMetadata"]))
        assert tokens == sorted(tokens)
        assert set(tokens) <= {(1, "first"), (2, "second"), (3, "again")}, str(table)


def _versions(store: Bucket) -> dict[str, int]:
    return {str(table): history.latest(store, table) for table in TABLES}


def test_upkeep_runs_in_a_bucket_too(lakes: Lakes) -> None:
    """Nothing is older than the retention; the store is told what it may remove by itself."""
    before = data_files(lakes.store)

    done = steps_upkeep.vacuum(Options(lake=lakes.place.address, as_of=SECOND_NIGHT))

    assert set(done["files_deleted"].values()) == {0}
    assert "barlake-staging" in " ".join(done["lifecycle"]["rules"])
    assert data_files(lakes.store) == before


def data_files(store: Bucket) -> list[str]:
    return [name for name in store.names("silver") if name.endswith(".parquet")]
