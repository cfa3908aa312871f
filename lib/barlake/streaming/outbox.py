"""Alerts on their way out: sent beside the stream, at least once, and never waited for."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

import structlog

from barlake.model.errors import BarlakeError

logger = structlog.get_logger()

WAITING_MAX = 10_000
Alert = Mapping[str, Any]


class Outbox:
    """Sends alerts one by one, in a thread of its own; which are gone stands in a file.

    What cannot be sent is logged, counted, and offered again when the next stream starts.

    Args:
        name: Of where they go, for the log and the counts.
        send: Sends an alert's ticker and its JSON, or raises BarlakeError.
        sent: The file of the ids that were taken.
    """

    def __init__(self, name: str, send: Callable[[bytes, bytes], None], sent: Path) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self._send, self._path = send, sent
        sent.parent.mkdir(parents=True, exist_ok=True)
        self._sent = set(sent.read_text("utf-8").split()) if sent.exists() else set()
        self._waiting: Queue[Alert] = Queue(WAITING_MAX)
        self._is_closing = Event()
        self._thread = Thread(target=self._work, name=f"alerts to {name}", daemon=True)
        self._thread.start()

    def offer(self, alerts: Iterable[Alert]) -> None:
        """Take alerts to be sent, in order; those that were are left out. Never waits."""
        for alert in alerts:
            if alert["alert_id"] in self._sent:
                continue
            try:
                self._waiting.put_nowait(alert)
            except Full:
                self._fail("too many are waiting")

    def close(self, seconds: float) -> None:
        """Send what is waiting, but no longer than so many seconds; what is left stays unsent."""
        self._is_closing.set()
        self._thread.join(seconds)
        if left := self._waiting.qsize():
            self.counts["left"] += left
            logger.warning("alerts not sent", to=self.name, left=left)

    def _work(self) -> None:
        while True:
            try:
                alert = self._waiting.get(timeout=0.1)
            except Empty:
                if self._is_closing.is_set():
                    return
                continue
            self._one(alert)

    def _one(self, alert: Alert) -> None:
        if alert["alert_id"] in self._sent:
            return
        try:
            self._send(str(alert["ticker"]).encode(), text(alert))
        except BarlakeError as fault:
            self._fail(str(fault))
            return
        self.counts["sent"] += 1
        self._sent.add(alert["alert_id"])
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{alert['alert_id']}\n")

    def _fail(self, reason: str) -> None:
        self.counts["failed"] += 1
        logger.warning("alert not sent", to=self.name, reason=reason[:500])


def text(alert: Alert) -> bytes:
    """Give an alert as JSON; times are ISO 8601."""
    return json.dumps(dict(alert), default=_plain, sort_keys=True).encode()


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an alert")
