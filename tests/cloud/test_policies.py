"""A lint of our own for the policy documents, and the catalog that the model has."""

import json
from typing import Any

import pytest

from barlake.model.table import Column
from barlake.model.tables import TABLES
from infra import catalog
from infra.rights import POLICIES, ROLES, document

# AWS takes no session policy that is longer.
SESSION_BYTES = 2048
# Each exception from the lint, with its reason.
WAIVED = {
    ("maintenance", "reads a whole lake"): "a rebuild reads all that landed, a restore every table",
}


def statements(role: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(role, "lake", "")["Statement"]
    return found


def words(told: str | list[str]) -> list[str]:
    return [told] if isinstance(told, str) else told


def broken(role: str) -> list[str]:
    found = []
    for statement in statements(role):
        actions, resources = words(statement["Action"]), words(statement["Resource"])
        if any("*" in action for action in actions):
            found.append("allows actions that it does not name")
        if any(not resource.startswith("arn:aws:s3:::lake") for resource in resources):
            found.append("reaches beyond its bucket")
        if "NotAction" in statement or "NotResource" in statement:
            found.append("allows all but something")
        if "arn:aws:s3:::lake/*" in resources:
            verb = {"s3:GetObject": "reads"}.get(actions[0], "changes")
            found.append(f"{verb} a whole lake")
        if any("Policy" in action or "Acl" in action for action in actions):
            found.append("may give rights to others")
    return found


@pytest.mark.parametrize("role", ROLES)
def test_no_policy_says_more_than_is_waived(role: str) -> None:
    assert broken(role) == [sentence for who, sentence in WAIVED if who == role]


@pytest.mark.parametrize("role", ROLES)
def test_a_policy_fits_a_session(role: str) -> None:
    assert len(json.dumps(document(role, "lake", "lake/"), separators=(",", ":"))) <= SESSION_BYTES


def test_every_policy_is_a_roles() -> None:
    assert sorted(path.stem for path in POLICIES.glob("*.json")) == sorted(ROLES)


def test_the_catalog_is_the_models() -> None:
    assert catalog.TARGET.read_text("utf-8") == catalog.text()
    found = catalog.entries()
    assert list(found) == [str(table) for table in TABLES]
    for table in TABLES:
        columns = found[str(table)]["columns"]
        assert tuple(column["name"] for column in columns) == table.names


def test_a_struct_is_spelled_as_hive_does() -> None:
    column = Column("holes", "ARRAY<STRUCT<`from`: TIMESTAMP, n: INT>>", "", "x" * 300)
    told = catalog._column(column)
    assert told["type"] == "array<struct<from:timestamp,n:int>>"
    assert len(told["comment"]) == catalog.COMMENT_MAX
