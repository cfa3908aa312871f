"""requests -> landing/."""

from collections.abc import Iterator, Sequence

import structlog

from barlake import landing
from barlake.io.store import Store
from barlake.landing import Batch
from barlake.progress import Progress
from barlake.sources.source import Answer, Request, Source

logger = structlog.get_logger()


def fetch(
    store: Store,
    source: Source,
    wanted: Sequence[Request],
    *,
    per_batch: int,
    progress: Progress,
) -> list[Batch]:
    """Ask a source, and land its answers in batches.

    Files are all read before the first is landed: one that is broken leaves nothing behind.

    Raises:
        InputError: A file is broken, or the lake holds the other kind of bars.
    """
    landing.refuse_mixing(store, source.name)
    requests = source.requests(wanted)
    answers = (source.fetch(request) for request in progress.each("fetch", requests))
    if source.name == "files":
        parts: Iterator[list[Answer]] = iter([[answer] for answer in list(answers)])
    else:
        parts = _parts(answers, per_batch)
    batches = [landing.land(store, source.name, part) for part in parts]
    logger.info("landed", source=source.name, requests=len(requests), batches=len(batches))
    return batches


def _parts(answers: Iterator[Answer], size: int) -> Iterator[list[Answer]]:
    part: list[Answer] = []
    for answer in answers:
        part.append(answer)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
