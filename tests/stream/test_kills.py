"""The streaming job is killed between its writes, and by chance: nothing is lost, nothing twice.

What an undisturbed stream makes of the same topic is what a killed one, begun again, must come to:
the same cells, the same alerts with the same ids, the same refusals.
"""

import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest

from infra.kafka import Broker
from tests.lake.victim import Point, Victim
from tests.stream.topics import ALERTS, EXPECTED, REFUSED, STREAMED, reached, replayed, rows

SEED = 20261128
_ONCE = ("stream", "--available-now")


def committed(table: str, nth: int, wait: float = 0.0) -> Point:
    """The `nth` commit of a table after the one that makes it; and `wait` seconds more."""
    name = f"{table} {nth} and {wait} s"
    return Point(name, f"{table.replace('.', '/')}/_delta_log", "[0-9]*.json", nth + 1, wait)


def drawn() -> list[Point]:
    """Moments soon after a commit: before the next write, in it, or past the batch."""
    draw = Random(SEED)  # noqa: S311 - a draw, not a secret
    tables = ("gold.alerts", "gold.vwap_stream", "silver.quarantine_stream")
    return [
        committed(draw.choice(tables), draw.randint(1, 3), round(draw.uniform(0, 1.5), 3))
        for _ in range(12)
    ]


POINTS = [
    committed("gold.alerts", 1),  # decided, and its bar is not in gold yet
    pytest.param(committed("gold.vwap_stream", 1), marks=pytest.mark.drill),
    pytest.param(committed("gold.vwap_stream", 2), marks=pytest.mark.drill),
    *(pytest.param(point, marks=pytest.mark.drill) for point in drawn()),
]


@pytest.fixture(scope="module")
def scene(
    broker: Broker, tmp_path_factory: pytest.TempPathFactory
) -> "tuple[Path, str, dict[str, list[tuple[Any, ...]]]]":
    """A lake and its topic, and what an undisturbed stream makes of them."""
    folder, topic = tmp_path_factory.mktemp("kills"), f"kills-{SEED}"
    with pytest.MonkeyPatch.context() as patch:
        reached(broker, topic, folder, patch)
        root = replayed(folder)
        shutil.copytree(root, folder / "whole")
        streamed(folder / "whole")
    return folder, topic, told(folder / "whole")


def streamed(root: Path) -> None:
    """Run the stream in a process of its own until the topic is read."""
    done = Victim(root, "whole", _ONCE, None)
    assert done.ended() == 0, done.told()


def told(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {query: rows(root, query) for query in (STREAMED, ALERTS, REFUSED)}


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_stream_killed_anywhere_ends_as_one_that_was_not(
    scene: tuple[Path, str, dict[str, list[tuple[Any, ...]]]],
    broker: Broker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    point: Point,
) -> None:
    folder, topic, whole = scene
    reached(broker, topic, tmp_path, monkeypatch)
    shutil.copytree(folder / "lake", tmp_path / "lake")
    Victim(tmp_path / "lake", "dead", _ONCE, point).struck()
    half = told(tmp_path / "lake")

    streamed(tmp_path / "lake")

    assert len(half[STREAMED]) < len(whole[STREAMED])
    assert told(tmp_path / "lake") == whole
    expected = rows(tmp_path / "lake", EXPECTED)
    assert [row[:2] for row in whole[STREAMED]] == [row[:2] for row in expected]
    assert [row[2] for row in whole[STREAMED]] == pytest.approx([row[2] for row in expected], 1e-9)
