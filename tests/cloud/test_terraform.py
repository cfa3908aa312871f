"""infra/modules and infra/envs: well formed, right by themselves, and the same twice."""

import json
from typing import Any

import pytest

from barlake.io import lifecycle
from barlake.io.access import Access
from barlake.io.bucket import Bucket
from barlake.settings import Settings
from infra.rights import ROLES, document
from infra.server import REGION
from infra.terraform import Terraform

LOCAL = "envs/local"
PLAIN = ("-no-color", "-input=false")


def test_every_file_is_formatted(terraform: Terraform) -> None:
    assert terraform.run(".", "fmt", "-check", "-recursive", "-list=true", codes=(0, 3)) == ""


def test_every_module_is_right_by_itself(ready: Terraform) -> None:
    told = ready.run("tests", "test", "-no-color")
    modules = sorted(path.name for path in (ready.home / "infra" / "modules").iterdir())
    for name in [*modules, "aws"]:
        assert f"{name}.tftest.hcl... pass" in told
    assert "fail" not in told.replace("0 failed", "")


def test_the_planned_rules_are_those_that_vacuum_keeps(
    ready: Terraform, aws: str, conf: Settings
) -> None:
    prefix = "us/minutes/"
    where = (f"-var=endpoint={aws}", f"-var=prefix={prefix}", "-target=module.lake")
    file = ready.home / "plan"
    ready.run(LOCAL, "plan", *PLAIN, *where, f"-out={file}", f"-state={ready.home / 'none'}")
    planned = ready.told(LOCAL, "show", "-json", str(file))["planned_values"]["root_module"]
    [lake] = [module for module in planned["child_modules"] if module["address"] == "module.lake"]
    [rules] = [
        resource["values"]["rule"]
        for resource in lake["resources"]
        if resource["type"] == "aws_s3_bucket_lifecycle_configuration"
    ]
    assert [_as_s3(rule) for rule in rules] == lifecycle.rules(prefix, conf.lifecycle)


def test_what_was_made_is_not_changed_again_and_goes_whole(ready: Terraform, aws: str) -> None:
    lake = ("-var=bucket=other", "-var=prefix=minutes/", "-var=has_lifecycle=false")
    where = (f"-var=endpoint={aws}", *lake, f"-state={ready.home / 'quick'}")
    ready.run(LOCAL, "apply", "-auto-approve", *PLAIN, *where)
    made = ready.told(LOCAL, "output", "-json", f"-state={ready.home / 'quick'}")
    assert made["address"]["value"] == "s3a://other/minutes"
    rights = {role: json.loads(text) for role, text in made["rights"]["value"].items()}
    assert rights == {role: document(role, "other", "minutes/") for role in ROLES}
    assert "No changes." in ready.run(LOCAL, "plan", "-detailed-exitcode", *PLAIN, *where)
    told = ready.run(LOCAL, "destroy", "-auto-approve", *PLAIN, *where)
    assert "Destroy complete!" in told
    assert ready.run(LOCAL, "state", "list", f"-state={ready.home / 'quick'}") == ""


@pytest.mark.drill
@pytest.mark.parametrize("prefix", ["", "us/minutes/"])
def test_vacuum_finds_nothing_to_change_in_the_bucket_nor_terraform_after_it(
    ready: Terraform,
    aws: str,
    conf: Settings,
    monkeypatch: pytest.MonkeyPatch,
    prefix: str,
) -> None:
    state = ready.home / f"whole{prefix.strip('/').replace('/', '-')}"
    where = (f"-var=endpoint={aws}", f"-var=prefix={prefix}", f"-state={state}")
    ready.run(LOCAL, "apply", "-auto-approve", *PLAIN, *where)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "emulator")
    access = Access(endpoint=aws, region=REGION, is_path_style=True)
    bucket = Bucket.at(f"s3a://lake/{prefix}".rstrip("/"), access)
    before = lifecycle._read(bucket)["Rules"]
    assert before == lifecycle.rules(prefix, conf.lifecycle)
    assert lifecycle.keep(bucket, conf.lifecycle)["left_out"] == []
    assert "No changes." in ready.run(LOCAL, "plan", "-detailed-exitcode", *PLAIN, *where)
    assert "Destroy complete!" in ready.run(LOCAL, "destroy", "-auto-approve", *PLAIN, *where)


def _as_s3(rule: dict[str, Any]) -> dict[str, Any]:
    """Spell a rule of Terraform's as S3 does."""
    made = {
        "ID": rule["id"],
        "Status": rule["status"],
        "Filter": {"Prefix": rule["filter"][0]["prefix"]},
    }
    if rule["expiration"]:
        made["Expiration"] = {"Days": rule["expiration"][0]["days"]}
    if rule["noncurrent_version_expiration"]:
        days = rule["noncurrent_version_expiration"][0]["noncurrent_days"]
        made["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    if rule["abort_incomplete_multipart_upload"]:
        days = rule["abort_incomplete_multipart_upload"][0]["days_after_initiation"]
        made["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": days}
    return made
