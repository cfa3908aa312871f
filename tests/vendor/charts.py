"""Yahoo's chart answers, made from bars."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from barlake import calendar
from barlake.calendar import Session

# Epoch seconds of the minute's start; open, high, low, close; volume. None is null.
Row = tuple[int, float | None, float | None, float | None, float | None, int | None]


@dataclass(frozen=True, slots=True)
class Events:
    """What happened to a ticker's shares, by the second at which it took effect."""

    splits: tuple[tuple[int, int, int], ...] = ()  # second, new shares, old shares
    dividends: tuple[tuple[int, float], ...] = ()

    def between(self, start: int, end: int) -> "Events":
        """Keep those of [start, end)."""
        return Events(
            splits=tuple(split for split in self.splits if start <= split[0] < end),
            dividends=tuple(paid for paid in self.dividends if start <= paid[0] < end),
        )


def day_of(session_date: date, *, base: float = 100.0) -> list[Row]:
    """Give every regular minute of a session, and the auction's, each a little different."""
    [session] = calendar.between(session_date, session_date)
    opened = int(session.open_utc.timestamp())
    return [
        bar(opened + 60 * minute, base + minute % 37 / 100) for minute in range(session.minutes + 1)
    ]


def bar(ts: int, close: float) -> Row:
    """Give one bar around its close."""
    return ts, close - 0.01, close + 0.03, close - 0.05, close, 1_000 + ts // 60 % 97


def null(ts: int) -> Row:
    """Give a minute that is there, and holds nothing."""
    return ts, None, None, None, None, None


def spans_of(rows: list[Row], interval: str) -> list[Row]:
    """Give one bar a session, or a quarter, stamped as its first, made of bars without a null."""
    spans: dict[tuple[int, ...], list[Row]] = {}
    for row in rows:
        at = datetime.fromtimestamp(row[0], UTC)
        day = (at.year, at.month, at.day)
        spans.setdefault(day if interval == "1d" else (at.year, at.month // 3), []).append(row)
    return [
        (
            held[0][0],
            held[0][1],
            max(row[2] or 0 for row in held),
            min(row[3] or 0 for row in held),
            held[-1][4],
            sum(row[5] or 0 for row in held),
        )
        for held in spans.values()
    ]


def chart(
    ticker: str, rows: list[Row], events: Events | None = None, *, interval: str = "1m"
) -> dict[str, Any]:
    """Give the answer that holds these rows, in this order."""
    result: dict[str, Any] = {"meta": _meta(ticker, rows), "indicators": {"quote": [{}]}}
    if rows:
        names = ("open", "high", "low", "close", "volume")
        columns = {name: [row[at] for row in rows] for at, name in enumerate(names, start=1)}
        result |= {"timestamp": [row[0] for row in rows], "indicators": {"quote": [columns]}}
    if interval != "1m":
        del result["meta"]["tradingPeriods"]
        result["meta"]["dataGranularity"] = interval
        result["indicators"]["adjclose"] = [{"adjclose": [row[4] for row in rows]}]
    if events:
        result["events"] = _events(events)
    return {"chart": {"result": [result], "error": None}}


def error(code: str, description: str) -> dict[str, Any]:
    """Give Yahoo's own error."""
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def _events(events: Events) -> dict[str, Any]:
    splits = {
        str(at): {"date": at, "numerator": new, "denominator": old, "splitRatio": f"{new}:{old}"}
        for at, new, old in events.splits
    }
    dividends = {str(at): {"date": at, "amount": amount} for at, amount in events.dividends}
    return {"splits": splits, "dividends": dividends}


def _meta(ticker: str, rows: list[Row]) -> dict[str, Any]:
    stamps = [datetime.fromtimestamp(row[0], UTC) for row in rows] or [
        datetime(2026, 11, 20, tzinfo=UTC)
    ]
    days = calendar.between(stamps[0].date(), stamps[-1].date())
    spans = {
        "pre": [[_span(day.first, day.open_utc)] for day in days],
        "regular": [[_span(day.open_utc, day.close_utc)] for day in days],
        "post": [[_span(day.close_utc, day.last)] for day in days],
    }
    return {
        "currency": "USD",
        "symbol": ticker,
        "exchangeName": "NMS",
        "instrumentType": "EQUITY",
        "gmtoffset": -18_000,
        "timezone": "EST",
        "exchangeTimezoneName": calendar.EXCHANGE_ZONE,
        "regularMarketTime": int(stamps[-1].timestamp()),
        "regularMarketPrice": 100.0,
        "priceHint": 2,
        "currentTradingPeriod": {name: parts[-1][0] for name, parts in spans.items() if parts},
        "tradingPeriods": spans,
        "dataGranularity": "1m",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "max"],
    }


def _span(start: datetime, end: datetime) -> dict[str, Any]:
    first, last = int(start.timestamp()), int(end.timestamp())
    return {"timezone": "EST", "start": first, "end": last, "gmtoffset": -18_000}


def sessions(first: date, last: date) -> list[Session]:
    """Give the sessions of a range."""
    return calendar.between(first, last)
