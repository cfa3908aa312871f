"""The bucket of the containers' lake is made once, or its refusal told."""

from uuid import uuid4

import pytest

from infra.compose import bucket
from infra.server import Server
from tests.object_stores import reached


def test_the_bucket_of_the_settings_is_made_once(
    object_store: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"new-{uuid4().hex[:12]}"
    reached(object_store, monkeypatch)
    monkeypatch.setenv("BARLAKE_LAKE__ROOT", f"s3a://{name}/lake")

    assert [bucket.main(), bucket.main()] == [0, 0]
    client = object_store.client()
    assert name in [found["Name"] for found in client.list_buckets()["Buckets"]]
    client.close()


def test_a_store_that_refuses_is_told(
    object_store: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reached(object_store, monkeypatch)
    monkeypatch.setenv("BARLAKE_LAKE__ROOT", "s3a://other")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret-of-anybody")

    assert bucket.main() == 1
    assert capsys.readouterr().err.startswith("barlake: the bucket other cannot be made: ")
