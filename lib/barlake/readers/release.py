"""Which refused rows a release may let in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from barlake.model.errors import InputError
from barlake.model.rules import RULES
from barlake.readers.frames import OpenLake
from barlake.readers.quarantine import Chosen, placed

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who wants which refused rows in, and why.

    With `is_rejudged` today's rules decide: rows that they pass go in, the others stay.
    """

    chosen: Chosen
    by: str
    why: str
    is_rejudged: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The refused rows that a wish names: to let in, and left as they are, each with a sentence."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)


def candidates(lake: OpenLake, wish: Wish) -> Refused:
    """Give the rows that may be released: a minute that landed, not released before, a bar.

    Raises:
        InputError: No row is chosen, or none of those that are left can become a bar.
    """
    found = placed(lake, wish.chosen)
    if not found:
        raise InputError("no refused row is chosen; `barlake quarantine list` shows what there is")
    waiting = [row for row in found if row["released_at"] is None]
    notes = _told(found, waiting)
    landed = [row for row in waiting if row["file"] is not None]
    if len(landed) < len(waiting):
        said = _said(next(row for row in waiting if row["file"] is None), waiting, landed)
        notes.append(f"{said}: it is no minute that landed; have it delivered again, corrected")
    possible = [row for row in landed if wish.is_rejudged or _can_be_bar(row)]
    if len(possible) < len(landed):
        worst = next(row for row in landed if not _can_be_bar(row))
        notes.append(f"{_said(worst, landed, possible)}: {_reason(worst)}")
    if waiting and not possible:
        raise InputError(notes[-1])
    return Refused(possible, notes)


def _told(found: Sequence[Row], waiting: Sequence[Row]) -> list[str]:
    before = [row for row in found if row["released_at"] is not None]
    if not before:
        return []
    last = max(before, key=itemgetter("released_at"))
    when = last["released_at"].isoformat()
    much = "all of them" if not waiting else f"{len(before)} of {len(found)} rows"
    return [f"{much} were released before, the last by {last['released_by']} at {when}"]


def _can_be_bar(row: Row) -> bool:
    return any(rule.name == row["rule"] and rule.releasable for rule in RULES)


def _reason(row: Row) -> str:
    known = {rule.name: rule.reason for rule in RULES}
    said = known.get(row["rule"], "The rule is none of today's.").rstrip(".")
    return f"{row['rule']}: {said}; it can be no bar: have it delivered again, corrected"


def _said(row: Row, more: Sequence[Row], fewer: Sequence[Row]) -> str:
    count = len(more) - len(fewer)
    name = f"the row {row['ticker'][:20]!r} at {row['ts_text'][:40]!r}"
    return f"{name} stays refused" + (f", and {count - 1} more like it" if count > 1 else "")
