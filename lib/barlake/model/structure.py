"""What every row must meet before it is published, taken from the declaration of its table.

The gate counts the rows of each ticker and session that break one of these; one is too many.
"""

from dataclasses import dataclass

from barlake.model import silver
from barlake.model.rules import VOLUME_MAX


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one staged row: SQL that must be true; null counts as broken."""

    name: str
    holds: str
    reason: str


TABLE = silver.BARS_1M

_NOT_NULL = tuple(
    Condition(f"not_null_{c.name}", f"`{c.name}` IS NOT NULL", f"The {c.name} is absent.")
    for c in TABLE.columns
    if not c.nullable
)
_CHECKS = tuple(
    Condition(name, sql, f"A check of {TABLE} does not hold: {sql}.") for name, sql in TABLE.checks
)
# What compares a row with its neighbours and with the calendar: transforms/facts.py tells.
_PLACES = (
    Condition("key_unique", "NOT is_repeated", "A ticker and minute comes more than once."),
    Condition("ts_increasing", "NOT is_backwards", "A later minute of the session is not later."),
    Condition("inside_session", "is_placed", "The minute is not where the calendar has it."),
)
# No upper limit of a price here: a row that was released from that rule is published.
_RANGES = (
    Condition(
        "volume_range", f"volume <= {VOLUME_MAX}", f"The volume is above {VOLUME_MAX:,} shares."
    ),
    Condition("ts_early", "ts >= TIMESTAMP'1990-01-01 00:00:00Z'", "The time is before 1990."),
)

CONDITIONS = (*_NOT_NULL, *_CHECKS, *_RANGES, *_PLACES)
