"""Which columns a file of bars has, and what is said of one that has others."""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches

from barlake.model.errors import InputError
from barlake.model.landed import TEXTS

REQUIRED = ("ticker", "ts", *TEXTS)
COLUMNS = (*REQUIRED, "fetched_at")
SERVED_AS = {name: name if name == "ticker" else f"{name}_text" for name in COLUMNS}

MAX_ROWS = 20_000_000

_SYNONYMS = {"symbol": "ticker", "timestamp": "ts", "datetime": "ts", "date": "ts", "time": "ts"}
_SHOWN = 60


def check_columns(names: Sequence[str], *, file: str) -> None:
    """Refuse a file that lacks a column, has another one, or has one twice; any order is good.

    Raises:
        InputError: The sentence names `file` and the first such column.
    """
    for name, count in Counter(names).items():
        if name not in COLUMNS:
            raise InputError(
                f"{file} has the unknown column {_shown(name)}; {_advice(name, names)}"
            )
        if count > 1:
            raise InputError(f"{file} has {count} columns named {name!r}; keep one of them")
    for name in REQUIRED:
        if name not in names:
            raise InputError(f"{file} has no column {name!r}; add it")


def check_rows(count: int, *, file: str) -> None:
    """Refuse a file without rows, and one with more than fit into memory.

    Raises:
        InputError: The sentence names `file`.
    """
    if count == 0:
        raise InputError(f"{file} has columns but no rows; put bars into it or leave it out")
    if count > MAX_ROWS:
        raise InputError(f"{file} has more than {MAX_ROWS:,} rows; split it")


def _shown(name: str) -> str:
    # ascii() tells a Cyrillic letter or a zero-width space from what it looks like.
    return ascii(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")


def _advice(name: str, present: Sequence[str]) -> str:
    if any(mark in name for mark in ";\t|"):
        return "separate the columns with commas"
    plain = name[:_SHOWN].strip().lower()
    synonyms = [_SYNONYMS[plain]] if plain in _SYNONYMS else []
    near = synonyms or get_close_matches(plain, COLUMNS, n=1)
    if near and near[0] not in present:
        return f"rename it to {near[0]!r}"
    return f"remove it: the columns are {', '.join(COLUMNS)}"
