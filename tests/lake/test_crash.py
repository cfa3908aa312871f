"""A run dies at any point, and the next one makes it good.

A victim, a real process, works on its own copy of one lake. When a file appears (before a commit,
just after one, between the steps, and at drawn moments) it is killed, JVM and all; or, since a
night is dear, it is stopped for as long as it takes to copy what a kill would have left. The later
steps are those of a victim whose lake an earlier one left half-way: it dies while it makes good.
"""

import json
import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from pyspark.sql import SparkSession

from barlake import steps
from barlake.io import lease
from barlake.io.folder import Folder
from barlake.model import bronze, gold, silver
from barlake.options import Options
from barlake.pipelines.fetch import fetch
from barlake.progress import Progress
from barlake.sources.files import FilesSource
from tests.builders import run_files
from tests.lake import two_nights
from tests.lake.invariants import (
    DATA,
    Contents,
    assert_books_are_closed,
    assert_committed,
    assert_equal,
    assert_files_are_there,
    assert_keys_are_unique,
    assert_log_is_sane,
    contents,
    files,
    versions,
)
from tests.lake.two_nights import FIRST_NIGHT, SECOND_NIGHT
from tests.lake.victim import Point, Victim, command, environment, frozen

pytestmark = pytest.mark.slow

SEED = 20261127
PUBLISHED = (silver.BARS_1M, silver.COVERAGE, gold.FEATURES_1M, gold.BARS)
DEAD = "dead"
HALF = "half"  # the run that died with silver done and gold not, and the lake it left


def staged(name: str, pattern: str = "*.parquet") -> Point:
    return Point(f"staging {name}", f"_staging/{DEAD}/{name}", pattern)


def written(table: str, nth: int = 1) -> Point:
    """Inside: a data file is there, its commit is not yet, or only just."""
    return Point(f"writing {table} {nth}", table.replace(".", "/"), "part-*.parquet", nth)


def committed(table: str, nth: int = 1) -> Point:
    folder = f"{table.replace('.', '/')}/_delta_log"
    return Point(f"committed {table} {nth}", folder, "[0-9]*.json", nth)


def drawn(point: Point, longest: float, random: Random) -> Point:
    wait = round(random.uniform(0.001, longest), 3)
    return replace(point, name=f"{point.name} and {wait} s", wait=wait)


# The gate has judged; nothing is published yet.
JUDGED = Point("judged", f"pages/quality/{DEAD}", "index.html")
# After this commit the victim only ends: a later blow might miss it.
CLOSED = committed("ops.runs")


def soon_after(point: Point, random: Random) -> Point:
    """Put off the blow by a drawn moment: a short one where something is being written."""
    if point.wait or point.name in (JUDGED.name, CLOSED.name):
        return point
    return drawn(point, 0.05 if point.name.startswith("writing") else 0.3, random)


def drawn_points() -> list[Point]:
    random = Random(SEED)  # noqa: S311 - a draw, not a secret
    recorded = Point("recorded", "_runs", f"{DEAD}.json")
    landed = Point("landed", "landing", "*.parquet")
    late = [
        staged("context"),
        written("gold.features_1m"),
        committed("gold.features_1m"),
        written("gold.bars"),
        committed("gold.bars"),
        written("silver.bars_1m"),  # OPTIMIZE: its MERGE is done
        committed("silver.bars_1m"),
        committed("gold.features_1m", 2),
        committed("ops.ingest_audit"),
        committed("ops.requests"),
        written("ops.runs"),
        CLOSED,
    ]
    points = [
        recorded,
        drawn(recorded, 4.0, random),
        landed,
        staged("judged"),
        staged("observations"),
        staged("judged_late", "_SUCCESS"),
        staged("late"),
        written("silver.quarantine"),
        committed("silver.quarantine"),
        written("bronze.bars"),
        committed("bronze.bars"),
        drawn(committed("bronze.bars"), 3.0, random),
        staged("belief"),
        staged("pairs", "_SUCCESS"),
        staged("states"),
        JUDGED,
        written("silver.bars_1m"),
        committed("silver.bars_1m"),
        written("silver.coverage"),
        *(replace(point, origin=HALF) for point in late),
    ]
    return [soon_after(point, random) for point in points]


POINTS = drawn_points()
# Each point is a night killed and a night that makes it good: every sixth is tried at each change.
TRIED = [
    point if number % 6 == 0 else pytest.param(point, marks=pytest.mark.drill)
    for number, point in enumerate(POINTS)
]
FIRST_POINTS = [
    committed("bronze.bars"),
    committed("ref.sessions", 2),
]


@dataclass(frozen=True, slots=True)
class Scene:
    """One lake after its first night, what the second brings, and how that ends without a fault."""

    folder: Path
    empty: Contents
    before: Contents
    after: Contents

    @property
    def first(self) -> Path:
        return self.folder / "first.csv"

    @property
    def second(self) -> Path:
        return self.folder / "second.csv"

    @property
    def received(self) -> int:
        return len(self.second.read_text().splitlines()) - 1

    def copy(self, name: str, *, of: str = "base") -> Path:
        root = self.folder / name / "lake"
        shutil.copytree(self.folder / of, root)
        return root

    def victim(
        self, name: str, point: Point | None, *, run_id: str = DEAD, of: str = "base"
    ) -> Victim:
        root = self.copy(name, of=of)
        return Victim(root, run_id, night_of(self.second, "2026-12-01T02:00Z"), point)

    def again(self, root: Path, run_id: str, *, name: str = "second.csv") -> None:
        """Run on what the second night brought, under its name or another."""
        bars = self.folder / name
        if bars != self.second:
            shutil.copy(self.second, bars)
        run_files(root, bars, as_of=SECOND_NIGHT, run_id=run_id)


def night_of(path: Path, as_of: str) -> tuple[str, ...]:
    return ("run", "--source", "files", "--from", str(path), "--as-of", as_of)


@pytest.fixture(scope="module")
def scene(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    del spark  # every run here joins it
    folder = tmp_path_factory.mktemp("crash")
    first = two_nights.first_night(folder / "first.csv")
    second = two_nights.second_night(folder / "second.csv")
    run_files(folder / "base", first, as_of=FIRST_NIGHT, run_id="base")
    shutil.copytree(folder / "base", folder / "expected")
    run_files(folder / "expected", second, as_of=SECOND_NIGHT, run_id="expected")
    after = contents(folder / "expected")
    assert {row["status"] for row in after["ops.runs"]} == {"ok"}
    made = Scene(folder, {}, contents(folder / "base"), after)
    half = made.victim("dying", committed("silver.coverage"), run_id=HALF).struck()
    shutil.copytree(half.root, folder / HALF)
    return made


@pytest.fixture(scope="module")
def left(scene: Scene) -> dict[Point, Path]:
    """Give the lake that a kill at each point leaves."""
    kept: dict[Point, Path] = {}
    for origin in sorted({point.origin for point in POINTS}):
        victim = scene.victim(f"from-{origin}", None, of=origin)
        wanted = [point for point in POINTS if point.origin == origin]
        kept |= frozen(victim, wanted, scene.folder / f"left-by-{origin}")
    return kept


@pytest.mark.parametrize("point", TRIED, ids=lambda point: f"{point.name}, seed {SEED}")
def test_a_run_killed_at_any_point_is_made_good_by_the_next(
    left: dict[Point, Path], scene: Scene, point: Point
) -> None:
    root = left[point]
    at_once = contents(root)
    status = runs_of(at_once).get(DEAD, "abandoned")

    assert (root / "_runs" / f"{DEAD}.json").exists() or status == "ok"
    assert_log_is_sane(root)
    assert_files_are_there(root)
    assert_keys_are_unique(at_once)
    assert_committed(at_once, (scene.before, scene.after))
    if point is JUDGED:
        assert_equal(at_once, scene.before, PUBLISHED)

    scene.again(root, "again")

    halves = {HALF: "abandoned"} if point.origin == HALF else {}
    ended = {"base": "ok", **halves, DEAD: status, "again": "ok"}
    assert_log_is_sane(root)
    assert_files_are_there(root)
    assert_equal(contents(root), scene.after)
    assert_books_are_closed(root, ended, received={"again": scene.received})
    assert not (root / "_staging" / "again").exists()
    assert list((root / "_runs").iterdir()) == []

    if POINTS.index(point) % 4 == 0:  # a night is dear
        name = "renamed.csv" if POINTS.index(point) % 8 == 0 else "second.csv"
        assert_a_third_run_changes_nothing(scene, root, name)


def assert_a_third_run_changes_nothing(scene: Scene, root: Path, name: str) -> None:
    """Whatever the file is called that brings the same bars."""
    known = versions(root)
    scene.again(root, "third", name=name)

    assert versions(root) == known
    assert_books_are_closed(root, {"third": "ok"}, received={"third": scene.received})


def test_nearly_every_point_is_a_drawn_moment() -> None:
    assert len(POINTS) == len(set(POINTS)) == 31
    assert sum(point.wait > 0 for point in POINTS) == 29


@pytest.mark.parametrize("point", FIRST_POINTS, ids=lambda point: point.name)
def test_the_first_run_of_a_lake_killed_while_tables_are_made_is_made_good_by_the_next(
    scene: Scene, point: Point
) -> None:
    root = scene.folder / f"new-{FIRST_POINTS.index(point)}" / "lake"
    root.mkdir(parents=True)
    victim = Victim(root, DEAD, night_of(scene.first, "2026-11-26T02:00Z"), point).struck()
    at_once = contents(root)

    assert victim.was_recorded
    assert_log_is_sane(root)
    assert_files_are_there(root)
    assert_committed(at_once, (scene.empty, scene.before))

    run_files(root, scene.first, as_of=FIRST_NIGHT, run_id="again")

    assert_equal(contents(root), scene.before)
    assert_books_are_closed(root, {DEAD: "abandoned", "again": "ok"}, received={})


def test_a_run_killed_and_tried_again_under_its_own_name_ends_well(scene: Scene) -> None:
    """A scheduler's second try has the run id of the first."""
    root = scene.copy("retry", of=HALF)

    scene.again(root, HALF)

    assert_equal(contents(root), scene.after)
    assert_books_are_closed(root, {"base": "ok", HALF: "ok"}, received={HALF: scene.received})
    assert list((root / "_runs").iterdir()) == []


@pytest.mark.parametrize(
    "table", ["ops.requests", pytest.param("ops.runs", marks=pytest.mark.drill)]
)
def test_what_an_ingest_brought_reaches_gold_though_it_died_while_it_closed_its_books(
    scene: Scene, table: str
) -> None:
    root = scene.copy(f"ingest-{table}")
    land_second(scene, root)
    arguments = ("ingest", "--as-of", "2026-12-01T02:00Z")
    Victim(root, DEAD, arguments, committed(table)).struck()

    options = Options(lake=str(root), as_of=SECOND_NIGHT)
    steps.ingest(options)
    steps.silver(options, None, None)
    steps.gold(options, None, None)

    assert_equal(contents(root), scene.after)


def test_a_silver_that_died_between_its_tables_is_made_good_by_the_next(scene: Scene) -> None:
    root = scene.copy("silver")
    land_second(scene, root)
    options = Options(lake=str(root), as_of=SECOND_NIGHT)
    steps.ingest(options)
    arguments = ("silver", "--as-of", "2026-12-01T02:00Z")
    Victim(root, DEAD, arguments, committed("silver.bars_1m")).struck()
    at_once = contents(root)

    steps.silver(options, None, None)
    steps.gold(options, None, None)

    assert_equal(at_once, scene.after, (silver.BARS_1M,))
    assert_equal(at_once, scene.before, (silver.COVERAGE,))
    assert_equal(contents(root), scene.after)
    assert_books_are_closed(root, {"base": "ok", DEAD: "abandoned"}, received={})


@pytest.mark.drill
def test_a_rebuild_into_what_a_killed_one_left_half_filled_ends_well(scene: Scene) -> None:
    root = scene.copy("origin", of="expected")
    into = root.with_name("into")
    arguments = ("rebuild", "--into", str(into), "--as-of", "2026-12-01T02:00Z")
    landed = files(root)
    # The second of the new table's commits: the first creates it.
    filled = Point("filled", "../into/silver/bars_1m/_delta_log", "[0-9]*.json", nth=2)
    Victim(root, DEAD, arguments, filled).struck()
    half = contents(into)

    steps.rebuild(Options(lake=str(into), as_of=SECOND_NIGHT, run_id="again"), str(root))

    assert_equal(half, scene.after, (bronze.BARS, silver.BARS_1M))
    assert half["gold.features_1m"] == []
    assert_log_is_sane(into)
    assert_files_are_there(into)
    assert_equal(contents(into), scene.after, DATA)
    assert_books_are_closed(into, {DEAD: "abandoned", "again": "ok"}, received={})
    assert files(root) == landed


def test_a_reader_beside_a_run_sees_committed_states_alone(scene: Scene) -> None:
    """I6, and the program gives what a warm session gives, on a host in another zone."""
    victim = scene.victim("beside", None)
    seen = 0
    while victim.process.poll() is None:
        assert_committed(contents(victim.root), (scene.before, scene.after))
        seen += 1

    assert victim.ended() == 0, victim.told()
    assert seen > 5
    assert_equal(contents(victim.root), scene.after)
    assert_books_are_closed(
        victim.root, {"base": "ok", DEAD: "ok"}, received={DEAD: scene.received}
    )


def test_a_second_writer_is_refused_in_one_sentence_and_writes_nothing(scene: Scene) -> None:
    root = scene.copy("held")
    night = night_of(scene.second, "2026-12-01T02:00Z")
    holder = Victim(root, "holder", night, Point("landed", "landing", "*.parquet"), signal.SIGSTOP)
    try:
        before = files(holder.struck().root)
        second = subprocess.run(
            command(*night, "--lake", str(root), "--run-id", "second"),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        after = files(root)
    finally:
        holder.kill()

    assert second.returncode == 4, second.stderr
    [sentence] = second.stderr.splitlines()
    assert "being written by run holder" in sentence
    assert (after, second.stdout) == (before, "")


def test_a_run_that_is_still_alive_is_not_closed_by_another(scene: Scene) -> None:
    root = scene.copy("alive", of="expected")
    run = {"run_id": "alive", "job": "fetch", "started_at": "2026-12-01T02:00:00+00:00"}
    with lease.recorded(Folder(root), run):
        scene.again(root, "other")

        assert "alive" not in runs_of(contents(root))
        assert lease.abandoned(Folder(root)) == []


def test_what_a_dead_run_left_beside_the_tables_goes_with_the_next(scene: Scene) -> None:
    root = scene.copy("rests", of="expected")
    leave_dead_run(root)
    part = root / "_staging" / DEAD / "judged" / "part-00000.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half a file")
    draft = root / "landing" / "files" / ".0123.parquet.4711"
    draft.write_bytes(b"half a file")

    scene.again(root, "again")

    assert_equal(contents(root), scene.after)
    assert not list((root / "_staging").glob("*"))


def test_the_checks_see_a_broken_lake(spark: SparkSession, scene: Scene) -> None:
    """The negative control of the invariants."""
    hole = scene.copy("hole", of="expected")
    (hole / "silver/bars_1m/_delta_log/00000000000000000001.json").unlink()
    with pytest.raises(AssertionError, match="bars_1m"):
        assert_log_is_sane(hole)

    lost = scene.copy("lost", of="expected")
    next((lost / "silver/bars_1m").rglob("part-*.parquet")).unlink()
    with pytest.raises((AssertionError, FileNotFoundError)):
        assert_files_are_there(lost)

    twice = scene.copy("twice", of="expected")
    path = str(twice / "silver" / "bars_1m")
    rows = spark.read.format("delta").load(path).where("ticker = 'MSFT'").limit(3).localCheckpoint()
    rows.write.format("delta").mode("append").save(path)
    found = contents(twice)
    with pytest.raises(AssertionError, match="more than once"):
        assert_keys_are_unique(found)
    with pytest.raises(AssertionError, match="no committed state"):
        assert_committed(found, (scene.before, scene.after))
    with pytest.raises(AssertionError, match="bars_1m"):
        assert_equal(found, scene.after, DATA)


def test_a_record_that_was_never_written_is_cleared_away(scene: Scene) -> None:
    """A run killed between opening its record and writing it has done nothing else."""
    root = scene.copy("empty-record", of="expected")
    (root / "_runs").mkdir(exist_ok=True)
    (root / "_runs" / f"{DEAD}.json").touch()

    scene.again(root, "again")

    assert list((root / "_runs").iterdir()) == []


def test_without_its_record_a_dead_run_is_missing_and_the_check_says_so(scene: Scene) -> None:
    """The negative control of the record."""
    root = scene.copy("control", of=HALF)
    (root / "_runs" / f"{HALF}.json").unlink()

    scene.again(root, "again")

    assert_equal(contents(root), scene.after)
    with pytest.raises(AssertionError, match="abandoned"):
        assert_books_are_closed(root, {HALF: "abandoned"}, received={})
    with pytest.raises(AssertionError, match="does not know"):
        assert_books_are_closed(root, {"again": "ok"}, received={})


def land_second(scene: Scene, root: Path) -> None:
    source = FilesSource(path=scene.second, clock=lambda: SECOND_NIGHT)
    fetch(Folder(root), source, [], per_batch=1, progress=Progress(is_shown=False))


def leave_dead_run(root: Path) -> None:
    """Leave the record that a run leaves when it is killed."""
    (root / "_runs").mkdir(exist_ok=True)
    record = {
        "run_id": DEAD,
        "job": "run",
        "started_at": "2026-12-01T02:00:00+00:00",
        "process": 4711,
        "code_version": "0.1.0",
        "config_hash": "",
    }
    (root / "_runs" / f"{DEAD}.json").write_text(json.dumps(record))


def runs_of(found: Contents) -> dict[str, str]:
    return {row["run_id"]: row["status"] for row in found["ops.runs"]}
