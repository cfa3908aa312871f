"""What `barlake stream` does: a topic of bars into gold, until it is read or stopped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from barlake.io import history, kafka
from barlake.io.folder import Folder
from barlake.io.store import Store
from barlake.io.webhook import Webhook
from barlake.model import jobs
from barlake.model.errors import InputError
from barlake.options import Clock, Options
from barlake.runtime import opened, running
from barlake.settings import CACHE, PROJECT, Settings
from barlake.stopping import stopping

if TYPE_CHECKING:
    from barlake.pipelines.underway import Night
    from barlake.streaming.batch import Batches

CHECKPOINT = "_checkpoints/stream"
SECRET = "BARLAKE_WEBHOOK_SECRET"  # noqa: S105 - the name of a variable


def stream(options: Options, *, is_once: bool) -> dict[str, Any]:
    """Follow the topic of bars; give what was read and written.

    Raises:
        InputError: The webhook has no secret, or the checkpoint is another query's.
        BrokerError: No broker answers.
        BusyError: Another stream writes the same lake.
        LostMessagesError: Messages went before they were read.
    """
    _require_source()
    settings, store, clock = opened(options)
    hook = webhook(settings)
    for topic in (settings.kafka.topic, settings.kafka.alerts_topic):
        kafka.require_topic(
            settings.kafka.brokers,
            topic,
            partitions=settings.kafka.partitions,
            retention_hours=settings.kafka.retention_hours,
        )
    with running(jobs.STREAM, options) as night:
        done = _followed(night, folder_of(store), clock, hook, is_once=is_once)
    return {"run_id": night.lake.run_id, "status": "ok", **done}


def _require_source() -> None:
    """Refuse to start where Spark cannot read Kafka; spark-submit has a class path of its own."""
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if not submitted and not any((PROJECT / "jars" / "kafka").glob("*.jar")):
        raise InputError("Spark has no Kafka source: `make kafka` fetches it, 10 MB")


def webhook(settings: Settings) -> Webhook | None:
    """Give the receiver of alerts that the settings name, if any.

    Raises:
        InputError: There is no secret to sign with.
    """
    at = settings.stream
    if at.webhook_url is None:
        return None
    secret = os.environ.get(SECRET, "")
    if not secret:
        raise InputError(f"stream.webhook_url is set, and {SECRET} is not: set it to sign alerts")
    return Webhook(at.webhook_url, secret.encode(), at.webhook_attempts, at.webhook_timeout_seconds)


def folder_of(store: Store) -> Path:
    """Give the folder, on this machine, of how far the topic has been read.

    Beside the tables where those are on this machine too. For a bucket it is one of this machine's
    own: a commit of a checkpoint there costs several requests a batch, and since gold is the state,
    a checkpoint that is lost costs a second reading of the topic.
    """
    if isinstance(store, Folder):
        return Path(store.path(CHECKPOINT))
    return CACHE / "checkpoints" / sha256(store.address.encode()).hexdigest()[:16]


def _followed(
    night: "Night", folder: Path, clock: Clock, hook: Webhook | None, *, is_once: bool
) -> dict[str, Any]:
    from barlake.streaming import job  # noqa: PLC0415 - brings Spark; a refused run needs none

    work = job.prepared(night.lake, night.settings, folder, clock)
    with stopping() as is_stopped, job.publishing(work, hook), _told(night, work.batches):
        work.run(is_once=is_once, is_stopped=is_stopped)
    counts = dict(work.batches.counts)
    published = {box.name: dict(box.counts) for box in work.boxes}
    night.detail["stream"] = {**counts, "receivers": published, "compacted": work.compacted}
    return {
        **counts,
        "receivers": published,
        "sessions": sorted(day.isoformat() for day in work.batches.sessions),
        "compacted": work.compacted,
    }


@contextmanager
def _told(night: "Night", batches: "Batches") -> Iterator[None]:
    """Tell ops.runs of each commit, however the stream ends."""
    try:
        yield
    finally:
        night.sessions = sorted(batches.sessions)
        for table in jobs.STREAM.writes:
            known = range(night.before[str(table)] + 1, night.lake.version(table) + 1)
            night.commits[str(table)] = [
                history.commit(night.lake.store, table, version) for version in known
            ]
