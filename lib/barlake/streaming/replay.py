"""A session's events into a topic: paced, in order, and each acknowledged once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from barlake.streaming.acknowledged import Acknowledged
from barlake.streaming.events import Event, encode
from barlake.streaming.schedule import Schedule


class Sender(Protocol):
    """What a replay sends through: `barlake.io.kafka.Sender`."""

    def send(self, number: int, key: bytes | None, value: bytes | None) -> None:
        """Hand one message over."""

    def serve(self, seconds: float) -> None:
        """Take what the broker has answered, waiting so long for a first answer."""

    def finish(self) -> int:
        """Wait until all is acknowledged; give how many messages are not."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was done: messages handed over by kind, how many were never acknowledged, to the end."""

    sent: Counter[str]
    unacknowledged: int
    is_whole: bool


def replay(
    events: Sequence[Event],
    sender: Sender,
    acknowledged: Acknowledged,
    schedule: Schedule,
    *,
    now: Callable[[], datetime],
    is_stopped: Callable[[], bool] = lambda: False,
    tell: Callable[[Event, int], object] = lambda _event, _done: None,
) -> Replayed:
    """Send what is not acknowledged yet, in order, each when it is due.

    Args:
        events: Of the whole replay; an event's number is its place here.
        sender: Whose answers come into `acknowledged`.
        acknowledged: The ledger; what it holds is not sent again.
        schedule: When each is due.
        now: The time that a message says it was produced at.
        is_stopped: Asked all the time; what was handed over is waited for even so.
        tell: Called for each event, with its number, for a person who watches.
    """
    sent: Counter[str] = Counter()
    left = [n for n in range(len(events)) if n not in acknowledged.numbers]

    def serve(seconds: float) -> None:
        sender.serve(seconds)
        acknowledged.keep()

    for number in left:
        event = events[number]
        if not schedule.wait(event.at, serve, is_stopped):
            break
        sender.send(number, *encode(event, now()))
        schedule.sent(event.at)
        sent[event.kind] += 1
        tell(event, number)
    missing = sender.finish()
    acknowledged.keep()
    return Replayed(sent, missing, is_whole=sent.total() == len(left) and not missing)


def since(events: Sequence[Event], moment: datetime) -> list[Event]:
    """Give the events from a market's time on: of bars that begin then or later, and what is late.

    Those of earlier bars that are sent later, since they are late or corrected, are among them.
    """
    return [event for event in events if event.at >= moment + timedelta(minutes=1)]
