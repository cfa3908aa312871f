"""What each role may do in a lake: the policy documents of infra/modules/roles, for a bucket.

Terraform fills in the same files, with the same two words.
"""

from __future__ import annotations

import json
from pathlib import Path
from string import Template
from typing import Any

POLICIES = Path(__file__).resolve().parent / "modules" / "roles" / "policies"
ROLES = ("ingest", "merge", "stream", "maintenance", "reader")


def document(role: str, bucket: str, prefix: str) -> dict[str, Any]:
    """Give a role's policy document; `prefix` is empty or ends in a slash."""
    text = (POLICIES / f"{role}.json").read_text("utf-8")
    filled: dict[str, Any] = json.loads(Template(text).substitute(bucket=bucket, prefix=prefix))
    return filled
