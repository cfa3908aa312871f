"""Yahoo's bars: one ticker a question, asked patiently, each with its outcome."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from barlake.calendar import EXCHANGE_ZONE
from barlake.model.landed import Facts, Kind, Outcome
from barlake.sections import YahooSettings
from barlake.settings import CACHE
from barlake.sources.expected import empty, unserved
from barlake.sources.pace import Breaker, Budget, patiently
from barlake.sources.source import SERVED_SCHEMA, Answer, Request
from barlake.sources.yahoo_answers import rows_served
from barlake.sources.yahoo_asked import Asked, asked_of
from barlake.sources.yahoo_charts import Chart, Charts
from barlake.sources.yahoo_events import Event, rows_of_events
from barlake.sources.yahoo_faults import FailedError, Fault, judged

Found = Chart | list[Event]


class YahooSource:
    """The vendor.

    Args:
        settings: How it is asked.
        clock: Gives the instant of a question and of its answer, aware.
        budget: Of requests, shared with other processes.
        sleep: Waits for some seconds.
        cache: Folder for what yfinance remembers.
    """

    def __init__(
        self,
        *,
        settings: YahooSettings,
        clock: Callable[[], datetime],
        budget: Budget,
        sleep: Callable[[float], None],
        cache: Path,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._breaker = Breaker(
            limit=settings.refusals_max,
            pauses=settings.pauses_max,
            pause_seconds=settings.pause_seconds,
            sleep=sleep,
        )
        self._unknown: dict[str, Fault] = {}
        self._charts = Charts(settings, leave=budget.take, cache=cache)

    @property
    def name(self) -> str:
        """Give the word that bronze.bars.source keeps."""
        return "yahoo"

    @property
    def sent(self) -> int:
        """Requests that went out so far, whoever made them."""
        return self._charts.sent

    def requests(self, wanted: Sequence[Request]) -> Sequence[Request]:
        """Give what is wanted: Yahoo is asked just that."""
        return wanted

    def fetch(self, request: Request) -> Answer:
        """Ask, and ask again where that may help; a failure is an outcome.

        Raises:
            InputError: The request names no ticker or no range.
        """
        return self._answer(asked_of(request, self._clock(), Kind.MINUTES))

    def daily(self, request: Request) -> Answer:
        """Ask for one bar per session, as `fetch` does for minutes.

        Raises:
            InputError: The request names no ticker or no range.
        """
        return self._answer(asked_of(request, self._clock(), Kind.DAILY))

    def actions(self, request: Request) -> Answer:
        """Ask for a ticker's splits and dividends, as `fetch` does for minutes.

        Raises:
            InputError: The request names no ticker or no range.
        """
        return self._answer(asked_of(request, self._clock(), Kind.ACTIONS))

    def _answer(self, asked: Asked) -> Answer:
        before = self.sent
        attempts, found = self._tried(asked)
        received_at = self._clock().astimezone(UTC)
        rows = _rows(asked, found, received_at)
        if isinstance(found, Fault):
            outcome, said = found.outcome, found.said
        else:
            outcome, said = _verdict(asked, rows, received_at)
        sent = f"{self.sent - before} requests"
        facts = Facts(
            request_id=asked.request_id,
            ticker=asked.ticker,
            range_start=asked.start,
            range_end=asked.end,
            requested_at=asked.at,
            received_at=received_at,
            attempts=attempts,
            rows=rows.num_rows,
            outcome=outcome,
            detail=f"{said}; {sent}" if said else sent,
        )
        return Answer(facts=facts, rows=rows)

    def _tried(self, asked: Asked) -> tuple[int, Found | Fault]:
        """Give how often Yahoo was asked, and what came of it."""
        if asked.ticker in self._unknown:
            return 0, self._unknown[asked.ticker]
        has_paused = self._breaker.is_open and self._breaker.paused()
        if self._breaker.is_open and not has_paused:
            said = f"not asked: {self._breaker.refusals} refusals in a row"
            return 0, Fault(outcome=Outcome.RATE_LIMITED, said=said, is_passing=False)
        attempts, found = self._patiently(asked)
        is_outage = isinstance(found, Fault) and found.is_outage
        if is_outage and not has_paused and self._breaker.paused():
            return attempts + 1, self._probed(asked)
        return attempts, found

    def _patiently(self, asked: Asked) -> tuple[int, Found | Fault]:
        attempts = 0
        try:
            for attempt in patiently(self._settings, on=self._is_worth_another):
                with attempt:
                    attempts = attempt.num
                    return attempts, self._once(asked)
        except FailedError as failed:
            return attempts, failed.fault
        raise AssertionError("an attempt neither answered nor failed")

    def _probed(self, asked: Asked) -> Found | Fault:
        try:
            return self._once(asked)
        except FailedError as failed:
            return failed.fault

    def _is_worth_another(self, cause: Exception) -> bool:
        is_passing = isinstance(cause, FailedError) and cause.fault.is_passing
        return is_passing and not self._breaker.is_open

    def _once(self, asked: Asked) -> Found:
        """Ask once.

        Raises:
            FailedError: There is no payload.
        """
        try:
            found = self._found(asked)
        except Exception as cause:
            fault = judged(cause, status=self._charts.status)
            if fault.outcome is Outcome.UNKNOWN_TICKER:
                self._unknown[asked.ticker] = replace(fault, said=f"{fault.said} (as before)")
            self._breaker.saw(is_refusal=fault.is_refusal)
            raise FailedError(self._by_calendar(fault, asked)) from cause
        self._breaker.saw(is_refusal=False)
        return found

    def _found(self, asked: Asked) -> Found:
        if asked.kind is Kind.ACTIONS:
            return self._charts.events(asked.ticker, asked.start, asked.end)
        interval = "1d" if asked.kind is Kind.DAILY else "1m"
        return self._charts.bars(asked.ticker, asked.start, asked.end, interval=interval)

    def _by_calendar(self, fault: Fault, asked: Asked) -> Fault:
        """Tell an empty answer that was to be expected, which need not be asked for again."""
        if fault.outcome is not Outcome.EMPTY_UNEXPECTED:
            return fault
        outcome = empty(asked.start, min(asked.end, self._clock().astimezone(UTC)))
        is_passing = fault.is_passing and outcome is Outcome.EMPTY_UNEXPECTED
        return replace(fault, outcome=outcome, is_passing=is_passing)


def of_this_host(settings: YahooSettings, clock: Callable[[], datetime]) -> YahooSource:
    """Give the source that shares its budget with every process of this host."""
    folder = CACHE / "yahoo"
    budget = Budget(
        folder / "requests.sqlite",
        interval_ms=settings.interval_ms,
        per_day=settings.requests_per_day,
        now=time.time,
        sleep=time.sleep,
    )
    return YahooSource(
        settings=settings, clock=clock, budget=budget, sleep=time.sleep, cache=folder
    )


def _rows(asked: Asked, found: Found | Fault, received_at: datetime) -> pa.Table:
    if isinstance(found, Fault):
        return SERVED_SCHEMA.empty_table()
    same = {"request_id": asked.request_id, "ticker": asked.ticker}
    if isinstance(found, list):
        return rows_of_events(found, fetched_at=received_at, **same)
    is_daily = asked.kind is Kind.DAILY
    return rows_served(
        found.frame, fetched_at=received_at, unsaid=found.unsaid, is_daily=is_daily, **same
    )


def _verdict(asked: Asked, rows: pa.Table, received_at: datetime) -> tuple[Outcome, str]:
    """Tell whether a payload holds what the calendar lets expect."""
    if asked.kind is Kind.ACTIONS:
        return Outcome.OK, ""  # to have none is no fault
    until = min(asked.end, received_at)
    pairs = zip(rows["ts_text"].to_pylist(), rows["close_text"].to_pylist(), strict=True)
    told = [_instant(str(ts)) for ts, close in pairs if close is not None]
    if not told:
        return empty(asked.start, until), "no price in the answer"
    absent = [f"{day.session_date}" for day in unserved(asked.start, until, told)]
    if absent:
        return Outcome.PARTIAL, f"nothing of {', '.join(absent)}"
    return Outcome.OK, ""


def _instant(text: str) -> datetime:
    """Read a minute's time, or a day's: its noon, which every session holds."""
    told = datetime.fromisoformat(text)
    return told if told.tzinfo else told.replace(hour=12, tzinfo=ZoneInfo(EXCHANGE_ZONE))
