"""A frame that is frozen is kept twice where a worker may be lost."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark import StorageLevel
from pyspark.sql import DataFrame

from barlake.io.frozen import frozen
from barlake.settings import PROJECT


class Frame:
    def __init__(self, master: str) -> None:
        self.sparkSession = SimpleNamespace(sparkContext=SimpleNamespace(master=master))

    def localCheckpoint(self, **given: Any) -> dict[str, Any]:  # noqa: N802 - Spark's name
        return given


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]"])
def test_in_one_process_it_is_kept_once(master: str) -> None:
    assert cast("Any", frozen(cast("DataFrame", Frame(master)))) == {}


@pytest.mark.parametrize("master", ["spark://127.0.0.1:7077", "yarn", "k8s://https://host:443"])
def test_on_a_cluster_a_second_executor_has_it_too(master: str) -> None:
    given = cast("Any", frozen(cast("DataFrame", Frame(master))))

    assert given == {"storageLevel": StorageLevel.MEMORY_AND_DISK_2}
    assert given["storageLevel"].replication == 2


def test_nothing_else_freezes_a_frame() -> None:
    texts = {path: path.read_text("utf-8") for path in (PROJECT / "lib").rglob("*.py")}

    found = [path.name for path, text in texts.items() if "heckpoint(" in text]
    assert found == ["frozen.py"]
