"""What befalls a store in a night ends in success or in one clear error, and a re-run converges."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from barlake import cli
from barlake.io import lease
from barlake.io.s3_errors import StoreError
from barlake.model.jobs import RUN
from infra import objectstore
from infra.server import HOST, Server
from tests.buckets.mirror import mirrored
from tests.buckets.nights import (
    PATIENCE,
    Nights,
    assert_converged,
    assert_sound,
    run_second,
    run_status,
    struck_at,
    until_free,
)
from tests.lake.invariants import assert_committed, contents
from tests.object_stores import OWNER, Place, reached
from tests.stores.faults import Action
from tests.stores.proxy import Proxy

pytestmark = pytest.mark.drill

DISK = "64m"
PIECE = 4096
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
EVER = 10**9
UNKNOWN = "InvalidAccessKeyId"
COMMIT = r"/silver/bars_1m/_delta_log/\d{20}[.]json$"
GOLD = r"/gold/.*part-.*parquet"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has died is followed after seconds."""
    monkeypatch.setenv("BARLAKE_LAKE__LEASE_SECONDS", "2")


@pytest.fixture
def proxy(minio: Server) -> Iterator[Proxy]:
    with Proxy((HOST, minio.port)) as started:
        yield started


def through(
    nights: Nights, server: Server, proxy: Proxy, patch: pytest.MonkeyPatch
) -> tuple[Place, Place]:
    """Give a copy of the first night as the proxy serves it, and as the store itself does."""
    place = nights.copied(server, patch)
    patch.setenv("BARLAKE_LAKE__ENDPOINT", proxy.url)
    return Place(server._replace(url=proxy.url), place.bucket), place


def assert_half_is_whole(nights: Nights, place: Place) -> None:
    """The night died: each table is as one of the nights left it, and readers find it."""
    root = mirrored(place.store, nights.folder / f"died-{place.bucket}")
    found = contents(root)
    assert_sound(root, found)
    assert_committed(found, (nights.before, nights.expected))


def test_a_night_outlives_what_a_network_does(
    nights: Nights, minio: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit's answer is lost, a file ends too early, the store is busy: each once."""
    shown, place = through(nights, minio, proxy, monkeypatch)
    faults = [
        proxy.inject(Action.DROP_AFTER, "PUT", COMMIT),
        proxy.inject(Action.TRUNCATE, "GET", r"/silver/.*part-.*parquet", keep=200),
        proxy.inject(Action.STATUS, "PUT", r"/bronze/bars/.*part-.*parquet"),
    ]
    run_second(nights, shown, "spoilt")

    assert [fault.struck for fault in faults] == [1, 1, 1]
    assert_converged(nights, place.store, {"spoilt": "ok"})


def test_rights_that_end_in_the_night_end_it_in_one_sentence(
    nights: Nights, minio: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, place = through(nights, minio, proxy, monkeypatch)

    def refuse() -> None:
        for method in METHODS:
            proxy.inject(Action.STATUS, method, "", status=403, code=UNKNOWN, times=EVER)

    with (
        struck_at(proxy, "PUT", GOLD, refuse),
        # An answer to HEAD has a number and no word.
        pytest.raises(StoreError, match=rf"^s3a://{place.bucket}.* \(({UNKNOWN}|AccessDenied)\): "),
    ):
        run_second(nights, shown, "refused")
    assert_half_is_whole(nights, place)

    proxy.clear()
    until_free(place.store)
    run_second(nights, shown, "next")
    assert_converged(nights, place.store, {"refused": "abandoned", "next": "ok"})


def test_a_store_that_dies_and_comes_back_is_outlived_or_told_of(
    nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(objectstore.minio(tmp_path, owner=OWNER))
        proxy = stack.enter_context(Proxy((HOST, server.port)))
        shown, place = through(nights, server, proxy, monkeypatch)

        def die() -> None:
            os.kill(server.pid, signal.SIGKILL)
            os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
            stack.enter_context(objectstore.minio(tmp_path, port=server.port, owner=OWNER))

        ways = {"ok"}
        with struck_at(proxy, "PUT", COMMIT, die):
            try:
                run_second(nights, shown, "struck")
            except StoreError:  # one sentence; another error would end the test
                ways = {"failed", "abandoned"}
        assert_half_is_whole(nights, place)

        until_free(place.store)
        run_second(nights, shown, "next")
        assert_converged(nights, place.store, {"next": "ok"})
        assert run_status(nights, place.store, "struck") in ways


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a folder with little room of its own; who may mount none skips, but not in CI."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    options = ["-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    done = mount and subprocess.run([mount, *options], capture_output=True, check=False)
    if not (mount and unmount and done and done.returncode == 0):
        assert os.environ.get("CI") != "true", "no small disk can be mounted"
        pytest.skip("a small disk is mounted by root alone")
    try:
        yield folder
    finally:
        subprocess.run([unmount, str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no room on the disk of a folder, whoever else writes there."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(PIECE))


def until_room(place: Place) -> None:
    """Wait until the store, which looks at its disk now and then, has seen that there is room."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            place.store.write("_probe/room", b"1")
        except StoreError:
            assert monotonic() < deadline, "the store sees no room"
            sleep(0.1)
        else:
            return


def test_a_disk_that_is_full_is_told_of_and_the_last_night_stays(
    nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(small_disk(tmp_path))
        server = stack.enter_context(objectstore.minio(folder, owner=OWNER))
        proxy = stack.enter_context(Proxy((HOST, server.port)))
        shown, place = through(nights, server, proxy, monkeypatch)

        with (
            struck_at(proxy, "PUT", GOLD, lambda: fill(folder)),
            pytest.raises(StoreError, match=rf"^s3a://{place.bucket}.*XMinioStorageFull"),
        ):
            run_second(nights, shown, "full")
        assert_half_is_whole(nights, place)

        (folder / "filler").unlink()
        until_room(place)
        until_free(place.store)
        run_second(nights, shown, "next")
        assert_converged(nights, place.store, {"full": "abandoned", "next": "ok"})


def test_the_status_names_who_writes(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reached(nights.second.server, monkeypatch)
    store = nights.second.store
    holder = {"run_id": "night-1", "process": 7, "started_at": "now", "expires_seconds": 60.0}
    with lease.lease(store, RUN.writes, holder), lease.recorded(store, holder):
        code = cli._guarded(cli.app, ["status", "--lake", nights.second.address, "--json"])
    lease.forget(store, "night-1")

    assert code == 0
    tables = json.loads(capsys.readouterr().out)["tables"]
    found = {name for name, told in tables.items() if told.get("written_by") == "night-1"}
    assert found == {str(table) for table in RUN.writes}
