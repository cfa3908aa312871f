"""The servers that the tests of object stores run on."""

import os
import stat
from pathlib import Path

import pytest

from infra import objectstore
from infra.server import Server, StartError
from tests.object_stores import Place, placed

LOOPBACK = {"0100007F", "00000000000000000000000001000000"}


pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads Linux's /proc")


@pytest.fixture(params=["minio", "seaweedfs"])
def store(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def test_a_store_listens_on_loopback_alone(store: Server) -> None:
    addresses = listening(store.pid)
    assert addresses
    assert set(addresses) <= LOOPBACK


def test_a_command_line_holds_no_credentials(store: Server) -> None:
    words = Path(f"/proc/{store.pid}/cmdline").read_bytes().decode()
    assert store.name.lower()[:4] in words
    assert store.key not in words
    assert store.secret not in words


def test_credentials_lie_in_a_file_of_their_owner(seaweedfs: Server) -> None:
    words = Path(f"/proc/{seaweedfs.pid}/cmdline").read_bytes().decode().split("\0")
    [config] = [Path(word.partition("=")[2]) for word in words if word.startswith("-s3.config=")]
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_each_test_has_an_empty_bucket(store: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (placed(store, monkeypatch) for _ in range(2))
    first.store.put("a", b"1")
    assert first.store.get("a") == b"1"
    assert not second.store.exists("a")
    assert os.environ["BARLAKE_LAKE__ENDPOINT"] == store.url


def test_a_store_ends_with_its_block(tmp_path: Path) -> None:
    with objectstore.either(tmp_path) as server:
        assert Path(f"/proc/{server.pid}").exists()
        server.make("lake")
    assert not Path(f"/proc/{server.pid}").exists()


def test_a_place_names_its_lake(place: Place) -> None:
    assert place.store.address == place.address


def test_an_uninstalled_store_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objectstore, "_weed", lambda: [str(tmp_path / "weed")])
    with (
        pytest.raises(StartError, match="SeaweedFS does not run"),
        objectstore.seaweedfs(tmp_path),
    ):
        pytest.fail("it ran")


def listening(pid: int) -> list[str]:
    """Give the addresses, as the kernel writes them, on which a process listens for TCP."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = str(link.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    rows = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text("utf-8").splitlines()[1:]
    ]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]
