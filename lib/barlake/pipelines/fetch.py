"""requests -> landing/."""

from collections.abc import Iterator, Sequence

import structlog

from barlake import landing
from barlake.io.store import Store
from barlake.landing import Batch
from barlake.model.landed import Kind
from barlake.progress import Progress
from barlake.sources.source import Answer, Request, Source, asking

logger = structlog.get_logger()


def fetch(
    store: Store,
    source: Source,
    wanted: Sequence[Request],
    *,
    per_batch: int,
    progress: Progress,
    kind: Kind = Kind.MINUTES,
) -> list[Batch]:
    """Ask a source, and land its answers in batches.

    Files are all read before the first is landed: one that is broken leaves nothing behind.

    Raises:
        InputError: A file is broken, the lake holds simulated bars and the source is real or the
            reverse, or the source does not have that kind.
    """
    ask = asking(source, kind)
    landing.refuse_mixing(store, source.name)
    requests = source.requests(wanted)
    answers = (ask(request) for request in progress.each("fetch", requests))
    if source.name == "files":
        parts: Iterator[list[Answer]] = iter([[answer] for answer in list(answers)])
    else:
        parts = _parts(answers, per_batch)
    batches = [landing.land(store, source.name, part, kind=kind) for part in parts]
    logger.info("landed", source=source.name, requests=len(requests), batches=len(batches))
    return batches


def whole_range(requests: Sequence[Request]) -> list[Request]:
    """Give one request per ticker, over all that is asked of it: daily bars are few."""
    asked: dict[str | None, list[Request]] = {}
    for request in requests:
        asked.setdefault(request.ticker, []).append(request)
    return [
        Request(
            ticker=ticker,
            start=min((r.start for r in mine if r.start), default=None),
            end=max((r.end for r in mine if r.end), default=None),
        )
        for ticker, mine in asked.items()
    ]


def _parts(answers: Iterator[Answer], size: int) -> Iterator[list[Answer]]:
    part: list[Answer] = []
    for answer in answers:
        part.append(answer)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
