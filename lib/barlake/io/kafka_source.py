"""A topic as Spark reads it: messages with their places, as bytes."""

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from barlake.model.errors import BarlakeError

COLUMNS = ("topic", "partition", "offset", "key", "value", "timestamp")


class NoKafkaError(BarlakeError):
    """Spark's Kafka source is not on the class path."""


def messages(
    spark: SparkSession, brokers: str, topic: str, *, per_batch: int, wait_ms: int
) -> DataFrame:
    """Give a topic from its beginning, as a stream of COLUMNS, at most `per_batch` rows a batch.

    A message that is gone before it was read is a fault, never passed over.

    Raises:
        NoKafkaError: The jars of Kafka have not been fetched.
    """
    options = {
        "kafka.bootstrap.servers": brokers,
        "subscribe": topic,
        "startingOffsets": "earliest",
        "failOnDataLoss": "true",
        "maxOffsetsPerTrigger": str(per_batch),
        "kafka.fetch.max.wait.ms": str(wait_ms),
    }
    try:
        return spark.readStream.format("kafka").options(**options).load().select(*COLUMNS)
    except AnalysisException as missing:
        if "data source" not in str(missing):
            raise
        raise NoKafkaError(
            "Spark's jars for Kafka are not there: `python infra/jars.py kafka` fetches them, 10 MB"
        ) from missing
