"""The broker keeps what it has acknowledged, however it ends."""

import os
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra import jars, kafka
from infra.kafka import Broker
from infra.server import StartError


def made(broker: Broker, topic: str) -> None:
    client = AdminClient({"bootstrap.servers": broker.address})
    client.create_topics([NewTopic(topic, 1)])[topic].result(30)


def sent(broker: Broker, topic: str, values: list[bytes]) -> list[bytes]:
    """Send, and give what was acknowledged."""
    acknowledged: list[bytes] = []

    def note(error: object, message: Message) -> None:
        if error is None:
            acknowledged.append(message.value() or b"")

    producer = Producer(
        {"bootstrap.servers": broker.address, "enable.idempotence": True, "log_level": 0}
    )
    for value in values:
        producer.produce(topic, value, on_delivery=note)
    assert producer.flush(60) == 0
    return acknowledged


def held(broker: Broker, topic: str, count: int) -> list[bytes]:
    """Give the topic's first messages, `count` of them unless they don't come in 30 s."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "test", "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = consumer.consume(count, timeout=30)
    consumer.close()
    return [message.value() or b"" for message in found if message.error() is None]


def test_what_was_acknowledged_outlives_kill_9(broker: Broker, topic: str) -> None:
    made(broker, topic)
    values = [f"{n}".encode() for n in range(1000)]
    assert sent(broker, topic, values) == values
    before = broker.pid
    broker.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    broker.start()
    assert held(broker, topic, len(values)) == values
    assert sent(broker, topic, [b"more"]) == [b"more"]
    assert held(broker, topic, len(values) + 1) == [*values, b"more"]


def test_a_broker_without_jars_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jars, "PROJECT", tmp_path)
    with pytest.raises(StartError, match=r"infra/jars\.py broker"), kafka.broker(tmp_path / "b"):
        pytest.fail("it has started")


def test_a_port_that_is_taken_is_told(broker: Broker, tmp_path: Path) -> None:
    with (
        pytest.raises(StartError, match="does not answer"),
        kafka.broker(tmp_path, port=broker.port),
    ):
        pytest.fail("it has started")
