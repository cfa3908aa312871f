"""Which topic a name stands for: one that was made anew has the name, and other offsets."""

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from barlake.io.kafka import BrokerError
from barlake.model.errors import InputError

ANSWER_SECONDS = 10.0


def topic_id(brokers: str, topic: str) -> str:
    """Give the identity that the broker gave a topic when it was made.

    Raises:
        BrokerError: No broker answers.
        InputError: There is no such topic.
    """
    client = AdminClient({"bootstrap.servers": brokers, "log_level": 0})
    try:
        if topic not in client.list_topics(timeout=ANSWER_SECONDS).topics:
            raise InputError(
                f"there is no topic {topic} at {brokers}: `barlake replay` makes it, or set "
                "kafka.topic"
            )
        asked = client.describe_topics(TopicCollection([topic]), request_timeout=ANSWER_SECONDS)
        return str(asked[topic].result(ANSWER_SECONDS).topic_id)
    except KafkaException as silent:
        raise BrokerError(
            f"the Kafka broker at {brokers} does not answer ({silent.args[0].str()}): is it up, "
            "and is kafka.brokers its address?"
        ) from None
