"""What a lake asks of a store: two real ones have it all, and each lack is told in one sentence."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Thread

import pytest

from barlake import cli, cli_look
from barlake.io import contract, probes
from barlake.io.access import Access
from barlake.io.bucket import Bucket
from barlake.io.contract import examine, require_conditional_put
from barlake.io.folder import Folder
from barlake.io.probes import Finding
from barlake.io.s3_errors import StoreError
from infra.server import HOST, free_ports
from tests.object_stores import Place, restricted
from tests.stores.liar import liar

NEEDS = [
    "bucket",
    "clock",
    "write",
    "read after write",
    "list after write",
    "conditional put",
    "8 rivals on one name",
    "multipart upload",
    "conditional multipart upload",
    "rename",
    "bulk delete",
]
READ = ("s3:GetObject", "s3:ListBucket")


def lacking(place: Place, access: Access | None = None) -> dict[str, Finding]:
    """Give by name what is missing, each in one sentence with its remedy."""
    found = examine(Bucket.at(place.address, access or place.access))
    assert all("\n" not in need.detail and need.detail for need in found)
    assert all(need.remedy for need in found if not need.found)
    return {need.name: need for need in found if not need.found}


def ended(command: Callable[..., None], *arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.script(command, arguments)
    return int(end.value.code or 0)


def kept(place: Place) -> list[str]:
    found = place.server.client().list_objects_v2(Bucket=place.bucket)
    return [entry["Key"] for entry in found.get("Contents", [])]


def test_a_real_store_has_all_that_a_lake_needs(real: Place) -> None:
    found = examine(real.store)
    assert [(need.name, need.found) for need in found] == [(name, True) for name in NEEDS]
    assert kept(real) == []


def test_what_the_probes_wrote_goes_where_a_store_does_not_delete_in_bulk(
    ours: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = Finding("bulk delete", False, "not known", "another store")
    monkeypatch.setitem(contract._WRITING, "bulk delete", lambda _ground: refusal)
    assert list(lacking(ours)) == ["bulk delete"]
    assert kept(ours) == []


def test_a_store_that_honours_the_condition_is_asked_once(real: Place) -> None:
    require_conditional_put(real.store)
    require_conditional_put(real.store)
    assert real.store.names("") == ["_probe/conditional-put"]


def test_a_store_that_ignores_the_condition_is_refused(ours: Place) -> None:
    with liar(ours, deaf_to="If-None-Match") as deaf:
        with pytest.raises(StoreError, match="ignores If-None-Match on PUT") as refused:
            require_conditional_put(deaf.store)
        missing = lacking(deaf)
    assert refused.value.exit_code == 1
    conditional = {name for name in NEEDS if "conditional" in name or "rivals" in name}
    assert set(missing) == conditional
    assert all("overwrite each other's commits" in need.detail for need in missing.values())


def test_a_run_on_such_a_store_ends_before_it_writes(
    ours: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with liar(ours, deaf_to="If-None-Match") as deaf, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BARLAKE_LAKE__ENDPOINT", deaf.server.url)
        code = ended(cli.silver, "--lake", deaf.address)
    assert code == 1
    assert "ignores If-None-Match" in capsys.readouterr().err
    assert kept(ours) == ["lake/_probe/conditional-put"]


def test_a_clock_that_is_off_is_told(ours: Place) -> None:
    late = format_datetime(datetime.now(UTC) - timedelta(minutes=7), usegmt=True)
    with liar(ours, date=late) as slow:
        missing = lacking(slow)
    assert list(missing) == ["clock"]
    assert "7 minutes ahead of the store's" in missing["clock"].detail


def test_a_clock_that_is_far_off_is_what_a_refusal_is_for(
    ours: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = datetime.now(UTC) - timedelta(minutes=20)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: wrong.replace(tzinfo=None))
    monkeypatch.setattr(probes, "_now", lambda: wrong)
    missing = lacking(ours)
    assert list(missing) == ["bucket", "clock"]
    assert "RequestTimeTooSkewed" in missing["bucket"].detail
    assert "20 minutes behind the store's" in missing["clock"].detail


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_ACCESS_KEY_ID", "stranger", "does not know this access key (InvalidAccessKeyId)"),
        ("AWS_SECRET_ACCESS_KEY", "wrong", "not that of the access key (SignatureDoesNotMatch)"),
    ],
)
def test_wrong_credentials_are_told_and_not_shown(
    real: Place, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    # A client lives as long as its key: another secret comes with another endpoint here.
    access = replace(real.access, endpoint=f"{real.server.url}/")
    missing = lacking(real, access)
    assert list(missing) == ["bucket"]
    assert said in missing["bucket"].detail
    assert real.server.secret not in str(missing)
    with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        Bucket.at(real.address, access).names("")


def test_no_credentials_at_all_are_told(ours: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    [need] = lacking(ours).values()
    assert "there are no credentials" in need.detail


def test_a_missing_bucket_is_told(real: Place) -> None:
    away = Place(real.server, "test-that-is-not-there")
    [need] = lacking(away).values()
    assert "there is no such bucket (NoSuchBucket)" in need.detail
    with pytest.raises(StoreError, match="make it, or name another lake"):
        require_conditional_put(away.store)
    assert away.bucket not in [b["Name"] for b in real.server.client().list_buckets()["Buckets"]]


def test_a_role_that_only_reads_is_told(ours: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    restricted(ours, monkeypatch, *READ)
    missing = lacking(ours)
    assert list(missing) == ["write"]
    assert "AccessDenied" in missing["write"].detail
    assert "s3:PutObject" in missing["write"].remedy
    with pytest.raises(StoreError, match="the store does not allow it"):
        require_conditional_put(ours.store)


def test_a_role_that_does_not_delete_is_told(ours: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    restricted(ours, monkeypatch, *READ, "s3:PutObject", "s3:AbortMultipartUpload")
    missing = lacking(ours)
    assert list(missing) == ["rename", "bulk delete"]
    assert all("s3:DeleteObject" in need.remedy for need in missing.values())


def test_the_rights_that_the_docs_ask_for_suffice(
    ours: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(contract.__file__).parents[3] / "docs" / "object-store.md"
    policy = page.read_text("utf-8").partition("```json\n")[2].partition("```")[0]
    rights = [action for part in json.loads(policy)["Statement"] for action in part["Action"]]
    assert "s3:PutObject" in rights
    restricted(ours, monkeypatch, *rights)
    assert lacking(ours) == {}


def test_nobody_at_the_endpoint_is_told(ours: Place) -> None:
    url = f"http://{HOST}:{free_ports(1)[0]}"
    [need] = lacking(ours, replace(ours.access, endpoint=url)).values()
    assert f"nothing answers at {url}" in need.detail
    assert "BARLAKE_LAKE__ENDPOINT" in need.remedy


def test_a_name_that_is_none_is_told_with_the_style(ours: Place) -> None:
    [need] = lacking(
        ours, replace(ours.access, endpoint="http://store.invalid:1", is_path_style=False)
    ).values()
    assert "BARLAKE_LAKE__PATH_STYLE=true" in need.remedy


def test_tls_where_there_is_none_is_told(real: Place) -> None:
    [need] = lacking(
        real, replace(real.access, endpoint=real.server.url.replace("http", "https"))
    ).values()
    assert "speaks no TLS" in need.detail
    assert "http://" in need.remedy


def test_no_tls_where_there_is_is_told(ours: Place) -> None:
    # What a server written in Go answers, before it looks at the request.
    said = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    with answering(said.encode()) as url:
        [need] = lacking(ours, replace(ours.access, endpoint=url)).values()
    assert "write https://" in need.remedy


def test_what_is_no_object_store_is_told(ours: Place) -> None:
    with answering(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Hello") as url:
        [need] = lacking(ours, replace(ours.access, endpoint=url)).values()
    assert "what answers is no object store" in need.detail


def test_the_doctor_tells_of_the_store(ours: Place, capsys: pytest.CaptureFixture[str]) -> None:
    code = ended(cli_look.doctor, "--lake", ours.address, "--json")
    needs = json.loads(capsys.readouterr().out)["needs"]
    assert code == 0
    assert [need["name"] for need in needs][-len(NEEDS) - 1 :] == ["jars for a bucket", *NEEDS]
    code = ended(cli_look.doctor, "--lake", "s3a://test-that-is-not-there/lake")
    told = capsys.readouterr()
    assert code == 1
    assert "MISSING bucket: s3a://test-that-is-not-there/lake: there is no such" in told.out
    assert told.err.endswith("lacks bucket\n")


def test_a_folder_is_looked_at_and_left_alone(tmp_path: Path) -> None:
    away = tmp_path / "a" / "lake"
    [need] = examine(Folder.at(str(away)))
    assert need == Finding("lake", True, f"{away} can be made", need.remedy)
    assert not away.parent.exists()
    require_conditional_put(Folder.at(str(away)))
    assert not away.parent.exists()


@contextmanager
def answering(said: bytes) -> Iterator[str]:
    """Give the same answer to everybody."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(said)

        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
