"""Objects below a lake's root: whole or not at all, and once."""

import os
from pathlib import Path

import pytest

from barlake.io.access import Access
from barlake.io.folder import Folder
from barlake.io.store import open_store
from barlake.model.errors import InputError
from barlake.settings import Settings


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder.at(str(tmp_path / "lake"))


def files_of(store: Folder) -> list[str]:
    """Give every file there is, drafts as well."""
    return sorted(str(p.relative_to(store.root)) for p in store.root.rglob("*") if p.is_file())


# --- where


def test_a_store_is_a_folder_that_need_not_be_there_yet(tmp_path: Path) -> None:
    store = Folder.at(str(tmp_path / "some" / ".." / "lake"))

    assert store.root == tmp_path / "lake"
    assert store.path("silver/bars_1m") == str(tmp_path / "lake" / "silver" / "bars_1m")
    assert not store.root.exists()


def test_a_relative_root_is_that_of_where_the_command_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert Folder.at("lake/main").root == tmp_path / "lake" / "main"


@pytest.mark.parametrize("root", ["s3://lake/x", "file:///tmp/lake", "https://x", "gs://lake"])
def test_an_address_is_no_folder(root: str, conf: Settings) -> None:
    with pytest.raises(InputError, match=f"{root} is no folder"):
        open_store(root, Access.of(conf.lake))


@pytest.mark.parametrize(
    "root",
    ["s3a://", "s3a://x", "s3a://Lake", "s3a://lake//x", "s3a://lake/../x", "s3a://lake/a b"],
)
def test_an_address_that_names_no_bucket_is_refused(root: str, conf: Settings) -> None:
    with pytest.raises(InputError, match="names no bucket"):
        open_store(root, Access.of(conf.lake))


def test_a_bucket_is_known_by_its_name_and_prefix(conf: Settings) -> None:
    store = open_store("s3a://lake/main/", Access.of(conf.lake))

    assert store.address == "s3a://lake/main"
    assert store.path("silver/bars_1m") == "s3a://lake/main/silver/bars_1m"
    assert store.below("_staging/a").address == "s3a://lake/main/_staging/a"


def test_a_file_is_no_folder_and_holds_none(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_text("ticker\n", "utf-8")

    for root in (tmp_path / "bars.csv", tmp_path / "bars.csv" / "lake"):
        with pytest.raises(InputError, match=r"bars\.csv is a file"):
            Folder.at(str(root))


def test_no_path_is_no_folder(conf: Settings) -> None:
    with pytest.raises(InputError):
        open_store("", Access.of(conf.lake))


# --- put


def test_what_is_put_again_stands_in_place_of_the_first(store: Folder) -> None:
    first = store.put("pages/index.html", b"one")
    second = store.put("pages/index.html", b"two")

    assert (first, second) == (True, True)
    assert store.get("pages/index.html") == b"two"
    assert files_of(store) == ["pages/index.html"]


def test_what_is_the_same_is_not_written(store: Folder) -> None:
    store.put("pages/index.html", b"one")
    before = Path(store.path("pages/index.html")).stat()

    assert not store.put("pages/index.html", b"one")
    after = Path(store.path("pages/index.html")).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_write_that_breaks_leaves_the_old_object_whole(
    store: Folder, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    store.put("pages/index.html", b"one")

    def full(draft: Path, _: object) -> int:
        with draft.open("wb") as file:
            file.write(b"t")
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, step, full)
    with pytest.raises(OSError, match="full"):
        store.put("pages/index.html", b"two")

    assert store.get("pages/index.html") == b"one"
    assert files_of(store) == ["pages/index.html"]


# --- put once


def test_what_is_put_is_there_whole_and_nothing_else_is(store: Folder) -> None:
    assert store.put_once("landing/files/a.parquet", b"first")

    assert store.get("landing/files/a.parquet") == b"first"
    assert store.exists("landing/files/a.parquet")
    assert files_of(store) == ["landing/files/a.parquet"]


def test_what_is_there_is_not_replaced(store: Folder) -> None:
    store.put_once("a", b"first")
    before = (store.root / "a").stat()

    assert not store.put_once("a", b"second")

    after = (store.root / "a").stat()
    assert store.get("a") == b"first"
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert files_of(store) == ["a"]


def test_a_name_is_there_only_once_its_content_is_on_disk(
    store: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, bool]] = []

    def watched(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_size, store.exists("a")))

    monkeypatch.setattr(os, "fsync", watched)
    store.put_once("a", b"content")

    assert synced[0] == (len(b"content"), False)
    assert store.exists("a")


def test_a_write_that_fails_leaves_neither_a_name_nor_a_draft(
    store: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.put_once("landing/a", b"content")

    assert files_of(store) == []
    monkeypatch.undo()
    assert store.put_once("landing/a", b"content")


def test_of_two_that_put_at_once_the_first_stays(
    store: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other process puts its own between our look and our write."""

    def overtaken(_descriptor: int) -> None:
        (store.root / "a").write_bytes(b"theirs")

    monkeypatch.setattr(os, "fsync", overtaken)

    assert not store.put_once("a", b"ours")
    assert store.get("a") == b"theirs"
    assert files_of(store) == ["a"]


# --- list, remove


def test_files_are_listed_at_any_depth_in_order(store: Folder) -> None:
    for name in ("landing/b/2", "landing/a/1", "landing/b/1", "silver/x"):
        store.put_once(name, b"")

    assert store.names("landing") == ["landing/a/1", "landing/b/1", "landing/b/2"]
    assert store.names("gold") == []


def test_a_folder_goes_with_all_that_is_in_it_and_an_absent_one_is_gone(store: Folder) -> None:
    store.put_once("_staging/run/judged/1", b"")
    store.put_once("_staging/other/1", b"")

    store.remove("_staging/run")
    store.remove("_staging/run")
    store.remove("_staging/other/1")

    assert files_of(store) == []
