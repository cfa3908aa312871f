"""When each event is due, by a clock that nobody sets."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WAIT_SECONDS = 0.5


@dataclass(slots=True)
class Schedule:
    """An absolute schedule: what is late does not move what follows, so that no drift adds up.

    `speed` is how much faster than the market it runs; 0 waits for nothing. `lateness` holds for
    each event how many seconds after its time it was sent.
    """

    speed: float
    clock: Callable[[], float] = time.monotonic
    lateness: list[float] = field(default_factory=list)
    _began: tuple[datetime, float] | None = None

    def due(self, at: datetime) -> float:
        """Give when an event of the market's time `at` is due; the first one asked for is now."""
        if self._began is None:
            self._began = at, self.clock()
        first, began = self._began
        return began + (at - first) / timedelta(seconds=1) / self.speed if self.speed else began

    def wait(
        self, at: datetime, pause: Callable[[float], object], is_stopped: Callable[[], bool]
    ) -> bool:
        """Wait until an event is due, in `pause`; False where the replay was stopped meanwhile.

        `pause` may come back early. It is called at least once, so that it can do its own work.
        """
        due = self.due(at)
        pause(0)
        while not is_stopped():
            left = due - self.clock()
            if left <= 0 or not self.speed:
                return True
            pause(min(left, WAIT_SECONDS))
        return False

    def sent(self, at: datetime) -> None:
        """Note that an event was sent now."""
        if self.speed:
            self.lateness.append(max(0.0, self.clock() - self.due(at)))

    @property
    def behind(self) -> float:
        """How many seconds after its time the last event was sent: the drift."""
        return self.lateness[-1] if self.lateness else 0.0

    def jitter(self) -> dict[str, float] | None:
        """Give the lateness of all events, in milliseconds; None where nothing was paced."""
        if not self.lateness:
            return None
        ordered = sorted(self.lateness)
        shares = {"p50": 0.5, "p99": 0.99, "max": 1.0}
        last = len(ordered) - 1
        return {name: round(1000 * ordered[round(last * s)], 1) for name, s in shares.items()}
