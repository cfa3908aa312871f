"""How often a vendor is asked: one budget for a host, patience after refusals, and when to stop."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import stamina
import structlog
from pyrate_limiter import Duration, Rate, RateItem, SQLiteBucket

from barlake.model.errors import BarlakeError
from barlake.sections import YahooSettings

logger = structlog.get_logger()

_DAY = int(Duration.DAY)


class SpentError(BarlakeError):
    """No request is left for now: the day's budget of this host is used up."""


class Budget:
    """The requests that all processes of a host may send together.

    They are kept in a file, under a lock that processes share: a second process, or the next one,
    goes on where the others are.

    Args:
        file: Where the requests of the last day are kept.
        interval_ms: The least time between two requests.
        per_day: The most requests within 24 hours.
        now: Gives the time in seconds since 1970, the same in all processes.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        file: Path,
        *,
        interval_ms: int,
        per_day: int,
        now: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rates = [Rate(1, interval_ms), Rate(per_day, _DAY)]
        self._bucket = SQLiteBucket.init_from_file(rates, db_path=str(file), use_file_lock=True)
        self._per_day = per_day
        self._now = now
        self._sleep = sleep

    def take(self) -> None:
        """Wait until one more request may go out.

        Raises:
            SpentError: None may within the hour.
        """
        while (wait_ms := self._wait_ms()) > 0:
            if wait_ms > int(Duration.HOUR):
                hours = wait_ms / int(Duration.HOUR)
                raise SpentError(
                    f"the {self._per_day} requests of a day are spent; the next in {hours:.1f} h"
                )
            self._sleep(wait_ms / 1000)

    def close(self) -> None:
        """Let go of the file."""
        self._bucket.close()  # type: ignore[no-untyped-call]

    def _wait_ms(self) -> int:
        """Take one request, or give how long there is none; both under the lock."""
        moment = int(self._now() * 1000)
        with self._bucket.lock:
            self._bucket.leak(moment)
            item = RateItem("request", moment)
            if self._bucket.put(item):
                return 0
            waiting = self._bucket.waiting(item)
        return max(waiting, 1) if isinstance(waiting, int) else 1


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Leaves a vendor alone after `limit` refusals in a row, whatever the ticker.

    A vendor that is away for minutes refuses at once, and would have a run give up before it is
    back: `pauses` times in a run, whoever is refused may wait, and ask once more.
    """

    limit: int
    pauses: int
    pause_seconds: float
    sleep: Callable[[float], None]
    refusals: int = 0

    @property
    def is_open(self) -> bool:
        """Whether nothing more is asked."""
        return self.refusals >= self.limit

    def saw(self, *, is_refusal: bool) -> None:
        """Count a refusal; any answer, even an empty one, starts the count anew."""
        self.refusals = self.refusals + 1 if is_refusal else 0

    def paused(self) -> bool:
        """Wait, and tell that one more question may go out; False where no pause is left."""
        if not self.pauses:
            return False
        self.pauses -= 1
        logger.warning("vendor paused", refusals=self.refusals, seconds=self.pause_seconds)
        self.sleep(self.pause_seconds)
        return True


def patiently(
    settings: YahooSettings, *, on: Callable[[Exception], bool]
) -> Iterable[stamina.Attempt]:
    """Try again after exceptions that `on` accepts, waiting longer each time, with jitter."""
    return stamina.retry_context(
        on=on,
        attempts=settings.attempts,
        timeout=None,
        wait_initial=settings.wait_initial_seconds,
        wait_max=settings.wait_max_seconds,
        wait_jitter=settings.wait_jitter_seconds,
    )
