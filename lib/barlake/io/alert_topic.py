"""The topic of alerts: each alert is acknowledged, or a fault."""

from typing import Any

from confluent_kafka import KafkaException, Producer

from barlake.model.errors import BarlakeError


class AlertTopicError(BarlakeError):
    """The broker has not acknowledged an alert."""


class AlertTopic:
    """Sends alerts to a topic that is there, those of a ticker in order.

    `timeout_seconds`: so long the broker may be away.
    """

    def __init__(self, brokers: str, topic: str, timeout_seconds: float) -> None:
        self._topic, self._seconds = topic, timeout_seconds
        settings: dict[str, Any] = {
            "bootstrap.servers": brokers,
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "delivery.timeout.ms": int(timeout_seconds * 1000),
            # librdkafka writes to standard error by itself; what matters is raised.
            "log_level": 0,
        }
        self._producer = Producer(settings)

    def send(self, key: bytes, value: bytes) -> None:
        """Send one alert and wait until it is acknowledged; the topic may get it twice.

        Raises:
            AlertTopicError: It was not, in time.
        """
        reported: list[str | None] = []

        def note(error: object, _message: object) -> None:
            reported.append(None if error is None else str(error))

        try:
            self._producer.produce(self._topic, value, key, on_delivery=note)
        except (BufferError, KafkaException) as refused:
            raise AlertTopicError(f"{self._topic} has not taken an alert: {refused}") from refused
        self._producer.flush(self._seconds)
        if reported != [None]:
            reason = "no answer in time" if not reported else reported[0]
            raise AlertTopicError(f"{self._topic} has not taken an alert: {reason}")
