"""Many drivers on one log: each acknowledged commit is there, and no version is written twice.

The control is Delta's own log store, which looks first and writes then.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.server import HOST, Server
from tests.stores.drivers import DELTAS, OURS, Driver, driver_jar, drivers
from tests.stores.proxy import Proxy

BUCKET = "many-commits"
DRIVERS = 4
COMMITS = 250


@pytest.fixture(scope="module")
def served(minio: Server) -> Iterator[Proxy]:
    minio.make(BUCKET)
    with Proxy((HOST, minio.port)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def four(
    minio: Server, served: Proxy, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Driver]]:
    jar = driver_jar(tmp_path_factory.mktemp("jar"))
    with drivers(DRIVERS, jar, served.url, minio.environment) as four:
        yield four


def acknowledged(four: list[Driver], store: str, table: str, commits: int) -> list[tuple[int, str]]:
    """Let all commit at the same time; give each version that a driver was told is its own."""
    for driver in four:
        driver.ask("use", store)
    for driver in four:
        driver.tell("loop", f"s3a://{BUCKET}/{table}/_delta_log", commits)
    told = [one.split("=") for driver in four for one in driver.answer().split()]
    return [(int(version), name) for version, name in told]


def held(minio: Server, table: str) -> dict[int, str]:
    """Give whose each version is."""
    client: Any = minio.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{table}/")
    found = {}
    for key in (one["Key"] for page in pages for one in page["Contents"]):
        line = client.get_object(Bucket=BUCKET, Key=key)["Body"].readline()
        found[int(key[-25:-5])] = str(json.loads(line)["commitInfo"]["txnId"])
    return found


def test_four_drivers_lose_none_of_a_thousand_commits(
    four: list[Driver], served: Proxy, minio: Server
) -> None:
    served.clear()

    told = acknowledged(four, OURS, "ours", COMMITS)

    assert len(told) == DRIVERS * COMMITS
    assert held(minio, "ours") == dict(told)
    assert sorted(version for version, _ in told) == list(range(DRIVERS * COMMITS))
    taken = [one for one in served.matching("PUT", "/ours/_delta_log/") if one.status == 200]
    written = Counter(one.target for one in taken)
    assert set(written.values()) == {1}
    assert {one.if_none_match for one in taken} == {"*"}


def test_deltas_own_log_store_loses_some(four: list[Driver], minio: Server) -> None:
    told = acknowledged(four, DELTAS, "deltas", 50)

    there = held(minio, "deltas")
    lost = [name for version, name in told if there[version] != name]
    assert len(told) == DRIVERS * 50
    assert lost, "the drivers never met: this proves nothing"


@pytest.mark.parametrize("compiler", ["javac", "ecj"])
def test_both_compilers_make_a_log_store_that_commits(
    compiler: str, minio: Server, served: Proxy, tmp_path: Path
) -> None:
    jar = driver_jar(tmp_path)
    with drivers(1, jar, served.url, minio.environment, compiler=compiler) as [driver]:
        log = f"s3a://{BUCKET}/{compiler}/_delta_log"
        said = [driver.commit(log, 0, "first"), driver.commit(log, 0, "second")]

    assert said == ["won", "lost"]
    assert held(minio, compiler) == {0: "first"}
