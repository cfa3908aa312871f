"""Rows that a file may hold, good and bad, and what must become of each: one CSV file of them all.

Every case has a ticker and a minute of its own, but for those that repeat another one's. The clock
stands at KNOWN_AT, when every minute that is not in the future is settled. What we decided where
the words of `model.rules` leave room:

- A volume is a whole number however it is written: 100.0, 1e2 and +100. are 100. 3.7 is
  volume_format. A whole number that is negative or too large, beyond BIGINT too, is volume_range.
- The offset is Z, +hh:mm, +hhmm or +hh, with one blank before it or none; a small z, a zone's name
  and a date alone are ts_format. Seconds may be left out. A naive time is ts_naive even where the
  day does not exist.
- Prices are judged after noise removal: 0.00004 is 0, hence price_positive.
- Blanks around a field go, in quotes too. A no-break space is no blank.
- A repeated row is a duplicate where it says the same values, however it spells them; a broken row
  that is repeated letter by letter is a duplicate too.
- A quoted field that spans two lines is two broken lines.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import permutations
from typing import Literal

from barlake.model.rules import TICKER

KNOWN_AT = datetime(2026, 11, 30, 2, tzinfo=UTC)
COLUMNS = ("ticker", "ts", "open", "high", "low", "close", "volume", "fetched_at")
NOT_ASKED = "UNASKED"

TS = "2026-11-20T20:58:00Z"
"""Late in a regular session, so that few minutes are filled after it."""

Fate = Literal["silver", "quarantine", "duplicate"]
Text = tuple[str, str, str | None]
"""A case's name, one field's text, and the rule that refuses it; None where it is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the file; `rule` is the first that it breaks, None where it breaks none.

    Either `row`, the CSV texts by column, or `raw_line`, a line that does not split. `repeats`
    names the case whose ticker and minute it shares.
    """

    name: str
    fate: Fate
    rule: str | None = None
    row: dict[str, str] | None = None
    raw_line: bytes | None = None
    repeats: str | None = None


def as_csv(cases: Iterable[Case]) -> bytes:
    """Write the cases as one CSV file, a line each, in order."""
    lines = [case.raw_line if case.row is None else _line(case.row) for case in cases]
    return b"".join((line or b"") + b"\n" for line in [",".join(COLUMNS).encode(), *lines])


def _line(row: dict[str, str]) -> bytes:
    return ",".join(_quoted(row[column]) for column in COLUMNS).encode()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('", \t') else text


def _case(name: str, rule: str | None, **texts: str) -> Case:
    usual = {
        "ts": TS,
        "open": "100.25",
        "high": "101.5",
        "low": "99.75",
        "close": "100.5",
        "volume": "1200",
        "fetched_at": "",
    }
    fate: Fate = "quarantine" if rule else "silver"
    return Case(name=name, fate=fate, rule=rule, row=usual | texts)


def _with(column: str, prefix: str, texts: Sequence[Text]) -> tuple[Case, ...]:
    """Make a case of each text of one column, with a ticker of its own."""
    return tuple(
        _case(f"{column}: {name}", rule, **({"ticker": f"{prefix}{i:03d}"} | {column: text}))
        for i, (name, text, rule) in enumerate(texts)
    )


STRUCTURE = tuple(
    Case(name=f"line: {name}", fate="quarantine", rule="row_structure", raw_line=line)
    for name, line in (
        ("short", b"SHORT,2026-11-20T20:58:00Z,100.25,101.5"),
        ("short by fetched_at", b"SHORT,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200"),
        ("long", b"LONG,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,,"),
        ("bare thousands", b"LONG,2026-11-20T20:58:00Z,1,100.25,1,101.5,1,099.75,1,100.5,1200,"),
        ("commas alone", b",,,"),
        ("one word", b"EOF"),
        ("comment", b"# 390 rows"),
        ("semicolons", b"SEMI;2026-11-20T20:58:00Z;100.25;101.5;99.75;100.5;1200;"),
        ("tabs", b"TABS\t2026-11-20T20:58:00Z\t100.25\t101.5\t99.75\t100.5\t1200\t"),
        ("JSON", b'{"ticker": "JSON", "ts": "2026-11-20T20:58:00Z", "open": 100.25}'),
        ("HTML", b"<html><body>502 Bad Gateway</body></html>"),
        ("open quote", b'"OPEN,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,'),
        ("open last quote", b'OPEN,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,"'),
        ("quote inside", b'QU"OTE,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,'),
        ("text after a quote", b'"QUOTE"D,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,'),
        ("newline in quotes, first half", b'"NEW'),
        ("newline in quotes, last half", b'LINE",2026-11-20T20:58:00Z,100,101,99,100,1200,'),
        ("not UTF-8", b"BAD\xff,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,"),
        ("Latin-1", b"CAF\xc9,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,"),
        ("half a character", b"HALF,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200\xe2\x82,"),
        ("surrogate", b"HIGH\xed\xa0\x80,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,"),
        ("overlong slash", b"..\xc0\xaf..,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,"),
        ("NUL in the ticker", b"NU\0L,2026-11-20T20:58:00Z,100.25,101.5,99.75,100.5,1200,"),
        ("NULs alone", b"\0" * 64),
        ("endless", b"A" * 900_000),
    )
)

_REFUSED_TICKERS = {
    "parent folder": "../../evil",
    "two dots": "..",
    "slash": "a/b",
    "root": "/etc/passwd",
    "backslashes": r"..\..\evil",
    "partition": "x=y",
    "escaped slash": "a%2Fb",
    "escaped dots": "%2e%2e%2fevil",
    "Hive's default": "__HIVE_DEFAULT_PARTITION__",
    "SQL, a table dropped": "A'; DROP TABLE x;--",
    "SQL, always true": "X' OR '1'='1",
    "SQL, comment": "AAPL--/**/",
    "SQL, identifier": '"A"',
    "SQL, backtick": "`A`",
    "shell": "$(reboot)",
    "shell, variable": "$HOME",
    "home": "~",
    "template": "{{ ticker }}",
    "printf": "%s%n",
    "HTML": "<script>alert(1)</script>",
    "ampersand": "A&amp;B",
    "formula": "=1+1",
    "formula, call": "@SUM(A1)",
    "formula, plus": "+1",
    "colon": "a:b",
    "colon between capitals": "NYSE:AAPL",
    "comma": "A,B",
    "inner blank": "BRK B",
    "inner tab": "BRK\tB",
    "escape sequence": "\x1b[31mAAPL",
    "backspace": "AAPL\x08",
    "vertical tab": "AAPL\x0b",
    "next line at the end": "AAPL\x85",
    "line separator at the end": "AAPL\u2028",
    "paragraph separator at the end": "AAPL\u2029",
    "no-break space": "AAPL\u00a0",
    "no-break space alone": "\u00a0",
    "zero-width space": "AA\u200bPL",
    "zero-width joiner alone": "\u200d",
    "byte order mark": "\ufeffAAPL",
    "right to left": "\u202eLPAA",
    "Cyrillic A": "\u0410APL",
    "Greek Alpha": "\u0391APL",
    "full width": "\uff21\uff21\uff30\uff2c",
    "dotted capital I": "\u0130BM",
    "combining accent": "A\u0301PL",
    "Arabic digits": "A\u0661",
    "emoji": "\U0001f680",
    "lower case": "aapl",
    "one small letter": "AAPl",
    "small nan": "nan",
    "not available": "N/A",
    "caret first": "^GSPC",
    "dot first": ".DJI",
    "hyphen first": "-A",
    "underscore": "BRK_B",
    "16 characters": "ABCDEFGHIJKLMNOP",
    "5,000 characters": "A" * 5_000,
}
_GOOD_TICKERS = (
    *("NA", "NAN", "NULL", "TRUE", "FALSE", "INF", "INFINITY", "NONE", "NIL", "YES", "ON", "NOW"),
    *("007", "0", "1", "1E5", "1E400", "1.0", "0X10", "2026-11-20", "00"),
    *("BRK-B", "BRK.B", "ES=F", "EURUSD=X", "BTC-USD", "T.", "A", "V", "ABCDEFGHIJKLMNO"),
    *("SELECT", "DROP", "CON", "NUL", "AUX"),
)
TICKERS = (
    *(_case(f"ticker: {n}", "ticker_format", ticker=t) for n, t in _REFUSED_TICKERS.items()),
    *(_case(f"ticker: {ticker}", None, ticker=ticker) for ticker in _GOOD_TICKERS),
    _case("ticker: blanks around", None, ticker="  PADDED\t"),
    _case("ticker: not asked for", "ticker_not_asked", ticker=NOT_ASKED),
    _case("ticker: empty", "ticker_missing", ticker=""),
    _case("ticker: blank", "ticker_missing", ticker="  ", ts="2026-11-20T20:57:00Z"),
    _case("ticker: a tab", "ticker_missing", ticker="\t", ts="2026-11-20T20:56:00Z"),
    _case("row: nothing", "ticker_missing", **dict.fromkeys(COLUMNS, "")),
    _case("row: header again", "ticker_format", **{column: column for column in COLUMNS}),
)

TIMES = _with(
    "ts",
    "TIME",
    (
        ("Z", TS, None),
        ("+00:00", "2026-11-20T20:58:00+00:00", None),
        ("-00:00", "2026-11-20T20:58:00-00:00", None),
        ("+0000", "2026-11-20T20:58:00+0000", None),
        ("+00", "2026-11-20T20:58:00+00", None),
        ("exchange -05:00", "2026-11-20T15:58:00-05:00", None),
        ("exchange -0500", "2026-11-20T15:58:00-0500", None),
        ("exchange -05", "2026-11-20T15:58:00-05", None),
        ("Kolkata", "2026-11-21T02:28:00+05:30", None),
        ("Kiritimati, a day later", "2026-11-21T10:58:00+14:00", None),
        ("largest offset", "2026-11-21T14:58:00+18:00", None),
        ("blank for T", "2026-11-20 20:58:00Z", None),
        ("blank before the offset", "2026-11-20 15:58:00 -05:00", None),
        ("blank before Z", "2026-11-20T20:58:00 Z", None),
        ("no seconds", "2026-11-20T20:58Z", None),
        ("no seconds, offset", "2026-11-20T15:58-05:00", None),
        ("fraction of zeros", "2026-11-20T20:58:00.000Z", None),
        ("nine zeros", "2026-11-20T20:58:00.000000000Z", None),
        ("blanks around", "  2026-11-20T20:58:00Z ", None),
        ("empty", "", "ts_missing"),
        ("blank", "   ", "ts_missing"),
        ("naive", "2026-11-20T20:58:00", "ts_naive"),
        ("naive, blank for T", "2026-11-20 15:58:00", "ts_naive"),
        ("naive, no seconds", "2026-11-20T15:58", "ts_naive"),
        ("naive, fraction", "2026-11-20T20:58:00.000000", "ts_naive"),
        ("naive, no such day", "2026-02-30T14:30:00", "ts_naive"),
        ("small z", "2026-11-20T20:58:00z", "ts_format"),
        ("small t", "2026-11-20t20:58:00Z", "ts_format"),
        ("UTC by name", "2026-11-20T20:58:00UTC", "ts_format"),
        ("zone's short name", "2026-11-20 15:58:00 EST", "ts_format"),
        ("zone's name", "2026-11-20T15:58:00 America/New_York", "ts_format"),
        ("offset and zone", "2026-11-20T15:58:00-05:00[America/New_York]", "ts_format"),
        ("GMT and an offset", "2026-11-20T15:58:00GMT-5", "ts_format"),
        ("one-digit offset", "2026-11-20T15:58:00-5:00", "ts_format"),
        ("offset beyond 18 hours", "2026-11-20T20:58:00+18:01", "ts_format"),
        ("offset of 99 hours", "2026-11-20T20:58:00+99:99", "ts_format"),
        ("offset of 60 minutes", "2026-11-20T15:58:00-05:60", "ts_format"),
        ("offset with seconds", "2026-11-20T15:58:00-05:00:00", "ts_format"),
        ("two offsets", "2026-11-20T20:58:00ZZ", "ts_format"),
        ("two blanks before Z", "2026-11-20T20:58:00  Z", "ts_format"),
        ("minus sign", "2026-11-20T15:58:00\u221205:00", "ts_format"),
        ("line separator at the end", "2026-11-20T20:58:00Z\u2028", "ts_format"),
        ("24:00:00", "2026-11-20T24:00:00Z", "ts_format"),
        ("25 hours", "2026-11-20T25:30:00Z", "ts_format"),
        ("60 minutes", "2026-11-20T20:60:00Z", "ts_format"),
        ("leap second", "2026-11-20T20:58:60Z", "ts_format"),
        ("30 February", "2026-02-30T14:30:00Z", "ts_format"),
        ("29 February of a common year", "2026-02-29T14:30:00Z", "ts_format"),
        ("31 November", "2026-11-31T14:30:00Z", "ts_format"),
        ("month 13", "2026-13-01T14:30:00Z", "ts_format"),
        ("day 0", "2026-11-00T14:30:00Z", "ts_format"),
        ("date alone", "2026-11-20", "ts_format"),
        ("date and Z", "2026-11-20Z", "ts_format"),
        ("time alone", "20:58:00Z", "ts_format"),
        ("hour alone", "2026-11-20T20Z", "ts_format"),
        ("basic form", "20261120T205800Z", "ts_format"),
        ("week date", "2026-W47-5T20:58:00Z", "ts_format"),
        ("American", "11/20/2026 03:58 PM", "ts_format"),
        ("European", "20.11.2026 20:58:00", "ts_format"),
        ("slashes", "2026/11/20T20:58:00Z", "ts_format"),
        ("one-digit hour", "2026-11-20T9:30:00Z", "ts_format"),
        ("point without a fraction", "2026-11-20T20:58:00.Z", "ts_format"),
        ("comma fraction", "2026-11-20T20:58:00,000Z", "ts_format"),
        ("ten decimals", "2026-11-20T20:58:00.0000000000Z", "ts_format"),
        ("epoch seconds", "1795208280", "ts_format"),
        ("epoch milliseconds", "1795208280000", "ts_format"),
        ("epoch nanoseconds", "1795208280000000000", "ts_format"),
        ("epoch with a fraction", "1795208280.0", "ts_format"),
        ("epoch in scientific form", "1.79520828e9", "ts_format"),
        ("Excel's day", "46346.8736111111", "ts_format"),
        ("milliseconds read as seconds", "57983-01-01T00:00:00Z", "ts_format"),
        ("signed year", "+2026-11-20T20:58:00Z", "ts_format"),
        ("two-digit year", "26-11-20T20:58:00Z", "ts_format"),
        ("full-width digits", "\uff12026-11-20T20:58:00Z", "ts_format"),
        ("word", "now", "ts_format"),
        ("null", "null", "ts_format"),
        ("NaT", "NaT", "ts_format"),
        ("year 1", "0001-01-01T00:00:00Z", "ts_early"),
        ("year 1900", "1900-01-02T14:30:00Z", "ts_early"),
        ("epoch 0", "1970-01-01T00:00:00Z", "ts_early"),
        ("last moment before 1990", "1989-12-31T23:59:00Z", "ts_early"),
        ("first moment of 1990", "1990-01-01T00:00:00Z", "outside_session"),
        ("5 minutes ahead", "2026-11-30T02:05:00Z", "outside_session"),
        ("6 minutes ahead", "2026-11-30T02:06:00Z", "ts_future"),
        ("the next session", "2026-11-30T14:30:00Z", "ts_future"),
        ("offset of the wrong sign", "2026-11-29T14:58:00-12:00", "ts_future"),
        ("year 2099", "2099-01-02T14:30:00Z", "ts_future"),
        ("year 9999", "9999-12-31T23:59:00Z", "ts_future"),
        ("year 10000 in UTC", "9999-12-31T23:59:00-05:00", "ts_future"),
        ("1 second off", "2026-11-20T20:58:01Z", "ts_grid"),
        ("59.999 seconds off", "2026-11-20T20:58:59.999Z", "ts_grid"),
        ("1 microsecond off", "2026-11-20T20:58:00.000001Z", "ts_grid"),
        ("half a second, offset", "2026-11-20T15:58:00.5-05:00", "ts_grid"),
    ),
)

SESSIONS = _with(
    "ts",
    "DAY",
    (
        ("03:59, before pre", "2026-11-20T08:59:00Z", "outside_session"),
        ("04:00, first of pre", "2026-11-20T09:00:00Z", None),
        ("09:29, last of pre", "2026-11-20T14:29:00Z", None),
        ("09:30, first of regular", "2026-11-20T14:30:00Z", None),
        ("15:59, last of regular", "2026-11-20T20:59:00Z", None),
        ("16:00, closing auction", "2026-11-20T21:00:00Z", None),
        ("16:01, first of post", "2026-11-20T21:01:00Z", None),
        ("19:59, last of post", "2026-11-21T00:59:00Z", None),
        ("20:00, after post", "2026-11-21T01:00:00Z", "outside_session"),
        ("midnight", "2026-11-20T05:00:00Z", "outside_session"),
        ("exchange time called UTC", "2026-11-20T04:00:00Z", "outside_session"),
        ("Saturday", "2026-11-21T15:00:00Z", "outside_session"),
        ("Sunday", "2026-11-22T15:00:00Z", "outside_session"),
        ("Thanksgiving", "2026-11-26T15:00:00Z", "outside_session"),
        ("Good Friday", "2026-04-03T15:00:00Z", "outside_session"),
        ("Independence Day, observed", "2026-07-03T15:00:00Z", "outside_session"),
        ("day of mourning", "2025-01-09T15:00:00Z", "outside_session"),
        ("hurricane", "2012-10-29T15:00:00Z", "outside_session"),
        ("attack", "2001-09-12T15:00:00Z", "outside_session"),
        ("early close, 03:59", "2026-11-27T08:59:00Z", "outside_session"),
        ("early close, 04:00", "2026-11-27T09:00:00Z", None),
        ("early close, 12:59", "2026-11-27T17:59:00Z", None),
        ("early close, 13:00", "2026-11-27T18:00:00Z", None),
        ("early close, 13:01", "2026-11-27T18:01:00Z", None),
        ("early close, 16:30", "2026-11-27T21:30:00Z", None),
        ("early close, 19:59", "2026-11-28T00:59:00Z", None),
        ("early close, 20:00", "2026-11-28T01:00:00Z", "outside_session"),
        ("last day of summer time, 03:59", "2026-10-30T07:59:00Z", "outside_session"),
        ("last day of summer time, 04:00", "2026-10-30T08:00:00Z", None),
        ("last day of summer time, 19:59", "2026-10-30T23:59:00Z", None),
        ("last day of summer time, 20:00", "2026-10-31T00:00:00Z", "outside_session"),
        ("night of the change", "2026-11-01T06:30:00Z", "outside_session"),
        ("first day of winter time, 03:00", "2026-11-02T08:00:00Z", "outside_session"),
        ("first day of winter time, 04:00", "2026-11-02T09:00:00Z", None),
        ("first day of winter time, 19:59", "2026-11-03T00:59:00Z", None),
        ("first day of summer time, 03:59", "2026-03-09T07:59:00Z", "outside_session"),
        ("first day of summer time, 04:00", "2026-03-09T08:00:00Z", None),
        (
            "last day of winter time, 04:00 in summer time",
            "2026-03-06T08:00:00Z",
            "outside_session",
        ),
    ),
)

ONE_PRICE = _with(
    "open",
    "OPEN",
    (
        ("point first", ".10025e3", None),
        ("point last", "100.", None),
        ("plus", "+100.25", None),
        ("scientific", "1.0025e2", None),
        ("scientific, capital and plus", "1.0025E+02", None),
        ("leading zeros", "000100.25", None),
        ("17 digits", "100.25000000000001", None),
        ("32-bit noise", "100.25000762939453", None),
        ("blanks around", " 100.25 ", None),
        ("noise above the high", "101.50004", None),
        ("noise below the low", "99.74996", None),
        ("empty", "", "price_missing"),
        ("blank", "  ", "price_missing"),
        ("NaN", "NaN", "price_finite"),
        ("nan", "nan", "price_finite"),
        ("NAN", "NAN", "price_finite"),
        ("+NaN", "+NaN", "price_finite"),
        ("-nan", "-nan", "price_finite"),
        ("inf", "inf", "price_finite"),
        ("Inf", "Inf", "price_finite"),
        ("+inf", "+inf", "price_finite"),
        ("-inf", "-inf", "price_finite"),
        ("Infinity", "Infinity", "price_finite"),
        ("-INFINITY", "-INFINITY", "price_finite"),
        ("beyond double", "1e309", "price_finite"),
        ("beyond double, negative", "-1e999", "price_finite"),
        ("four-digit exponent", "1e1000", "price_format"),
        ("NaN with a payload", "nan(0x1)", "price_format"),
        ("Microsoft's infinity", "1.#INF", "price_format"),
        ("infinity sign", "\u221e", "price_format"),
        ("not available", "#N/A", "price_format"),
        ("null", "null", "price_format"),
        ("None", "None", "price_format"),
        ("true", "true", "price_format"),
        ("word", "abc", "price_format"),
        ("hyphen", "-", "price_format"),
        ("Java's double", "1.0d", "price_format"),
        ("Java's float", "100.25f", "price_format"),
        ("Java's hexadecimal", "0x1.9p6", "price_format"),
        ("hexadecimal", "0x64", "price_format"),
        ("thousands", "1,234.5", "price_format"),
        ("decimal comma", "100,25", "price_format"),
        ("blank thousands", "1 234.5", "price_format"),
        ("no-break thousands", "1\u00a0234.5", "price_format"),
        ("underscore", "1_00.25", "price_format"),
        ("apostrophe", "1'234.5", "price_format"),
        ("dollars", "$100.25", "price_format"),
        ("currency after", "100.25 USD", "price_format"),
        ("percent", "100.25%", "price_format"),
        ("fraction", "100 1/4", "price_format"),
        ("bookkeeper's minus", "(100.25)", "price_format"),
        ("minus sign", "\u2212100.25", "price_format"),
        ("two points", "100.2.5", "price_format"),
        ("two signs", "--100.25", "price_format"),
        ("point alone", ".", "price_format"),
        ("exponent without digits", "1e", "price_format"),
        ("exponent alone", "e2", "price_format"),
        ("full-width digits", "\uff11\uff10\uff10", "price_format"),
        ("Arabic digits", "\u0661\u0660\u0660", "price_format"),
        ("formula", "=100.25", "price_format"),
        ("quote", '"100.25"', "price_format"),
        ("line separator at the end", "100.25\u2028", "price_format"),
        ("5,000 digits", "1" * 5_000, "price_finite"),
        ("zero", "0", "price_positive"),
        ("zeros", "0.000", "price_positive"),
        ("minus zero", "-0", "price_positive"),
        ("minus zero, decimal", "-0.0", "price_positive"),
        ("below double", "1e-400", "price_positive"),
        ("rounds to zero", "0.00004", "price_positive"),
        ("negative", "-100.25", "price_positive"),
        ("negative, huge", "-1e308", "price_positive"),
        ("a cent too much", "10000000.01", "price_range"),
        ("largest double", "1.7976931348623157e308", "price_range"),
        ("1e308", "1e308", "price_range"),
        ("times 100", "10025", "high_highest"),
        ("divided by 100", "1.0025", "low_lowest"),
    ),
)

_FOUR = ("open", "high", "low", "close")


def _ordered(order: Sequence[int]) -> str | None:
    _, high, low, _ = order
    if high != max(order):
        return "high_highest"
    return None if low == min(order) else "low_lowest"


def _prices(name: str, rule: str | None, ticker: str, *texts: str) -> Case:
    return _case(f"prices: {name}", rule, ticker=ticker, **dict(zip(_FOUR, texts, strict=True)))


PRICES = (
    *(
        _prices(
            f"order {order}",
            _ordered(order),
            f"ORDER{i:02d}",
            *(f"{100 + place}.25" for place in order),
        )
        for i, order in enumerate(permutations(range(4)))
    ),
    *(
        _case(f"only {price}: NaN", "price_finite", ticker=f"NAN{price.upper()}", **{price: "NaN"})
        for price in _FOUR
    ),
    *(
        _case(
            f"only {price}: 1e308", "price_range", ticker=f"HUGE{price.upper()}", **{price: "1e308"}
        )
        for price in _FOUR
    ),
    *(
        _case(f"only {price}: 0", "price_positive", ticker=f"ZERO{price.upper()}", **{price: "0"})
        for price in _FOUR
    ),
    *(
        _case(f"only {price}: empty", "price_missing", ticker=f"NONE{price.upper()}", **{price: ""})
        for price in _FOUR
    ),
    _prices("all equal", None, "EQUAL", *["100.25"] * 4),
    _prices("open = low, close = high", None, "TOUCH", "100", "101", "100", "101"),
    _prices("all NaN", "price_finite", "NANALL", *["NaN"] * 4),
    _prices("all infinite", "price_finite", "INFALL", *["Infinity"] * 4),
    _prices("all zero", "price_positive", "ZEROALL", *["0"] * 4),
    _prices("all 1e308", "price_range", "HUGEALL", *["1e308"] * 4),
    _prices("the most", None, "MOST", *["10000000"] * 4),
    _prices("the least", None, "LEAST", *["0.0001"] * 4),
    _prices("rounds up to the least", None, "LEASTUP", *["0.00005"] * 4),
    _prices("high and low swapped", "high_highest", "SWAPPED", "100.25", "99.75", "101.5", "100.5"),
    _prices("open and volume swapped", "high_highest", "SHIFTED", "1200", "101.5", "99.75", "100"),
    _prices("a sub-penny high", None, "SUBPENNY", "100.2501", "100.2502", "100.25", "100.2502"),
    _prices("around 1,000", None, "THOUSAND", "999.99994", "1000.004", "999.9999", "1000.0"),
    # No row tells its unit: what stands beside it does, at the gate.
    _prices("all a hundred times", None, "CENTS", "10025", "10150", "9975", "10050"),
    _prices(
        "all a hundred times, of the dearest share",
        "price_range",
        "CENTSDEAR",
        *("75000000", "75100000", "74900000", "75050000"),
    ),
)

VOLUMES = _with(
    "volume",
    "VOL",
    (
        ("zero", "0", None),
        ("minus zero", "-0", None),
        ("one", "1", None),
        ("decimal zeros", "100.0", None),
        ("point last", "100.", None),
        ("scientific", "1e2", None),
        ("scientific, point", "1.2E+3", None),
        ("whole in scientific form", "25e1", None),
        ("negative exponent, whole", "1200e-2", None),
        ("plus", "+100", None),
        ("leading zeros", "000100", None),
        ("blanks around", " 100 ", None),
        ("the most", "1000000000000", None),
        ("empty", "", "volume_missing"),
        ("blank", " ", "volume_missing"),
        ("3.7", "3.7", "volume_format"),
        ("-3.7", "-3.7", "volume_format"),
        ("half", ".5", "volume_format"),
        ("scientific, not whole", "25e-1", "volume_format"),
        ("small", "1e-2", "volume_format"),
        ("a millionth more", "100.000001", "volume_format"),
        ("NaN", "NaN", "volume_format"),
        ("inf", "inf", "volume_format"),
        ("-Infinity", "-Infinity", "volume_format"),
        ("null", "null", "volume_format"),
        ("true", "TRUE", "volume_format"),
        ("word", "many", "volume_format"),
        ("thousands", "1,200", "volume_format"),
        ("blank thousands", "1 200", "volume_format"),
        ("underscore", "1_200", "volume_format"),
        ("in thousands", "1.2K", "volume_format"),
        ("in millions", "3M", "volume_format"),
        ("shares", "1200 shares", "volume_format"),
        ("hexadecimal", "0x64", "volume_format"),
        ("Java's long", "100L", "volume_format"),
        ("Java's double", "100d", "volume_format"),
        ("full-width digits", "\uff11\uff10\uff10", "volume_format"),
        ("exponent without digits", "1e", "volume_format"),
        ("-1", "-1", "volume_range"),
        ("-1.0", "-1.0", "volume_range"),
        ("one too many", "1000000000001", "volume_range"),
        ("2^53 + 1", "9007199254740993", "volume_range"),
        ("2^62", "4611686018427387904", "volume_range"),
        ("2^63 - 1", "9223372036854775807", "volume_range"),
        ("2^63", "9223372036854775808", "volume_range"),
        ("-2^63", "-9223372036854775808", "volume_range"),
        ("-2^63 - 1", "-9223372036854775809", "volume_range"),
        ("2^64", "18446744073709551616", "volume_range"),
        ("1e18", "1e18", "volume_range"),
        ("1e30", "1e30", "volume_range"),
        ("-1e30", "-1e30", "volume_range"),
        ("31 digits", "1" * 31, "volume_range"),
    ),
)

KNOWLEDGE = _with(
    "fetched_at",
    "KNOWN",
    (
        ("as soon as it is settled", "2026-11-20T21:19:00Z", None),
        ("next day", "2026-11-21T02:00:00Z", None),
        ("exchange time", "2026-11-20T21:00:00-05:00", None),
        ("no seconds", "2026-11-21T02:00Z", None),
        ("microseconds", "2026-11-21T02:00:00.123456Z", None),
        ("blanks around", " 2026-11-21T02:00:00Z ", None),
        ("blank", "  ", None),
        ("now", "2026-11-30T02:00:00Z", None),
        ("naive", "2026-11-21T02:00:00", "fetched_at_format"),
        ("date alone", "2026-11-21", "fetched_at_format"),
        ("small z", "2026-11-21T02:00:00z", "fetched_at_format"),
        ("no such day", "2026-02-30T02:00:00Z", "fetched_at_format"),
        ("24:00:00", "2026-11-20T24:00:00Z", "fetched_at_format"),
        ("epoch seconds", "1795226400", "fetched_at_format"),
        ("word", "yesterday", "fetched_at_format"),
        ("null", "null", "fetched_at_format"),
        ("the day before", "2026-11-19T20:58:00Z", "ts_future"),
        ("5 minutes and a second before", "2026-11-20T20:52:59Z", "ts_future"),
        ("epoch 0", "1970-01-01T00:00:00Z", "ts_future"),
        ("5 minutes and a second ahead", "2026-11-30T02:05:01Z", "fetched_at_future"),
        ("year 2099", "2099-01-01T00:00:00Z", "fetched_at_future"),
        ("year 9999", "9999-12-31T23:59:59Z", "fetched_at_future"),
    ),
)

_FIRST_WINS = (
    ("ticker_missing", {"ticker": "", "ts": "2026-11-20T20:58:00"}),
    ("ticker_missing", {"ticker": "", "ts": "now", "volume": "-1"}),
    ("ticker_format", {"ticker": "a/b/c", "ts": ""}),
    ("ts_missing", {"ts": "", "open": "NaN"}),
    ("ts_naive", {"ts": "2026-11-20T20:58:00", "fetched_at": "x"}),
    ("ts_format", {"ts": "1795208280", "open": ""}),
    ("fetched_at_format", {"fetched_at": "x", "ts": "2099-01-02T14:30:00Z"}),
    ("price_missing", {"open": "NaN", "high": ""}),
    ("price_finite", {"open": "abc", "high": "NaN"}),
    ("price_format", {"open": "abc", "volume": ""}),
    ("price_format", {"open": "abc", "high": "-1"}),
    ("volume_missing", {"volume": "", "ts": "1970-01-01T00:00:00Z"}),
    ("volume_format", {"volume": "3.7", "open": "-1"}),
    ("ts_early", {"ts": "1970-01-01T00:00:01Z", "open": "-1"}),
    ("ts_future", {"ts": "2099-01-03T14:30:00Z", "volume": "-1"}),
    ("fetched_at_future", {"fetched_at": "2099-01-01T00:00:00Z", "high": "0"}),
    ("price_positive", {"open": "-1", "high": "1e308"}),
    ("price_range", {"high": "1e308", "volume": "-1"}),
    ("volume_range", {"volume": "-1", "high": "1"}),
    ("high_highest", {"high": "99", "low": "102"}),
    ("low_lowest", {"low": "101", "ts": "2026-11-20T20:58:30Z"}),
    ("ts_grid", {"ts": "2026-11-21T15:00:30Z"}),
    ("outside_session", {"ts": "2026-11-22T15:00:00Z", "volume": "0"}),
)
SEVERAL_FAULTS = tuple(
    _case(f"several faults: {i} {rule}", rule, **({"ticker": f"MANY{i:02d}"} | texts))
    for i, (rule, texts) in enumerate(_FIRST_WINS)
)


def _again(first: Case, name: str, fate: Fate, rule: str | None = None, **texts: str) -> Case:
    """Repeat a case's row in the same delivery, with other texts."""
    return Case(
        name=f"repeat: {name}",
        fate=fate,
        rule=rule,
        row=(first.row or {}) | texts,
        repeats=first.name,
    )


_TWICE = _case("first of equal rows", None, ticker="TWICE")
_NOISE = _case("first of rows equal but for noise", None, ticker="NOISE")
_SPELT = _case("first of rows spelt otherwise", None, ticker="SPELT")
_BROKEN = _case("first of equal broken rows", "price_finite", ticker="BROKEN", open="NaN")
_MENDED = _case("broken row with a good one", "volume_range", ticker="MENDED", volume="-1")
_CLOSE = _case("first of rows with two closes", "conflicting_duplicate", ticker="CLOSES")
_VOLUME = _case("first of rows with two volumes", "conflicting_duplicate", ticker="VOLUMES")
_THRICE = _case("first of three rows", "conflicting_duplicate", ticker="THRICE")
REPEATS = (
    _TWICE,
    _again(_TWICE, "equal", "duplicate"),
    _again(_TWICE, "equal, a third time", "duplicate"),
    _NOISE,
    _again(_NOISE, "32-bit noise", "duplicate", open="100.25000762939453"),
    _SPELT,
    _again(_SPELT, "another offset", "duplicate", ts="2026-11-20T15:58:00-05:00"),
    _again(_SPELT, "other numerals", "duplicate", open="1.0025e2", volume="1200.0"),
    _BROKEN,
    _again(_BROKEN, "equal and broken", "duplicate"),
    _MENDED,
    _again(_MENDED, "the good one of two", "silver", volume="1"),
    _CLOSE,
    _again(_CLOSE, "another close", "quarantine", "conflicting_duplicate", close="100.75"),
    _VOLUME,
    _again(_VOLUME, "another volume", "quarantine", "conflicting_duplicate", volume="0"),
    _THRICE,
    _again(_THRICE, "equal to a contradicted one", "duplicate"),
    _again(_THRICE, "contradicts two", "quarantine", "conflicting_duplicate", close="100.75"),
)

BEYOND_SIX_DECIMALS: tuple[Case, ...] = (
    *_with(
        "ts",
        "NANO",
        (("1 nanosecond off", "2026-11-20T20:58:00.000000001Z", "ts_grid"),),
    ),
    *_with(
        "volume",
        "TINY",
        (
            ("a ten-millionth more", "100.0000001", "volume_format"),
            ("a ten-millionth", "1e-7", "volume_format"),
            ("33 digits", "1" * 33, "volume_range"),
            ("1e38", "1e38", "volume_range"),
            ("1e300", "1e300", "volume_range"),
        ),
    ),
)

CASES: tuple[Case, ...] = (
    *STRUCTURE,
    *TICKERS,
    *TIMES,
    *SESSIONS,
    *ONE_PRICE,
    *PRICES,
    *VOLUMES,
    *KNOWLEDGE,
    *SEVERAL_FAULTS,
    *REPEATS,
    *BEYOND_SIX_DECIMALS,
)

_SERVED_TICKERS = {case.row["ticker"].strip(" \t") for case in CASES if case.row}
ASKED = frozenset(t for t in _SERVED_TICKERS - {NOT_ASKED} if re.fullmatch(TICKER, t))
"""What the run asks for: every ticker that is one, but for NOT_ASKED."""
