"""Topics of a Kafka broker: made on purpose, written idempotently, and read back by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from barlake.model.errors import BarlakeError, InputError

ANSWER_SECONDS = 10.0
FLUSH_SECONDS = 0.5
PAUSE_SECONDS = 0.1
# Kafka's own limit is 1 MB; a message above that is to reach the stream, which has a word for it.
MESSAGE_BYTES = 4 * 2**20
# What may wait for the broker's answers: so much is lost in memory where a process is killed, and
# sent again.
WAITING_KBYTES = 64 * 2**10
WAITING_MESSAGES = 20_000
NAME_HEADER, NUMBER_HEADER = "replay", "number"
# librdkafka writes to standard error by itself; what matters is raised.
_QUIET: dict[str, Any] = {"log_level": 0}
_SETTLING = (
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)


class BrokerError(BarlakeError):
    """The broker does not answer, or has not acknowledged what it was sent."""


class Place(NamedTuple):
    """Where one of a replay's messages lies: its number in the replay, its partition and offset."""

    number: int
    partition: int
    offset: int


def require_topic(brokers: str, topic: str, *, partitions: int, retention_hours: int) -> None:
    """Make a topic unless it is there; one that is keeps its retention.

    Raises:
        BrokerError: No broker answers.
        InputError: The topic has another number of partitions, or its name is none.
    """
    client = AdminClient({**_QUIET, "bootstrap.servers": brokers})
    with _answering(brokers):
        # Of all, since to ask for one alone may make it.
        known = client.list_topics(timeout=ANSWER_SECONDS).topics
        if topic not in known:
            _make(client, topic, partitions, retention_hours)
            return
    found = len(known[topic].partitions)
    if found != partitions:
        raise InputError(
            f"the topic {topic} at {brokers} has {found} partitions, and not {partitions}: set "
            f"kafka.partitions to {found}, or name another topic"
        )


def _make(client: AdminClient, topic: str, partitions: int, retention_hours: int) -> None:
    config = {
        "retention.ms": str(retention_hours * 3_600_000),
        "max.message.bytes": str(MESSAGE_BYTES),
    }
    asked = client.create_topics([NewTopic(topic, partitions, config=config)])
    try:
        asked[topic].result(ANSWER_SECONDS)
    except KafkaException as refused:
        code = refused.args[0].code()
        if code == KafkaError.TOPIC_EXCEPTION:
            raise InputError(f"{topic!r} is no name of a topic: {refused.args[0].str()}") from None
        if code != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


class Sender:
    """Sends the messages of one replay to a topic, each exactly once while this process lives.

    A ticker's messages lie in one partition, in the order in which they were sent: an idempotent
    producer, acks=all, and no message is passed over. One without a key goes to partition 0.

    Args:
        brokers: HOST:PORT, several by commas.
        topic: That is there.
        replay: A name that each message has in its headers.
        noted: Called with each message that was acknowledged, inside the methods of this class.
        timeout_seconds: So long the broker may be away.
    """

    def __init__(
        self,
        brokers: str,
        topic: str,
        replay: str,
        noted: Callable[[int, int, int], None],
        *,
        timeout_seconds: float,
    ) -> None:
        self._topic, self._replay, self._noted = topic, replay, noted
        self._timeout_seconds = timeout_seconds
        self._fault: str | None = None
        settings: dict[str, Any] = {
            **_QUIET,
            "bootstrap.servers": brokers,
            "enable.idempotence": True,
            "enable.gapless.guarantee": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 2,
            "delivery.timeout.ms": int(timeout_seconds * 1000),
            "message.max.bytes": MESSAGE_BYTES,
            "queue.buffering.max.messages": WAITING_MESSAGES,
            "queue.buffering.max.kbytes": WAITING_KBYTES,
            # A broker that comes back is to be found soon.
            "reconnect.backoff.max.ms": 1000,
        }
        self._producer = Producer(settings)

    def send(self, number: int, key: bytes | None, value: bytes | None) -> None:
        """Hand one message over; waits where too many have not been acknowledged.

        Raises:
            BrokerError: An earlier one was not acknowledged in time.
        """
        message: dict[str, Any] = {
            "topic": self._topic,
            "key": key,
            "value": value,
            "headers": {NAME_HEADER: self._replay, NUMBER_HEADER: str(number)},
            "on_delivery": partial(self._report, number),
        }
        if key is None:
            message["partition"] = 0
        while True:
            try:
                self._producer.produce(**message)
            except BufferError:
                self.serve(1)
            except KafkaException as refused:
                raise BrokerError(self._told(refused.args[0].str())) from None
            else:
                return

    def serve(self, seconds: float) -> None:
        """Take what the broker has answered, waiting so long for a first answer.

        Raises:
            BrokerError: A message was not acknowledged in time.
        """
        self._producer.poll(seconds)
        self._require_no_fault()

    def finish(self) -> int:
        """Wait until all is acknowledged, or cannot be any more; give how many messages are not.

        Raises:
            BrokerError: A message was not acknowledged in time.
        """
        until = time.monotonic() + self._timeout_seconds
        # In short waits: Ctrl-C is heard between two.
        while (left := self._producer.flush(FLUSH_SECONDS)) and time.monotonic() < until:
            self._require_no_fault()
        self._require_no_fault()
        return left

    def _report(self, number: int, error: KafkaError | None, message: Message) -> None:
        partition, offset = message.partition(), message.offset()
        if error is not None or partition is None or offset is None:
            self._fault = self._fault or (error.str() if error else "no offset was given")
            return
        self._noted(number, partition, offset)

    def _require_no_fault(self) -> None:
        if self._fault is not None:
            raise BrokerError(self._told(self._fault))

    def _told(self, reason: str) -> str:
        return (
            f"the broker has not acknowledged all that was sent to {self._topic} within "
            f"{self._timeout_seconds:g} s ({reason}); go on with --resume once it is back"
        )


def ends(brokers: str, topic: str) -> dict[int, int]:
    """Give for each partition of a topic the offset that its next message gets.

    Raises:
        BrokerError: No broker answers.
    """
    consumer = _consumer(brokers)
    try:
        with _answering(brokers):
            return _ends(consumer, topic)
    finally:
        consumer.close()


def sent_before(brokers: str, topic: str, replay: str, start: Mapping[int, int]) -> Iterator[Place]:
    """Give the messages of a replay that a topic holds from `start` on, by partition and offset.

    Raises:
        BrokerError: No broker answers.
        InputError: The topic ends before `start`: it is not the one that `start` is of.
    """
    consumer = _consumer(brokers)
    try:
        with _answering(brokers):
            last = _ends(consumer, topic)
            _require_same_topic(topic, start, last)
            for partition, end in sorted(last.items()):
                yield from _of_replay(
                    consumer, TopicPartition(topic, partition), replay, start, end
                )
    finally:
        consumer.close()


def _of_replay(
    consumer: Consumer, at: TopicPartition, replay: str, start: Mapping[int, int], end: int
) -> Iterator[Place]:
    low, _ = _watermarks(consumer, at)
    next_one = max(start.get(at.partition, 0), low)
    consumer.assign([TopicPartition(at.topic, at.partition, next_one)])
    while next_one < end:
        messages = consumer.consume(1000, ANSWER_SECONDS)
        if not messages:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        for message in messages:
            if fault := message.error():
                raise KafkaException(fault)
            next_one = (message.offset() or 0) + 1
            headers = dict(message.headers() or [])
            if headers.get(NAME_HEADER) == replay.encode():
                yield Place(int(headers[NUMBER_HEADER] or 0), at.partition, next_one - 1)


def _ends(consumer: Consumer, topic: str) -> dict[int, int]:
    found = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic].partitions
    return {n: _watermarks(consumer, TopicPartition(topic, n))[1] for n in found}


def _watermarks(consumer: Consumer, at: TopicPartition) -> tuple[int, int]:
    """Give a partition's first offset and that of its next message.

    Right after a topic was made, or its broker came back, nobody may lead it for a moment.
    """
    until = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            return consumer.get_watermark_offsets(at, timeout=ANSWER_SECONDS)
        except KafkaException as refused:
            if refused.args[0].code() not in _SETTLING or time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)


def _require_same_topic(topic: str, start: Mapping[int, int], last: Mapping[int, int]) -> None:
    for partition, offset in start.items():
        if last.get(partition, 0) < offset:
            raise InputError(
                f"the topic {topic} ends before offset {offset} of partition {partition}, which "
                "was acknowledged: it was made anew; begin anew without --resume"
            )


def _consumer(brokers: str) -> Consumer:
    # Kafka wants a group's name; nothing is committed under it.
    return Consumer(
        {
            **_QUIET,
            "bootstrap.servers": brokers,
            "group.id": "barlake-replay",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )


@contextmanager
def _answering(brokers: str) -> Iterator[None]:
    """Raise what the client says as one sentence."""
    try:
        yield
    except KafkaException as silent:
        raise BrokerError(
            f"the Kafka broker at {brokers} does not answer ({silent.args[0].str()}): is it up, "
            "and is kafka.brokers its address? `make stack` runs one"
        ) from None
