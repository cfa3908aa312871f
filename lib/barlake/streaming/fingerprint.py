"""What a query's checkpoint was made with: another query must not go on with it."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from barlake.model.errors import InputError

NAME = "fingerprint.json"


def require_same(folder: Path, query: Mapping[str, str]) -> None:
    """Refuse a folder whose checkpoint another query made; a new one is marked as this query's.

    Args:
        folder: Holds the checkpoint.
        query: What must not change while it is used, by a name that a sentence can hold.

    Raises:
        InputError: Something changed; the sentence says what, and what to do.
    """
    path = folder / NAME
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(query, indent=1, sort_keys=True) + "\n", "utf-8")
        draft.replace(path)
        return
    known = _read(path)
    names = [name for name in sorted({*known, *query}) if known.get(name) != query.get(name)]
    if names:
        told = ", ".join(f"{n}: {known.get(n)} -> {query.get(n)}" for n in names)
        raise InputError(
            f"the stream was started with something else ({told}): set that back, or remove "
            f"{folder} to read the topic again from its beginning, which writes nothing twice"
        )


def digest(parts: Iterable[str]) -> str:
    """Give a short text that changes with any of the parts."""
    return sha256(json.dumps(list(parts)).encode()).hexdigest()[:12]


def _read(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{path} is damaged: remove {path.parent} to read the topic again")
    return found
