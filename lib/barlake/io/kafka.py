"""Topics of a Kafka broker: made on purpose, written idempotently, and read back by name."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from barlake.model.errors import BarlakeError, InputError

ANSWER_SECONDS = 10.0
PAUSE_SECONDS = 0.1
READ_MESSAGES = 1000
# Kafka's own limit is 1 MB; a message above that is to reach the stream, which has a word for it.
MESSAGE_BYTES = 4 * 2**20
NAME_HEADER, NUMBER_HEADER = "replay", "number"
# librdkafka writes to standard error by itself; what matters is raised.
QUIET: dict[str, Any] = {"log_level": 0}
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
    client = AdminClient({**QUIET, "bootstrap.servers": brokers})
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


def topic_id(brokers: str, topic: str) -> str:
    """Give the identity that the broker gave a topic when it was made; anew, it has another.

    Raises:
        BrokerError: No broker answers, or it has no such topic.
    """
    client = AdminClient({**QUIET, "bootstrap.servers": brokers})
    with _answering(brokers):
        asked = client.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_SECONDS)
        return str(asked[topic].result(ANSWER_SECONDS).topic_id)


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
        # It waits for as many as are asked for.
        messages = consumer.consume(min(end - next_one, READ_MESSAGES), ANSWER_SECONDS)
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
            **QUIET,
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
