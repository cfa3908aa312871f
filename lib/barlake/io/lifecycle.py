"""Rules by which a bucket's store removes what the lake does not need; others' rules stay.

Only what each run makes anew, under a name of its own, is ever removed as it stands: pages, the
files of a stream's checkpoint and tables do not change for as long as nothing is new, so their age
says nothing. Of pages and checkpoints the store removes replaced versions alone.
"""

from typing import Any

from barlake.io.bucket import Bucket
from barlake.io.s3_errors import REFUSALS, code_of, told
from barlake.io.store import Store
from barlake.sections import LifecycleSettings

Rule = dict[str, Any]

UPLOADS = "barlake-uploads"
# Whoever may not set rules, or a store that has none.
REFUSED = ("AccessDenied", "NotImplemented", "MethodNotAllowed")
_NONE_YET = "NoSuchLifecycleConfiguration"
_UNKNOWN = ("InvalidArgument", "MalformedXML", "InvalidRequest")
_BESIDE = "TransitionDefaultMinimumObjectSize"


def keep(store: Store, settings: LifecycleSettings) -> dict[str, list[str]]:
    """Make the bucket's rules for this lake as the settings say; without news nothing is written.

    Returns:
        `rules`, the names of the lake's own, and `left_out`, those that the store does not know.

    Raises:
        StoreError: The store refuses or does not answer; `REFUSED` has the codes of one that does
            not let us set rules.
    """
    if not isinstance(store, Bucket):
        return {"rules": [], "left_out": []}
    found = _read(store)
    ours, owned = rules(store.prefix, settings), {rule["ID"] for rule in rules(store.prefix, _ALL)}
    others = [rule for rule in found.get("Rules", []) if rule.get("ID") not in owned]
    is_whole = _write(store, found, [*others, *ours])
    if not is_whole:
        ours = [rule for rule in ours if rule["ID"] != UPLOADS]
        _write(store, found, [*others, *ours])
    return {
        "rules": [rule["ID"] for rule in ours],
        "left_out": [] if is_whole else [UPLOADS],
    }


def rules(prefix: str, settings: LifecycleSettings) -> list[Rule]:
    """Give the rules of the lake below `prefix`, which is empty or ends in a slash.

    Their names hold the prefix: another lake of the bucket has its own. An upload that was never
    completed is no object, and the rule that ends it takes no prefix.
    """
    made = [
        _expiring("reports", f"{prefix}pages/quality/", settings.reports_days),
        _expiring("staging", f"{prefix}_staging/", settings.staging_days),
        *(
            _replaced(f"replaced-{folder.strip('_')}", f"{prefix}{folder}/", settings.replaced_days)
            for folder in ("pages", "checkpoints", "_staging")
        ),
    ]
    suffix = "".join(f".{part}" for part in prefix.strip("/").split("/") if part)
    ours = [rule | {"ID": f"barlake-{rule['ID']}{suffix}"} for rule in made if rule is not None]
    if settings.uploads_days is None:
        return ours
    ended = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": settings.uploads_days}}
    return [*ours, {"ID": UPLOADS, "Status": "Enabled", "Filter": {"Prefix": ""}, **ended}]


_ALL = LifecycleSettings(reports_days=1, staging_days=1, replaced_days=1, uploads_days=1)


def _expiring(name: str, prefix: str, days: int | None) -> Rule | None:
    return None if days is None else _rule(name, prefix, Expiration={"Days": days})


def _replaced(name: str, prefix: str, days: int | None) -> Rule | None:
    if days is None:
        return None
    return _rule(name, prefix, NoncurrentVersionExpiration={"NoncurrentDays": days})


def _rule(name: str, prefix: str, **action: object) -> Rule:
    return {"ID": name, "Status": "Enabled", "Filter": {"Prefix": prefix}, **action}


def _read(store: Bucket) -> Rule:
    try:
        return dict(store.access.client().get_bucket_lifecycle_configuration(Bucket=store.bucket))
    except REFUSALS as error:
        if code_of(error) == _NONE_YET:
            return {}
        raise told(error, f"the rules of {store.address}") from error


def _write(store: Bucket, found: Rule, wanted: list[Rule]) -> bool:
    """Write the bucket's rules where they differ; False where the store does not know one."""
    if _by_name(wanted) == _by_name(found.get("Rules", [])):
        return True
    client, where = store.access.client(), {"Bucket": store.bucket}
    # What is beside the rules is somebody's choice as well.
    kept = {name: found[name] for name in (_BESIDE,) if name in found}
    try:
        if wanted:
            whole = {"LifecycleConfiguration": {"Rules": wanted}}
            client.put_bucket_lifecycle_configuration(**where, **whole, **kept)
        else:
            client.delete_bucket_lifecycle(**where)
    except REFUSALS as error:
        if code_of(error) in _UNKNOWN and UPLOADS in [rule.get("ID") for rule in wanted]:
            return False
        raise told(error, f"the rules of {store.address}") from error
    return True


def _by_name(found: list[Rule]) -> list[Rule]:
    return sorted(found, key=lambda rule: str(rule.get("ID")))
