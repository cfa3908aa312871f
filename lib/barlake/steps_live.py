"""What `barlake live` does: a server of one page, on this machine's own address."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog

from barlake import log
from barlake.io import history
from barlake.live.feed import Feed
from barlake.live.server import LOOPBACK, Server
from barlake.model import ref
from barlake.model.errors import InputError
from barlake.options import Options
from barlake.runtime import opened

logger = structlog.get_logger()


def live(
    options: Options,
    port: int,
    session: datetime | None,
    *,
    tell: Callable[[dict[str, Any]], None],
) -> None:
    """Serve the page until Ctrl-C or a SIGTERM; nothing of the lake is changed.

    `tell` gets the page's `address` as soon as it is served.

    Raises:
        InputError: There is no lake, or the port is taken.
    """
    log.configure(job="live")
    settings, store, _ = opened(options)
    if history.latest(store, ref.SESSIONS) < 0:
        raise InputError(
            f"{store.address} holds no lake; run `barlake demo` or `barlake run` first"
        )
    feed = Feed(store, settings.live, session.date() if session else None)
    with _stopped_by_signals(), _served(feed, port) as server:
        tell({"address": server.address, "text": [f"open {server.address} (Ctrl-C ends it)"]})
        sys.stdout.flush()
        feed.start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            logger.info("stopped")
        finally:
            feed.stop()


@contextmanager
def _served(feed: Feed, port: int) -> Iterator[Server]:
    try:
        server = Server(feed, port)
    except OSError as refused:
        reason = refused.strerror or str(refused)
        raise InputError(
            f"{LOOPBACK}:{port} cannot be served: {reason}; give another --port, or 0"
        ) from None
    with server:
        yield server


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Take a SIGTERM for a Ctrl-C."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
