"""What is missing -> requests."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.model import ops, silver
from barlake.model.landed import OF_MINUTES
from barlake.pipelines.asked import in_fair_order, unknown
from barlake.settings import SourceSettings
from barlake.sources.requests import requests_over
from barlake.sources.source import Request


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


def set_aside(lake: Lake, settings: SourceSettings) -> set[str]:
    """Give the tickers that the vendor did not know of late; they are asked for again later."""
    since = lake.now - timedelta(days=settings.unknown_days)
    recent = lake.read(ops.REQUESTS, F.col("received_at") >= F.lit(since)).where(OF_MINUTES)
    asked = recent.where(F.col("source") != "files").select("ticker", "received_at", "outcome")
    return unknown(arrow.rows(asked))


def plan_range(
    settings: SourceSettings, tickers: Iterable[str], start: date, end: date
) -> list[Request]:
    """Ask for every session of a range, held or not."""
    days = calendar.between(start, end)
    return [
        request
        for ticker in tickers
        for request in requests_over(ticker, days, settings.sessions_per_request)
    ]
