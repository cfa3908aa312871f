"""Object stores for tests: one server a process, a bucket of its own for each test.

A pytest plugin, so that every folder of tests has these fixtures.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import pytest

from barlake.io.access import CREDENTIALS, Access
from barlake.io.bucket import Bucket
from infra import minio as build
from infra import objectstore
from infra.server import REGION, Server, credentials

# Spark's JVM has the environment that it was started with: whatever store a process's tests run,
# this is its owner.
OWNER = credentials()
os.environ.update(zip(CREDENTIALS[:2], OWNER, strict=True))


@dataclass(frozen=True)
class Place:
    """A bucket of a running store: where a lake may lie."""

    server: Server
    bucket: str

    @property
    def address(self) -> str:
        """The lake's address."""
        return f"s3a://{self.bucket}/lake"

    @property
    def access(self) -> Access:
        """How barlake reaches it; the credentials must be in the environment."""
        return Access(endpoint=self.server.url, region=REGION, is_path_style=True)

    @property
    def store(self) -> Bucket:
        """The lake's objects."""
        return Bucket.at(self.address, self.access)


@pytest.fixture(scope="session")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """MinIO; where it has not been built the tests that need it are skipped, but not in CI."""
    try:
        with objectstore.minio(tmp_path_factory.mktemp("minio"), owner=OWNER) as server:
            yield server
    except build.MinioError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A SeaweedFS."""
    with objectstore.seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture(scope="session")
def object_store(request: pytest.FixtureRequest) -> Server:
    """MinIO, or SeaweedFS where there is no MinIO: for what must hold on any store."""
    try:
        build.program()
    except build.MinioError:
        return cast("Server", request.getfixturevalue("seaweedfs"))
    return cast("Server", request.getfixturevalue("minio"))


@pytest.fixture
def place(object_store: Server, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A new bucket, and an environment by which barlake reaches it."""
    return placed(object_store, monkeypatch)


def placed(server: Server, patch: pytest.MonkeyPatch) -> Place:
    """Make a new bucket, and let the environment lead to its store, with the owner's rights."""
    bucket = f"test-{uuid4().hex[:12]}"
    server.make(bucket)
    reached(server, patch)
    return Place(server, bucket)


def reached(server: Server, patch: pytest.MonkeyPatch) -> None:
    """Let the environment lead to a store, with the owner's rights."""
    for name in (*CREDENTIALS, "AWS_PROFILE"):
        patch.delenv(name, raising=False)
    for name, value in server.environment.items():
        patch.setenv(name, value)


def restricted(place: Place, patch: pytest.MonkeyPatch, *actions: str) -> None:
    """Let the environment hold credentials of MinIO that may do nothing but `actions`."""
    right = {"Effect": "Allow", "Action": list(actions), "Resource": ["arn:aws:s3:::*"]}
    restricted_to(place, patch, {"Version": "2012-10-17", "Statement": [right]})


def restricted_to(place: Place, patch: pytest.MonkeyPatch, policy: dict[str, Any]) -> None:
    """Let the environment hold credentials of MinIO that may do what a policy document says."""
    role = place.server.client("sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/any",
        RoleSessionName="restricted",
        Policy=json.dumps(policy, separators=(",", ":")),
    )
    given = role["Credentials"]
    values = (given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    for name, value in zip(CREDENTIALS, values, strict=True):
        patch.setenv(name, value)
