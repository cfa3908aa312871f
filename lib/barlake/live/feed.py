"""From the lake into the book: gold.vwap_stream and gold.alerts, followed by their logs."""

import time
from collections.abc import Iterable
from datetime import date, datetime
from threading import Event, Thread
from zoneinfo import ZoneInfo

import structlog

from barlake.io import delta_rs, history
from barlake.io.store import Store
from barlake.live.book import Book, Hours
from barlake.live.pulse import Pulse, pulse
from barlake.live.tail import Added, Tail
from barlake.model import ref, streamed
from barlake.sections import LiveSettings

logger = structlog.get_logger()
NEW_YORK = ZoneInfo("America/New_York")
BAR = (
    *("ticker", "ts", "bar_open", "bar_high", "bar_low", "close", "bar_volume", "bar_revision"),
    *("vwap", "cum_volume", "produced_at", "emitted_at"),
)
ALERT = ("alert_id", "ts", "ticker", "rule", "direction", "message")


class Feed:
    """Keeps a book up to date; `session` is the one it shows, None the newest that there is."""

    def __init__(self, store: Store, settings: LiveSettings, session: date | None) -> None:
        self.book = Book()
        self.fault: str | None = None
        self._store = store
        self._settings = settings
        self._wanted = session
        self._bars = Tail(store, streamed.VWAP_STREAM, BAR)
        self._alerts = Tail(store, streamed.ALERTS, ALERT)
        self._is_begun = False
        self._ended = Event()
        self._thread = Thread(target=self._follow, name="feed", daemon=True)

    @property
    def is_ended(self) -> bool:
        """Tell whether it was stopped."""
        return self._ended.is_set()

    def start(self) -> None:
        """Follow from now on, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def pulse(self) -> Pulse:
        """Tell whether the stream still writes."""
        emitted, is_over = self.book.written()
        least = self._settings.stale_seconds
        return pulse(emitted, time.time(), least=least, is_over=is_over)

    def step(self) -> None:
        """Take what is new since the last step; the first one takes what is there.

        A step that breaks is made up for by the next one, which begins anew.
        """
        is_begun, self._is_begun = self._is_begun, False
        bars = self._bars.news() if is_begun else None
        alerts = self._alerts.news() if is_begun else None
        if bars is None or alerts is None or self._is_newer(bars):
            self._begin()
        else:
            self._put(bars, alerts, is_live=True)
        self._is_begun = True

    def _is_newer(self, bars: list[Added]) -> bool:
        """Tell whether there are bars of a newer session than the one that is shown."""
        shown = self.book.hours.session_date if self.book.hours else date.min
        return self._wanted is None and any(a.session_date > shown for a in bars)

    def _begin(self) -> None:
        bars, alerts = self._bars.whole(), self._alerts.whole()
        session = self._wanted or max((a.session_date for a in bars), default=None)
        if session is not None:
            self.book.begin(hours(self._store, session))
        self._put(bars, alerts, is_live=False)

    def _put(self, bars: list[Added], alerts: list[Added], *, is_live: bool) -> None:
        found, told = self._rows(self._bars, bars), self._rows(self._alerts, alerts)
        if found or told:
            self.book.put(found, told, is_live=is_live)

    def _rows(self, tail: Tail, added: Iterable[Added]) -> list[dict[str, object]]:
        shown = self.book.hours
        wanted = [a for a in added if shown and a.session_date == shown.session_date]
        return [row for file in wanted for row in tail.rows(file)]

    def _follow(self) -> None:
        while not self._ended.wait(self._settings.poll_seconds):
            try:
                self.step()
                self.fault = None
            except FileNotFoundError:
                # Compacted and vacuumed between the log and the file: the next step begins anew.
                logger.info("begins anew")
            except Exception as broken:  # noqa: BLE001 - the page says so, and what ended may return
                if self.fault is None:
                    logger.warning("not followed", reason=str(broken)[:500])
                self.fault = f"{type(broken).__name__}: {broken}".partition("\n")[0][:300]


def hours(store: Store, session: date) -> Hours:
    """Give when a session is held; opening and close are None where the lake does not know."""
    noon = datetime(session.year, session.month, session.day, 12, tzinfo=NEW_YORK)
    shift = noon.utcoffset()
    offset = int(shift.total_seconds()) if shift else 0
    if history.latest(store, ref.SESSIONS) < 0:
        return Hours(session, None, None, offset)
    held = delta_rs.opened(store, ref.SESSIONS).to_pyarrow_table(
        columns=["open_utc", "close_utc"], filters=[("session_date", "=", session)]
    )
    for row in held.to_pylist()[:1]:
        opens, closes = (int(row[name].timestamp()) for name in ("open_utc", "close_utc"))
        return Hours(session, opens, closes, offset)
    return Hours(session, None, None, offset)
