"""Messages into a Kafka topic: each once, in order, and nothing passed over."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from barlake.io.kafka import MESSAGE_BYTES, NAME_HEADER, NUMBER_HEADER, QUIET, BrokerError

FLUSH_SECONDS = 0.5
# What may wait for the broker's answers: so much is lost in memory where a process is killed, and
# sent again.
WAITING_KBYTES = 64 * 2**10
WAITING_MESSAGES = 20_000


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
            **QUIET,
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
