"""What a proxy before a store notes of a request, and how it may spoil one."""

import re
from dataclasses import dataclass, field
from enum import Enum
from threading import Event

PATIENCE = 60.0


class Action(Enum):
    """What happens to a request that a fault strikes."""

    PASS = "pass"  # noqa: S105 - to see one go by: `reached`
    DELAY = "delay"  # forwarded after `seconds`
    HOLD = "hold"  # forwarded once the test calls `release`
    HOLD_AFTER = "hold after"  # the store's answer passed on once the test calls `release`
    DROP_BEFORE = "drop before"  # never forwarded: the client sees a reset
    DROP_AFTER = "drop after"  # done by the store: the client sees a reset instead of the answer
    STATUS = "status"  # never forwarded: answered with `status`
    TRUNCATE = "truncate"  # the answer's body ends after `keep` bytes


@dataclass
class Request:
    """One request as it went by; bytes are those of the bodies on the wire."""

    method: str
    target: str
    if_none_match: str | None
    if_match: str | None
    status: int | None = None  # None: no answer, from the store or from a fault
    sent: int = 0
    received: int = 0

    def matches(self, method: str | None, path: str | None) -> bool:
        """Say whether it is of this method, and its path and query hold this pattern."""
        return method in {None, self.method} and (not path or bool(re.search(path, self.target)))


@dataclass
class Fault:
    """Which requests are struck, and how: the `nth` that matches, and `times - 1` after it."""

    action: Action
    method: str
    path: str
    nth: int = 1
    times: int = 1
    status: int = 503
    code: str = "SlowDown"
    seconds: float = 0.0
    keep: int = 0
    seen: int = 0
    struck: int = 0
    reached: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)

    def strikes(self, request: Request) -> bool:
        """Count the request, if it matches, and say whether it is one to strike."""
        if not request.matches(self.method, self.path):
            return False
        self.seen += 1
        strikes = self.nth <= self.seen < self.nth + self.times
        self.struck += strikes
        return strikes

    def wait(self) -> None:
        """Wait until a request has been struck, and for HOLD_AFTER until the store has done it."""
        if not self.reached.wait(PATIENCE):
            raise TimeoutError(f"no {self.method} of {self.path} came")

    def release(self) -> None:
        """Let requests that are held go on."""
        self.released.set()
