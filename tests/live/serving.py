"""The page's server in the tests' own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from threading import Thread

from barlake.io.folder import Folder
from barlake.live.feed import Feed
from barlake.live.server import Server
from barlake.sections import LiveSettings
from tests.live.streams import Where

QUICK = LiveSettings(poll_seconds=0.02, stale_seconds=2)


def feed_of(root: Where, session: date | None = None) -> Feed:
    """Give a feed that has not looked yet."""
    store = Folder.at(str(root)) if isinstance(root, Path) else root
    return Feed(store, QUICK, session)


@contextmanager
def served(root: Path, *, port: int = 0) -> Iterator[Server]:
    """Serve the lake's page, its feed following, and end both."""
    feed = feed_of(root)
    with Server(feed, port) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        feed.start()
        thread.start()
        try:
            yield server
        finally:
            feed.stop()
            server.shutdown()
            thread.join()
