"""What is missing -> requests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.model import ops, silver
from barlake.model.landed import OF_MINUTES
from barlake.pipelines.asked import in_fair_order, unknown
from barlake.sections import SourceSettings
from barlake.sources.requests import requests_over
from barlake.sources.source import Request

_SAID = ("ticker", "received_at", "outcome", "detail")


def plan(lake: Lake, settings: SourceSettings, tickers: Sequence[str]) -> list[Request]:
    """Ask for every session that the vendor still has and the lake has not settled.

    The last sessions are read again, so that corrections arrive; so is a session of which nothing
    was ever seen. Soonest to expire first.
    """
    first = (lake.now - timedelta(days=settings.horizon_days)).date()
    days = [
        day
        for day in calendar.closed_before(lake.now, settings.horizon_days)
        if day.first >= lake.now - timedelta(days=settings.horizon_days)
    ]
    is_held = F.col("is_settled") & (F.col("observed") > 0) & (F.col("session_date") >= first)
    settled = lake.read(silver.COVERAGE).where(is_held)
    held = {(r["ticker"], r["session_date"]) for r in arrow.rows(settled)}
    again = {day.session_date for day in days[-settings.reread_sessions :]}
    wanted = (
        request
        for ticker in tickers
        for request in requests_over(
            ticker,
            [d for d in days if d.session_date in again or (ticker, d.session_date) not in held],
            settings.sessions_per_request,
        )
    )
    return in_fair_order(wanted, lake.now.date())


def set_aside(lake: Lake, settings: SourceSettings) -> dict[str, str]:
    """Give the tickers that the vendor did not know of late, each with what it said.

    They are asked for again later.
    """
    since = lake.now - timedelta(days=settings.unknown_days)
    recent = lake.read(ops.REQUESTS, F.col("received_at") >= F.lit(since)).where(OF_MINUTES)
    asked = recent.where(F.col("source") != "files").select(*_SAID)
    return unknown(arrow.rows(asked))


def plan_range(
    settings: SourceSettings, tickers: Iterable[str], start: date, end: date
) -> list[Request]:
    """Ask for every session of a range, held or not."""
    return _over(settings, tickers, calendar.between(start, end))


@dataclass(frozen=True, slots=True)
class InReach:
    """What of a range a vendor still has, as requests, and what it has lost.

    `lost` holds, by session, the tickers of which the lake holds nothing, as JSON says it.
    """

    requests: list[Request]
    lost: list[dict[str, Any]]


def plan_in_reach(
    lake: Lake, settings: SourceSettings, tickers: Sequence[str], start: date, end: date
) -> InReach:
    """Ask for the sessions of a range that a vendor still has, soonest to expire first."""
    oldest = lake.now - timedelta(days=settings.horizon_days)
    days = calendar.between(start, end)
    requests = _over(settings, tickers, [day for day in days if day.first >= oldest])
    gone = [day.session_date for day in days if day.first < oldest]
    return InReach(in_fair_order(requests, lake.now.date()), _lost(lake, tickers, gone))


def seen_before(lake: Lake) -> set[str]:
    """Give the tickers of which a bar was ever observed."""
    seen = lake.read(silver.COVERAGE).where("observed > 0").select("ticker").distinct()
    return {row["ticker"] for row in arrow.rows(seen)}


def _lost(lake: Lake, tickers: Sequence[str], gone: Sequence[date]) -> list[dict[str, Any]]:
    if not gone:
        return []
    of_these = F.col("session_date").isin(list(gone)) & (F.col("observed") > 0)
    known = lake.read(silver.COVERAGE).where(of_these).select("ticker", "session_date")
    held = {(row["ticker"], row["session_date"]) for row in arrow.rows(known)}
    lacking = {day: [name for name in tickers if (name, day) not in held] for day in gone}
    return [{"session": f"{day}", "tickers": names} for day, names in lacking.items() if names]


def _over(
    settings: SourceSettings, tickers: Iterable[str], days: Sequence[calendar.Session]
) -> list[Request]:
    return [
        request
        for ticker in tickers
        for request in requests_over(ticker, days, settings.sessions_per_request)
    ]
