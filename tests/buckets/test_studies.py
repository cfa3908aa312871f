"""A lake that moved from a folder into a bucket: every notebook runs on it, and ClickHouse too."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake.readers import clickhouse
from barlake.readers.frames import OpenLake
from barlake.settings import Settings
from infra.server import Server
from tests.buckets.mirror import uploaded
from tests.few_rows import few_rows
from tests.notebooks import studies
from tests.object_stores import placed

pytestmark = pytest.mark.drill

# A notebook, and what of its findings is held against those in the folder.
FINDINGS = {
    "01-first-look": "closes.reset_index().astype({'session_date': str}).to_dict('records')",
    "02-coverage-and-gaps": "reasons.minutes.to_dict()",
    "03-features-and-vwap": "at_close",
    "04-as-known": "result.to_dict('records')",
    "05-duckdb-and-spark": "by_spark.groupby('session_date').minutes.sum().to_dict()",
}
_GOLD = """
SELECT ticker, ts, open, high, low, close, volume FROM gold.bars WHERE "interval" = '5m'
ORDER BY ticker, ts
"""
_STATES = """
SELECT ticker, ts, open, high, low, close, volume FROM barlake.bars_5m ORDER BY ticker, ts
"""


@pytest.fixture(scope="module")
def places(
    spark: SparkSession,
    conf: Settings,
    minio: Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """The same lake twice, with a kernel that finds its store."""
    folder: Path = tmp_path_factory.mktemp("studies")
    with few_rows(spark):
        studies.make(spark, conf, folder / "lake")
    studies.name_kernel(folder / "jupyter")
    with pytest.MonkeyPatch.context() as patch:
        place = placed(minio, patch)
        uploaded(folder / "lake", place, days=0)
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(folder / name.lower()))
        yield {"folder": str(folder / "lake"), "bucket": place.address}


@pytest.mark.parametrize("name", FINDINGS)
def test_a_notebook_finds_the_same_in_a_bucket(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    found = {}
    for place, address in places.items():
        monkeypatch.setenv("BARLAKE_LAKE__ROOT", address)
        found[place] = studies.study(name, [FINDINGS[name], "str(lake.store.address)"])

    bucket, folder = found["bucket"], found["folder"]
    assert bucket.pop("str(lake.store.address)").startswith("s3a://")
    assert not folder.pop("str(lake.store.address)").startswith("s3a://")
    assert bucket == folder
    assert bucket[FINDINGS[name]]


def test_clickhouse_takes_the_bars_of_a_bucket(places: dict[str, str], tmp_path: Path) -> None:
    lake: OpenLake = barlake.open(places["bucket"])
    with clickhouse.embedded(str(tmp_path / "db")) as engine:
        assert clickhouse.load(lake, engine)
        assert engine.run(_STATES) == lake.rows(_GOLD)
        assert clickhouse.load(lake, engine) == {}
