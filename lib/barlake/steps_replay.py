"""What `barlake replay` does: silver's bars into a topic."""

import math
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import barlake
from barlake import log
from barlake.io import kafka
from barlake.model.errors import InputError
from barlake.options import Options
from barlake.readers.frames import OpenLake
from barlake.runtime import opened
from barlake.sections import KafkaSettings
from barlake.streaming import observed
from barlake.streaming.acknowledged import Acknowledged, Head, ledger
from barlake.streaming.disorder import Odds, disordered
from barlake.streaming.events import Event, digest
from barlake.streaming.market_clock import MarketClock
from barlake.streaming.replay import replay as send
from barlake.streaming.replay import since
from barlake.streaming.schedule import Schedule
from barlake.universe import parse

LEDGERS = Path("lake", "replays")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is replayed, and how; None where it was not given."""

    session: date | None
    speed: float
    seed: int
    odds: Odds
    tickers: str | None
    begin: str | None
    is_resumed: bool
    ledger: Path | None


def replay(options: Options, asked: Asked) -> dict[str, Any]:
    """Send a session's bars; give counts, drift and jitter.

    Raises:
        InputError: There is nothing to send, or what is resumed is of another replay.
        BrokerError: The broker does not answer, or not in time.
        BusyError: Another replay writes the same ledger.
    """
    if not math.isfinite(asked.speed):
        raise InputError(f"the speed {asked.speed} is none: write 60, or 0 to wait for nothing")
    settings, store, clock = opened(options)
    lake = barlake.open(store)
    session = asked.session or observed.newest(lake)
    events = _events(lake, session, asked)
    topic = settings.kafka.topic
    log.configure(job="replay", topic=topic)
    path = asked.ledger or LEDGERS / f"{session}-{topic}.ledger"
    with ExitStack() as held:
        is_stopped = held.enter_context(_stopping())
        noted = held.enter_context(
            _ledger(settings.kafka, path, events, is_resumed=asked.is_resumed)
        )
        before = len(noted.numbers)
        found = _found(settings.kafka, noted)
        schedule = Schedule(asked.speed)
        watch = held.enter_context(MarketClock(schedule, len(events), noted.numbers).shown())
        done = send(
            events,
            _sender(settings.kafka, noted),
            noted,
            schedule,
            now=clock.now,
            is_stopped=is_stopped,
            tell=watch,
        )
    told = {
        "session": session.isoformat(),
        "topic": topic,
        "replay": noted.head.replay,
        "status": "ok" if done.is_whole else "stopped",
        "speed": asked.speed,
        "seed": asked.seed,
        "events": len(events),
        "resumed": before + found,
        "sent": dict(sorted(done.sent.items())),
        "acknowledged": len(noted.numbers),
        "drift_ms": round(1000 * schedule.behind, 1) if asked.speed else None,
        "jitter_ms": schedule.jitter(),
        "ledger": str(path),
    }
    return {**told, "text": _sentences(told)}


def _events(lake: OpenLake, session: date, asked: Asked) -> list[Event]:
    tickers = parse(asked.tickers) if asked.tickers else None
    bars = observed.observed(lake, session, tickers)
    events = disordered(bars, asked.odds, asked.seed)
    if asked.begin is not None:
        events = since(events, observed.market_time(session, asked.begin))
    if not events:
        raise InputError(f"nothing of the session {session} is left to send: begin earlier")
    return events


@contextmanager
def _ledger(
    kafka_at: KafkaSettings, path: Path, events: list[Event], *, is_resumed: bool
) -> Iterator[Acknowledged]:
    """Open the ledger of a replay, whose topic is there from then on."""
    brokers, topic = kafka_at.brokers, kafka_at.topic
    kafka.require_topic(
        brokers, topic, partitions=kafka_at.partitions, retention_hours=kafka_at.retention_hours
    )
    start = kafka.ends(brokers, topic)
    head = Head(uuid4().hex, topic, digest(events), len(events), start)
    with ledger(path, head, is_resumed=is_resumed) as noted:
        yield noted


def _found(kafka_at: KafkaSettings, noted: Acknowledged) -> int:
    """Note what the broker holds and a process that was killed could not note; give how many."""
    before = len(noted.numbers)
    places = kafka.sent_before(
        kafka_at.brokers, kafka_at.topic, noted.head.replay, dict(noted.ends)
    )
    for place in places:
        noted.note(*place)
    noted.keep()
    return len(noted.numbers) - before


def _sender(kafka_at: KafkaSettings, noted: Acknowledged) -> kafka.Sender:
    return kafka.Sender(
        kafka_at.brokers,
        kafka_at.topic,
        noted.head.replay,
        noted.note,
        timeout_seconds=kafka_at.delivery_timeout_seconds,
    )


@contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """Give what tells whether SIGTERM or Ctrl-C came; a second one ends the process as ever."""
    came: list[int] = []

    def note(number: int, _frame: object) -> None:
        came.append(number)
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _sentences(told: dict[str, Any]) -> list[str]:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in told["sent"].items()) or "nothing"
    lines = [
        f"session {told['session']} into topic {told['topic']}: {kinds}",
        f"{told['acknowledged']:,} of {told['events']:,} events are acknowledged: {told['ledger']}",
    ]
    if told["jitter_ms"] is not None:
        late = told["jitter_ms"]
        lines.append(
            f"at {told['speed']:g}x; sent after their time, in ms: p50 {late['p50']}, p99 "
            f"{late['p99']}, most {late['max']}, at the end {told['drift_ms']}"
        )
    if told["status"] == "stopped":
        lines.append("stopped; the same command with --resume goes on")
    return lines
