"""The rules that a bucket's store follows by itself: the lake's own, beside those of others."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from barlake.io import lifecycle
from barlake.io.folder import Folder
from barlake.io.s3_errors import StoreError
from barlake.model.tables import TABLES
from barlake.pipelines.lifecycle import keep_lifecycle
from barlake.sections import LifecycleSettings
from barlake.settings import Settings
from tests.object_stores import Place, restricted

NEVER = LifecycleSettings(
    reports_days=None, staging_days=None, replaced_days=None, uploads_days=None
)
OTHERS = {
    "ID": "somebody's",
    "Status": "Enabled",
    "Filter": {"Prefix": "elsewhere/"},
    "Expiration": {"Days": 3},
}


def in_bucket(place: Place) -> dict[str, Any]:
    client = place.server.client()
    try:
        found = client.get_bucket_lifecycle_configuration(Bucket=place.bucket)["Rules"]
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return {}
    return {rule["ID"]: rule for rule in found}


def hand(place: Place, *rules: dict[str, Any]) -> None:
    place.server.client().put_bucket_lifecycle_configuration(
        Bucket=place.bucket, LifecycleConfiguration={"Rules": list(rules)}
    )


def test_the_rules_are_in_the_bucket(real: Place, conf: Settings) -> None:
    done = lifecycle.keep(real.store, conf.lifecycle)
    # MinIO takes no such rule: it ends uploads after a day by itself.
    left_out = [lifecycle.UPLOADS] if real.server.name == "MinIO" else []
    wanted = lifecycle.rules("lake/", conf.lifecycle)
    assert done["left_out"] == left_out
    assert done["rules"] == [rule["ID"] for rule in wanted if rule["ID"] not in left_out]
    assert sorted(in_bucket(real)) == sorted(done["rules"])


def test_the_rules_of_others_stay(real: Place, conf: Settings) -> None:
    hand(real, OTHERS)
    lifecycle.keep(real.store, conf.lifecycle)
    lifecycle.keep(real.store, conf.lifecycle.model_copy(update={"reports_days": 9}))
    found = in_bucket(real)
    assert found["somebody's"]["Expiration"] == {"Days": 3}
    assert found["somebody's"]["Filter"]["Prefix"] == "elsewhere/"
    assert found["barlake-reports.lake"]["Expiration"] == {"Days": 9}
    lifecycle.keep(real.store, NEVER)
    assert list(in_bucket(real)) == ["somebody's"]


def test_two_lakes_of_one_bucket_have_rules_of_their_own(ours: Place, conf: Settings) -> None:
    other = ours.store.below("other")
    for store in (ours.store, other):
        lifecycle.keep(store, conf.lifecycle)
    lifecycle.keep(other, NEVER)
    assert set(in_bucket(ours)) == {
        rule["ID"] for rule in lifecycle.rules("lake/", conf.lifecycle)
    } - {lifecycle.UPLOADS}
    lifecycle.keep(ours.store, NEVER)
    assert in_bucket(ours) == {}


def test_rules_without_news_are_not_written(real: Place, conf: Settings) -> None:
    lifecycle.keep(real.store, conf.lifecycle)
    written: list[str] = []

    def note(params: dict[str, Any], **_: object) -> None:
        written.append(str(params["LifecycleConfiguration"]))

    events = real.access.client().meta.events
    events.register("before-parameter-build.s3.PutBucketLifecycleConfiguration", note)
    done = lifecycle.keep(real.store, conf.lifecycle)
    # Where the store does not know a rule, it is asked again whether it does.
    assert len(written) == len(done["left_out"])
    lifecycle.keep(real.store, conf.lifecycle.model_copy(update={"reports_days": 9}))
    assert len(written) == 1 + 2 * len(done["left_out"])


def test_what_a_lake_needs_is_never_removed(conf: Settings) -> None:
    needed = ["landing/", "_labels/", "_leases/", "_runs/", "_probe/", "pages/index.html"]
    needed += ["checkpoints/vwap/metadata", *(f"{table.path}/_delta_log/" for table in TABLES)]
    needed += [f"{table.path}/" for table in TABLES]
    for rule in lifecycle.rules("lake/", conf.lifecycle):
        prefix = rule["Filter"]["Prefix"]
        if "Expiration" in rule:
            assert prefix in {"lake/pages/quality/", "lake/_staging/"}
        reached = [name for name in needed if f"lake/{name}".startswith(prefix)]
        assert "Expiration" not in rule or not reached
        assert "NoncurrentVersionExpiration" not in rule or all(
            name.startswith(("pages/", "checkpoints/")) for name in reached
        )


def test_an_upload_rule_takes_no_prefix(conf: Settings) -> None:
    [rule] = [r for r in lifecycle.rules("lake/", conf.lifecycle) if r["ID"] == lifecycle.UPLOADS]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert rule["Filter"] == {"Prefix": ""}


def test_whoever_may_not_set_rules_is_warned(
    ours: Place, conf: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    restricted(ours, monkeypatch, "s3:GetObject", "s3:PutObject", "s3:ListBucket")
    with capture_logs() as logs:
        done = keep_lifecycle(ours.store, conf.lifecycle)
    assert done is not None
    assert done["rules"] == []
    assert "AccessDenied" in done["refused"]
    [warning] = logs
    assert (warning["log_level"], warning["event"]) == ("warning", "no lifecycle rules")
    assert in_bucket(ours) == {}


def test_a_missing_bucket_is_an_error(ours: Place, conf: Settings) -> None:
    away = Place(ours.server, "test-that-is-not-there")
    with pytest.raises(StoreError, match="NoSuchBucket"):
        keep_lifecycle(away.store, conf.lifecycle)


def test_a_folder_has_no_rules(tmp_path: Any, conf: Settings) -> None:
    assert keep_lifecycle(Folder.at(str(tmp_path)), conf.lifecycle) is None
