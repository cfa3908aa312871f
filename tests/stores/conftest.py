"""A new bucket for each test of a store."""

import pytest

from infra.server import Server
from tests.object_stores import Place, placed


@pytest.fixture(params=["minio", "seaweedfs"])
def real(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A bucket of each store that the tests have."""
    server: Server = request.getfixturevalue(request.param)
    return placed(server, monkeypatch)


@pytest.fixture
def ours(minio: Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A bucket of MinIO."""
    return placed(minio, monkeypatch)
