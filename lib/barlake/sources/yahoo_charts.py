"""One ticker's chart from Yahoo, through yfinance: what it remembers and hides is switched off."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yfinance
from yfinance.cache import get_tz_cache
from yfinance.data import YfData

from barlake.calendar import EXCHANGE_ZONE
from barlake.sections import YahooSettings
from barlake.sources.yahoo_answers import unsaid_volumes
from barlake.sources.yahoo_events import Event, events_of
from barlake.sources.yahoo_session import CountedSession

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Chart:
    """What was served: yfinance's frame, and the stamps whose volume it made up."""

    frame: "pd.DataFrame"
    unsaid: frozenset[int]


class Charts:
    """Yahoo's charts, one at a time.

    Args:
        settings: Of the connection.
        leave: Called before each request; waits, or raises where none may go out.
        cache: Folder for what yfinance remembers: cookies, and tickers' time zones.
    """

    def __init__(self, settings: YahooSettings, *, leave: Callable[[], None], cache: Path) -> None:
        self._session = CountedSession(
            leave=leave,
            timeout=settings.timeout_seconds,
            proxies={"all": settings.proxy} if settings.proxy else None,
            verify=str(settings.ca_file) if settings.ca_file else True,
        )
        cache.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(cache))
        # Otherwise a failure is an empty frame, and a line in a log.
        yfinance.config.debug.hide_exceptions = False

    @property
    def sent(self) -> int:
        """Requests that went out so far, whoever made them."""
        return self._session.sent

    @property
    def status(self) -> int | None:
        """HTTP status of the newest chart; None where none came."""
        answer = self._session.chart
        return None if answer is None else answer.status_code

    def bars(self, ticker: str, start: datetime, end: datetime, *, interval: str) -> Chart:
        """Ask for the bars of [start, end), both with a zone.

        Raises:
            Exception: Whatever yfinance raises; `yahoo_faults` tells what it means.
        """
        frame = self._history(ticker, start, end, interval=interval)
        return Chart(frame, unsaid_volumes(self._told()))

    def events(self, ticker: str, start: datetime, end: datetime) -> list[Event]:
        """Ask for the splits and dividends of [start, end), both with a zone; in time order.

        Bars of three months are the fewest that they come with, and yfinance's frame has them on
        the bar's date: the chart itself says theirs.

        Raises:
            Exception: As `bars`.
        """
        self._history(ticker, start, end, interval="3mo")
        return events_of(self._told())

    def _told(self) -> dict[str, Any]:
        answer = self._session.chart
        if answer is None:
            raise ValueError("no chart came")
        told: dict[str, Any] = answer.json()
        return told

    def _history(
        self, ticker: str, start: datetime, end: datetime, *, interval: str
    ) -> "pd.DataFrame":
        YfData.cache_get.cache_clear()  # it remembers failures
        self._session.forget()
        asked = yfinance.Ticker(ticker, session=self._session)
        if get_tz_cache().lookup(ticker) is None:
            # It would ask for it, once a ticker. Ranges with a zone do not depend on it.
            get_tz_cache().store(ticker, EXCHANGE_ZONE)
        frame: pd.DataFrame = asked.history(
            start=start,
            end=end,
            interval=interval,
            prepost=True,
            actions=True,
            auto_adjust=False,
            repair=False,
            keepna=True,
        )
        told = asked.history_metadata.get("symbol")
        if told != ticker:
            raise ValueError(f"asked for {ticker}, answered for {told}")
        return frame
