"""Run a query until its topic is read, or it is stopped between two batches."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery

from barlake.model.errors import BarlakeError
from barlake.streaming.batch import Batches
from barlake.streaming.gate import Gate, StoppedError

logger = structlog.get_logger()

LOOK_SECONDS = 0.2
COMMIT_SECONDS = 10.0


class LostMessagesError(BarlakeError):
    """The topic no longer has messages that were not read yet."""


def follow(
    frame: DataFrame,
    batches: Batches,
    checkpoint: Path,
    gate: Gate,
    *,
    is_once: bool,
    is_stopped: Callable[[], bool],
    between: Callable[[], None],
) -> None:
    """Hand a stream's batches over, one after the other.

    Args:
        frame: The stream.
        batches: Takes each batch.
        checkpoint: Folder where Spark notes how far it is.
        gate: What the batches pass.
        is_once: End when all is read that was there at the start.
        is_stopped: Tells whether to stop.
        between: Is called now and then, beside the batches.

    Raises:
        LostMessagesError: Messages went before they were read.
        Exception: What broke a batch.
    """
    told: dict[str, Any] = {"is_once": is_once, "is_stopped": is_stopped, "between": between}
    try:
        _run(frame, batches, checkpoint, gate, **told)
    except StreamingQueryException as fault:
        if not _is_replay_fault(fault):
            raise _told(fault, batches) from fault
        # SPARK-55271: the batch is done and noted; it is only its report that broke.
        logger.warning("restarted", reason="SPARK-55271: a batch that was cut off has been redone")
        try:
            _run(frame, batches, checkpoint, gate, **told)
        except StreamingQueryException as again:
            raise _told(again, batches) from again


def _run(
    frame: DataFrame,
    batches: Batches,
    checkpoint: Path,
    gate: Gate,
    *,
    is_once: bool,
    is_stopped: Callable[[], bool],
    between: Callable[[], None],
) -> None:
    batches.begin()
    writer = frame.writeStream.foreachBatch(batches)
    writer = writer.option("checkpointLocation", checkpoint.as_uri())
    if is_once:
        query = writer.trigger(availableNow=True).start()
    else:
        query = writer.trigger(processingTime="0 seconds").start()
    try:
        while not query.awaitTermination(LOOK_SECONDS):  # type: ignore[arg-type]
            if is_stopped():
                _stop(query, gate)
                return
            between()
    except StreamingQueryException:
        if not isinstance(batches.fault, StoppedError):
            raise


def _stop(query: StreamingQuery, gate: Gate) -> None:
    """Let the batch under way end and be noted; a next one ends itself at the gate."""
    gate.close()
    until = time.monotonic() + COMMIT_SECONDS
    while query.isActive and query.status["isTriggerActive"] and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    query.stop()


def _is_replay_fault(fault: StreamingQueryException) -> bool:
    return any(word in str(fault) for word in ("KafkaMicroBatchStream", "IterableOps.map"))


def _told(fault: StreamingQueryException, batches: Batches) -> Exception:
    """Give what broke the query, in our own words where there are any."""
    if batches.fault is not None:
        return batches.fault
    if "failOnDataLoss" in str(fault) or "DATA_LOSS" in str(fault):
        return LostMessagesError(
            "the topic no longer holds messages that were not read yet (it was made anew, or they "
            "were older than its retention): remove the checkpoint to go on from what it has, and "
            f"replay the sessions that `barlake reconcile` names: {_first(fault)}"
        )
    return fault


def _first(fault: Exception) -> str:
    return str(fault).strip().partition("\n")[0][:300]
