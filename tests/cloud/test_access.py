"""Each cell of docs/aws.md: a role may do just that on a real MinIO, under the same policy."""

import json
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError

from barlake.io import lifecycle
from barlake.io.bucket import Bucket
from barlake.model.jobs import JOBS
from barlake.model.tables import TABLES
from barlake.settings import Settings
from infra.rights import ROLES, document
from infra.server import REGION, Server
from tests.cloud.access import VERBS, cells, places
from tests.object_stores import placed, restricted_to

LAKE = "lake/"
# Where the page's place is none of the lake's.
ELSEWHERE = "another lake"
# Who runs what; a run of a job writes its tables, and ops.
RUNS = {
    "ingest": {"fetch", "ingest"},
    "merge": {"silver", "gold", "check"},
    "maintenance": {"optimize", "vacuum", "reconcile", "release", "rebuild", "restore", "run"},
}


@pytest.fixture(scope="session")
def bucket(minio: Server) -> str:
    made = f"access-{uuid4().hex[:12]}"
    minio.make(made)
    return made


def taken(server: Server, bucket: str, role: str) -> Any:
    """A client of S3 that has the role's rights and no others."""
    given = server.client("sts").assume_role(
        RoleArn="arn:aws:iam::000000000000:role/any",
        RoleSessionName=role,
        Policy=json.dumps(document(role, bucket, LAKE), separators=(",", ":")),
    )["Credentials"]
    return boto3.session.Session().client(
        "s3",
        endpoint_url=server.url,
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def prefix_of(place: str) -> str:
    return "other/silver/bars_1m/" if place == ELSEWHERE else f"{LAKE}{place}"


def may(client: Any, bucket: str, place: str, verb: str) -> bool:
    """Do it, and tell whether the store let us; an object is there already."""
    there, new = f"{prefix_of(place)}there", f"{prefix_of(place)}new"
    asked = {
        "list": lambda: client.list_objects_v2(Bucket=bucket, Prefix=prefix_of(place)),
        "read": lambda: client.get_object(Bucket=bucket, Key=there),
        "write": lambda: client.put_object(Bucket=bucket, Key=new, Body=b"new"),
        "delete": lambda: client.delete_object(Bucket=bucket, Key=there),
    }
    try:
        asked[verb]()
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


@pytest.mark.parametrize("role", ROLES)
def test_each_cell_is_as_the_page_says(minio: Server, bucket: str, role: str) -> None:
    owner, client = minio.client(), taken(minio, bucket, role)
    wrong = []
    told = cells(role)
    for _, place, verb, is_allowed in told:
        key = {"Bucket": bucket, "Key": f"{prefix_of(place)}there"}
        owner.put_object(**key, Body=b"there")
        if may(client, bucket, place, verb) != is_allowed:
            wrong.append((place, verb, is_allowed))
        if verb == "delete":
            left = owner.list_objects_v2(Bucket=bucket, Prefix=key["Key"])["KeyCount"]
            assert left == (0 if is_allowed else 1)
    assert wrong == []
    assert len(told) == len(VERBS) * len(places())


def test_every_table_has_its_place_on_the_page() -> None:
    known = list(places())
    assert [str(t) for t in TABLES if not any(f"{t.path}/".startswith(p) for p in known)] == []


def test_a_job_can_write_its_tables_under_its_role() -> None:
    assert sorted(name for names in RUNS.values() for name in names) == sorted(
        job.name for job in JOBS if job.name not in ("replay", "stream")
    )
    found = places()
    for role, names in RUNS.items():
        for job in JOBS:
            for table in job.writes if job.name in names else ():
                told = [letters[role] for p, letters in found.items() if p == f"{table.path}/"]
                assert told, f"{table} has no line of its own"
                assert "W" in told[0], f"{role} runs {job.name}, which writes {table}"


def test_nobody_deletes_what_landed_nor_writes_outside_the_lake() -> None:
    found = places()
    assert not [role for role, told in found["landing/"].items() if "D" in told]
    assert set(found[ELSEWHERE].values()) == {"L"}


@pytest.mark.parametrize("role", [role for role in ROLES if role != "maintenance"])
def test_nobody_else_sets_the_buckets_rules(minio: Server, bucket: str, role: str) -> None:
    client = taken(minio, bucket, role)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_bucket_lifecycle_configuration(Bucket=bucket)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_bucket_policy(Bucket=bucket)


@pytest.fixture
def kept(minio: Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket as maintenance reaches it."""
    place = placed(minio, monkeypatch)
    restricted_to(place, monkeypatch, document("maintenance", place.bucket, LAKE))
    return place.store


def test_maintenance_keeps_the_buckets_rules(kept: Bucket, conf: Settings) -> None:
    done = lifecycle.keep(kept, conf.lifecycle)
    assert done["left_out"] == [lifecycle.UPLOADS]  # which no MinIO knows
    assert len(done["rules"]) == 5
