"""The parts of the stream, put together: a topic, its batches, and where alerts go."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from barlake import calendar
from barlake.io import arrow, delta_rs
from barlake.io.alert_topic import AlertTopic
from barlake.io.kafka import topic_id
from barlake.io.kafka_source import messages
from barlake.io.lake import Lake
from barlake.io.store import Store
from barlake.io.webhook import Webhook
from barlake.model import jobs, ops
from barlake.model.streamed import ALERTS, VWAP_STREAM
from barlake.options import Clock
from barlake.settings import Settings
from barlake.streaming.batch import Batches
from barlake.streaming.compaction import compact
from barlake.streaming.fingerprint import digest, require_same
from barlake.streaming.gate import Gate
from barlake.streaming.messages import Bar, Message, Refusal, read
from barlake.streaming.outbox import Outbox
from barlake.streaming.query import follow

CLOSING_SECONDS = 15.0
ALERT_SECONDS = 10.0


@dataclass(slots=True)
class Work:
    """A stream that is ready to run."""

    lake: Lake
    settings: Settings
    folder: Path
    gate: Gate
    batches: Batches
    boxes: list[Outbox]
    compacted: list[str] = field(default_factory=list)
    _over: set[date] = field(default_factory=set)

    def run(self, *, is_once: bool, is_stopped: Callable[[], bool]) -> None:
        """Follow the topic, and compact at the end what is over."""
        at = self.settings.kafka
        how = self.settings.stream
        frame = messages(
            self.lake.spark,
            at.brokers,
            at.topic,
            per_batch=how.messages_per_batch,
            wait_ms=how.fetch_wait_ms,
        )
        follow(
            frame,
            self.batches,
            self.folder / "checkpoint",
            self.gate,
            is_once=is_once,
            is_stopped=is_stopped,
            between=self._compact_older,
        )
        if is_once:
            self._compact(self.batches.sessions - self._over)

    def _compact_older(self) -> None:
        """Compact the sessions before the newest, once; batches wait meanwhile."""
        sessions = set(self.batches.sessions)
        older = sessions - self._over - {max(sessions, default=date.min)}
        if older:
            with self.gate.passed():
                self._compact(older)

    def _compact(self, sessions: set[date]) -> None:
        self._over |= sessions
        self.compacted += compact(self.lake, sessions)


def prepared(lake: Lake, settings: Settings, folder: Path, clock: Clock) -> Work:
    """Put a stream together.

    Raises:
        InputError: Its checkpoint was made by another.
    """
    require_same(folder, fingerprint(lake, settings))
    sessions = {d.session_date: d for d in calendar.sessions(calendar.horizon(clock.now()))}
    gate = Gate()
    boxes: list[Outbox] = []

    now = clock.as_of or ahead(lake.store, clock.now())

    def reading(message: Message) -> Bar | Refusal:
        return read(message, sessions, now=now)

    def publish(alerts: Iterable[dict[str, Any]]) -> None:
        for box in boxes:
            box.offer(alerts)

    batches = Batches(lake, settings.alerts, reading, clock.now, publish, gate)
    return Work(lake, settings, folder, gate, batches, boxes)


def ahead(store: Store, now: datetime) -> datetime | None:
    """Give the lake's own clock, that of its runs, where it is ahead of this machine's; else None.

    So it is where bars were simulated up to a day that has not come yet: to such a lake they are
    past.
    """
    told = delta_rs.opened(store, ops.RUNS).to_pyarrow_table(columns=["started_at"])
    later = [start for start in told.column("started_at").to_pylist() if start and start > now]
    return max(later, default=None)


def fingerprint(lake: Lake, settings: Settings) -> dict[str, str]:
    """Give what a checkpoint is bound to; a topic that was made anew is another one."""
    table = delta_rs.opened(lake.store, VWAP_STREAM).metadata().id
    return {
        "topic": settings.kafka.topic,
        "topic_id": topic_id(settings.kafka.brokers, settings.kafka.topic),
        str(VWAP_STREAM): str(table),
        "columns": digest(f"{written}: {written.ddl}" for written in jobs.STREAM.writes),
        "rules": digest(f"{n}: {rule}" for n, rule in sorted(settings.alerts.items())),
    }


@contextmanager
def publishing(work: Work, hook: Webhook | None) -> Iterator[None]:
    """Let alerts out; those that a stream before this one could not send go first."""
    at = work.settings.kafka
    topic = AlertTopic(at.brokers, at.alerts_topic, ALERT_SECONDS)
    work.boxes.append(Outbox("topic", topic.send, work.folder / f"sent-{at.alerts_topic}"))
    if hook is not None:
        sent = work.folder / "sent-webhook"
        work.boxes.append(Outbox("webhook", lambda _key, body: hook.post(body), sent))
    for box in work.boxes:
        box.offer(_of_newest_session(work.lake))
    try:
        yield
    finally:
        for box in work.boxes:
            box.close(CLOSING_SECONDS)


def _of_newest_session(lake: Lake) -> list[dict[str, Any]]:
    rows = arrow.rows(lake.read(ALERTS))
    newest = max((row["session_date"] for row in rows), default=None)
    found = [row for row in rows if row["session_date"] == newest]
    return sorted(found, key=lambda row: (row["ts"], row["alert_id"]))
