"""Every rule that a served row must meet, for the quarantine, the checks and docs/tables.md.

A row is refused by the first rule that it breaks, in this order: structure, key, finite, range,
OHLC, calendar, cross-row.
"""

from dataclasses import dataclass

PRICES = ("open", "high", "low", "close")

NUMBER = r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]{1,3})?"
NOT_FINITE = r"(?i)[+-]?(nan|inf|infinity)"
NAIVE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
INSTANT = NAIVE + r" ?(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TICKER = r"[A-Z0-9][A-Z0-9.^=-]{0,14}"

PRICE_MAX = 10_000_000
VOLUME_MAX = 1_000_000_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition on one served row: SQL that must be true; null counts as broken.

    `holds` is empty where the rule compares rows (`transforms` decides those).
    `severity` is "warning" where a stored bar is kept instead. `releasable` is false where what
    the rule refuses can be no bar: a price that is no number, a time that no session holds.
    """

    name: str
    holds: str
    reason: str
    severity: str = "quarantine"
    releasable: bool = False


def whole(pattern: str) -> str:
    """Make a pattern match whole texts, for Spark: Java's $ would let a last newline pass."""
    return rf"^(?:{pattern})\z"


def _matches(column: str, pattern: str) -> str:
    quoted = whole(pattern).replace("\\", "\\\\")
    return f"{column} RLIKE '{quoted}'"


def _each_price(condition: str) -> str:
    return " AND ".join(condition.format(text=f"{p}_text", price=p) for p in PRICES)


ROW_RULES = (
    Rule("row_structure", "raw IS NULL", "The row does not have the header's fields."),
    Rule("ticker_missing", "trim(coalesce(ticker, '')) <> ''", "The ticker is absent."),
    Rule(
        "ticker_format",
        _matches("ticker", TICKER),
        "The ticker is not 1 to 15 of A-Z 0-9 . ^ = -, beginning with a letter or a digit.",
    ),
    Rule("ticker_not_asked", "is_asked", "The ticker was not asked for.", releasable=True),
    Rule("ts_missing", "trim(coalesce(ts_text, '')) <> ''", "The time is absent."),
    Rule(
        "ts_naive",
        "NOT " + _matches("ts_text", NAIVE),
        "The time has no offset; write Z or +hh:mm.",
    ),
    Rule("ts_format", "ts IS NOT NULL", "The time is not an ISO 8601 instant."),
    Rule(
        "fetched_at_format",
        "fetched_at IS NOT NULL",
        "The knowledge time is not an ISO 8601 instant with an offset.",
    ),
    Rule(
        "price_missing",
        _each_price("trim(coalesce({text}, '')) <> ''"),
        "A price is absent.",
    ),
    Rule(
        "price_finite",
        " AND ".join("NOT " + _matches(f"{p}_text", NOT_FINITE) for p in PRICES)
        + " AND "
        + _each_price("coalesce(abs({price}) < double('infinity'), true)"),
        "A price is NaN or infinite.",
    ),
    Rule("price_format", _each_price("{price} IS NOT NULL"), "A price is not a number."),
    Rule("volume_missing", "trim(coalesce(volume_text, '')) <> ''", "The volume is absent."),
    Rule(
        "volume_format",
        "volume IS NOT NULL",
        "The volume is not a whole number of shares.",
    ),
    Rule("ts_early", "ts >= TIMESTAMP'1990-01-01 00:00:00Z'", "The time is before 1990."),
    Rule(
        "ts_future",
        "ts <= fetched_at + INTERVAL 5 MINUTES",
        "The time is more than 5 minutes after the row was received.",
    ),
    Rule(
        "fetched_at_future",
        "fetched_at <= known_at + INTERVAL 5 MINUTES",
        "The knowledge time is later than now.",
    ),
    Rule("price_positive", "least(open, high, low, close) > 0", "A price is not above zero."),
    Rule(
        "price_range",
        f"greatest(open, high, low, close) <= {PRICE_MAX}",
        f"A price is above {PRICE_MAX:,} dollars.",
        releasable=True,
    ),
    Rule(
        "volume_range",
        f"volume BETWEEN 0 AND {VOLUME_MAX}",
        f"The volume is negative or above {VOLUME_MAX:,} shares.",
    ),
    Rule("high_highest", "high >= greatest(open, close, low)", "The high is not the highest."),
    Rule("low_lowest", "low <= least(open, close, high)", "The low is not the lowest."),
    # Spark's instants end at microseconds: digits beyond them are looked for in the text.
    Rule(
        "ts_grid",
        "unix_micros(ts) % 60000000 = 0 AND NOT ts_text RLIKE '[.][0-9]{6}[0-9]*[1-9]'",
        "The time is off the minute grid.",
    ),
    Rule(
        "outside_session",
        "in_session",
        "The minute is outside every session's 04:00 to 20:00, exchange time.",
    ),
)

# A daily bar has a date where a minute has a time, and is held against no grid.
DAY_FORMAT = Rule(
    "day_format", "ts IS NOT NULL", "The day is neither YYYY-MM-DD nor an ISO 8601 instant."
)
NO_SESSION = Rule("no_session", "in_session", "The day has no session.")
_IN_PLACE_OF = {"ts_format": DAY_FORMAT, "outside_session": NO_SESSION}
DAILY_RULES = tuple(
    _IN_PLACE_OF.get(rule.name, rule) for rule in ROW_RULES if rule.name != "ts_grid"
)

CONFLICTING_DUPLICATE = Rule(
    "conflicting_duplicate",
    "",
    "One delivery gives this minute twice, with different values.",
    releasable=True,
)
SHARE_UNIT = Rule(
    "share_unit",
    "",
    "The delivery is in another share unit than the store, and no split says why.",
    releasable=True,
)
VOLUME_DROPPED = Rule(
    "volume_dropped_to_zero",
    "",
    "The bar had volume before; a drop to 0 is no correction.",
    releasable=True,
)
FIRST_ROW = Rule(
    "first_row_of_request",
    "",
    "The first row of a request that starts inside a session never replaces a stored bar.",
    severity="warning",
    releasable=True,
)

CROSS_ROW_RULES = (CONFLICTING_DUPLICATE, SHARE_UNIT, FIRST_ROW, VOLUME_DROPPED)
RULES = (*ROW_RULES, *_IN_PLACE_OF.values(), *CROSS_ROW_RULES)
