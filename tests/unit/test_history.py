"""What a table's commits say of themselves, from logs written by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from barlake.io import history
from barlake.io.folder import Folder
from barlake.model import ref, silver

TABLE = silver.BARS_1M
Action = dict[str, Any]


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder.at(str(tmp_path))


def write(store: Folder, version: int, *actions: Action, table: str = TABLE.path) -> None:
    lines = [json.dumps(action, ensure_ascii=False) for action in actions]
    text = "\n".join(lines) + "\n"
    store.put_once(f"{table}/_delta_log/{version:020d}.json", text.encode())


def add(day: str | None, size: int = 10, *, data: bool = True, **more: Any) -> Action:
    partition = {"session_date": day}
    return {"add": {"path": "f", "partitionValues": partition, "size": size, "dataChange": data}
            | more}  # fmt: skip


def remove(day: str | None, *, data: bool = True) -> Action:
    partition = {"session_date": day}
    return {"remove": {"path": "f", "partitionValues": partition, "dataChange": data}}


def info(operation: str, run_id: str | None = "night-1", **metrics: int) -> Action:
    told: Action = {"timestamp": 1795000000000, "operation": operation}
    told["operationMetrics"] = {name: str(value) for name, value in metrics.items()}
    return {"commitInfo": told | ({"userMetadata": run_id} if run_id else {})}


def merged(inserted: int, updated: int = 0, deleted: int = 0) -> Action:
    return info(
        "MERGE",
        numTargetRowsInserted=inserted,
        numTargetRowsUpdated=updated,
        numTargetRowsDeleted=deleted,
    )


# --- one commit


def test_a_commit_tells_its_run_its_rows_its_files_and_the_days_it_changed(store: Folder) -> None:
    write(
        store,
        3,
        merged(390, 2, 1),
        add("2026-11-19", 700),
        add("2026-11-20", 1_300),
        remove("2026-11-19"),
    )

    assert history.commit(store, TABLE, 3) == history.Commit(
        version=3,
        operation="MERGE",
        run_id="night-1",
        at=1795000000000,
        inserted=390,
        updated=2,
        deleted=1,
        files_added=2,
        files_removed=1,
        bytes_written=2_000,
        changed=frozenset({("2026-11-19",), ("2026-11-20",)}),
    )


def test_a_day_whose_last_rows_went_has_changed_as_well(store: Folder) -> None:
    write(store, 1, merged(0, 0, 5), remove("2026-11-18"))

    assert history.commit(store, TABLE, 1).changed == {("2026-11-18",)}


def test_a_compaction_moves_files_and_changes_no_day(store: Folder) -> None:
    day = "2026-11-20"
    write(store, 4, info("OPTIMIZE"), add(day, 50, data=False), remove(day, data=False))

    done = history.commit(store, TABLE, 4)

    assert (done.files_added, done.files_removed, done.bytes_written) == (1, 1, 50)
    assert (done.operation, done.changed) == ("OPTIMIZE", frozenset())


def test_a_table_without_partitions_changes_as_a_whole(store: Folder) -> None:
    write(store, 1, merged(1), add(None) | {}, table=ref.SESSIONS.path)

    assert history.commit(store, ref.SESSIONS, 1).changed == {()}


def test_the_commit_that_creates_a_table_changes_nothing(store: Folder) -> None:
    write(store, 0, info("CREATE TABLE"), {"protocol": {}}, {"metaData": {"id": "x"}})

    made = history.commit(store, TABLE, 0)

    assert (made.operation, made.inserted, made.files_added) == ("CREATE TABLE", 0, 0)
    assert made.changed == frozenset()


def test_a_commit_that_says_little_of_itself_can_be_read(store: Folder) -> None:
    """The protocol makes commitInfo optional, and all that is in it."""
    write(store, 0, add("2026-11-20", 5))
    write(store, 1, {"commitInfo": {}})

    first, second = (history.commit(store, TABLE, v) for v in (0, 1))

    assert (first.run_id, first.operation, first.bytes_written) == (None, "", 5)
    assert (second.run_id, second.changed) == (None, frozenset())


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x1c", "\v", "\f"])
def test_a_commit_ends_its_lines_at_newlines_alone(store: Folder, mark: str) -> None:
    """JSON leaves U+2028 and its like as they are: a refused row's text is in its file's stats."""
    stats = json.dumps({"minValues": {"ticker": f"AA{mark}PL"}}, ensure_ascii=False)
    write(store, 1, merged(1), add("2026-11-20", stats=stats))

    assert history.commit(store, TABLE, 1).files_added == 1


# --- many


def test_versions_are_the_commits_files_and_nothing_else_of_the_log(store: Folder) -> None:
    for version in (0, 1, 10):
        write(store, version, merged(1))
    for other in (
        "00000000000000000001.checkpoint.parquet",
        "00000000000000000001.crc",
        "_last_checkpoint",
        ".00000000000000000011.json.tmp",
        "00000000000000000000.00000000000000000001.compacted.json",
        "_staged_commits/00000000000000000011.0a1b.json",
    ):
        store.put_once(f"{TABLE.path}/_delta_log/{other}", b"")

    assert history.versions(store, TABLE) == [0, 1, 10]
    assert history.latest(store, TABLE) == 10


def test_a_table_that_is_not_there_has_no_version_and_changed_nothing(store: Folder) -> None:
    assert history.versions(store, TABLE) == []
    assert history.latest(store, TABLE) == -1
    assert history.changed_since(store, TABLE, -1) == set()


def test_what_changed_since_a_version_is_what_the_later_ones_changed(store: Folder) -> None:
    write(store, 0, info("CREATE TABLE"))
    write(store, 1, merged(1), add("2026-11-18"))
    write(store, 2, merged(1), add("2026-11-19"))
    write(store, 3, info("OPTIMIZE"), add("2026-11-17", data=False))
    write(store, 4, merged(0, 1), add("2026-11-20"), remove("2026-11-20"))

    def changed(version: int) -> set[str | None] | None:
        found = history.changed_since(store, TABLE, version)
        return None if found is None else {day for (day,) in found}

    assert changed(-1) == {"2026-11-18", "2026-11-19", "2026-11-20"}
    assert changed(1) == {"2026-11-19", "2026-11-20"}
    assert changed(3) == {"2026-11-20"}
    assert changed(4) == set()


def test_a_log_that_was_cleaned_no_longer_tells(store: Folder) -> None:
    for version in (5, 6, 8):
        write(store, version, merged(1), add(f"2026-11-{version:02d}"))

    assert history.changed_since(store, TABLE, -1) is None
    assert history.changed_since(store, TABLE, 3) is None
    assert history.changed_since(store, TABLE, 6) is None  # 7 is not there
    assert history.changed_since(store, TABLE, 7) == {("2026-11-08",)}


def test_a_log_that_ends_before_what_was_seen_is_another_and_does_not_tell(store: Folder) -> None:
    """The table was made anew since: what it holds now was never looked at."""
    write(store, 0, info("CREATE TABLE"))
    write(store, 1, merged(1), add("2026-11-20"))

    assert history.changed_since(store, TABLE, 9) is None
