"""Between two batches is where a stream may stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class StoppedError(Exception):
    """A batch came after the gate was closed: it is left to the next start."""


class Gate:
    """Lets batches through until it is closed; closing waits for the one under way."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.is_closed = False

    def close(self) -> None:
        """Let no batch through any more."""
        with self._lock:
            self.is_closed = True

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Hold the gate open for one batch.

        Raises:
            StoppedError: It is closed.
        """
        with self._lock:
            if self.is_closed:
                raise StoppedError("the stream is stopping: this batch is left to the next start")
            yield
