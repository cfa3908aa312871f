"""How often a vendor is asked, and for how long it is asked again."""

import multiprocessing
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import Timeout

from barlake.sections import YahooSettings
from barlake.settings import load
from barlake.sources.pace import Breaker, Budget, SpentError, patiently

HOUR = 3600.0
Make = Callable[[], Budget]


class Clock:
    """A clock that only sleeping moves; `at` is in seconds."""

    def __init__(self) -> None:
        self.at = 1_000_000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.at += seconds


def fail(settings: YahooSettings, fault: Exception) -> None:
    """Try in vain; what an operating system says is tried again."""
    for attempt in patiently(settings, on=lambda cause: isinstance(cause, OSError)):
        with attempt:
            raise fault


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(tmp_path: Path, clock: Clock) -> Make:
    """Open the one budget: a request in half a second, and five a day."""

    def made() -> Budget:
        return Budget(
            tmp_path / "cache" / "requests.sqlite",
            interval_ms=500,
            per_day=5,
            now=clock.now,
            sleep=clock.sleep,
        )

    return made


def test_the_first_request_does_not_wait_and_the_next_ones_do(budget: Make, clock: Clock) -> None:
    ours = budget()

    for _ in range(3):
        ours.take()

    assert clock.slept == [0.501, 0.501]


def test_time_that_went_by_is_not_waited_for_again(budget: Make, clock: Clock) -> None:
    ours = budget()
    ours.take()
    clock.at += 0.4

    ours.take()

    assert clock.slept == [pytest.approx(0.101)]


def test_two_that_open_the_same_file_share_the_pace(budget: Make, clock: Clock) -> None:
    ours, theirs = budget(), budget()

    for one in [ours, theirs, ours, theirs]:
        one.take()

    assert clock.slept == [0.501] * 3


def test_two_that_open_the_same_file_share_the_day(budget: Make) -> None:
    ours, theirs = budget(), budget()
    for one in [ours, theirs, ours, theirs, ours]:
        one.take()

    for one in [ours, theirs]:
        with pytest.raises(
            SpentError, match=r"the 5 requests of a day are spent; the next in 24\.0"
        ):
            one.take()


def take_all(file: Path) -> int:
    """Take requests until none is left, in a process of its own."""
    ours = Budget(file, interval_ms=1, per_day=120, now=time.time, sleep=time.sleep)
    taken = 0
    with suppress(SpentError):
        while True:
            ours.take()
            taken += 1
    return taken


def test_processes_that_take_at_once_take_no_more_than_there_is(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        taken = pool.map(take_all, [tmp_path / "requests.sqlite"] * 3, chunksize=1)

    assert sum(taken) == 120


def test_one_who_takes_keeps_all_others_out_other_processes_too(budget: Make) -> None:
    """Between counting and taking, nobody else may count."""
    ours, theirs = budget(), budget()

    with ours._bucket.lock, pytest.raises(Timeout):
        theirs._bucket.lock.acquire(timeout=0.01)

    ours.take()


def test_one_who_opens_the_file_later_goes_on_where_it_stands(budget: Make) -> None:
    before = budget()
    for _ in range(5):
        before.take()
    before.close()

    with pytest.raises(SpentError):
        budget().take()


def test_a_day_later_there_are_requests_again(budget: Make, clock: Clock) -> None:
    ours = budget()
    for _ in range(5):
        ours.take()
        clock.at += HOUR

    with pytest.raises(SpentError):
        ours.take()
    clock.at += 19.5 * HOUR
    ours.take()

    assert clock.slept == []


def test_where_the_next_request_is_near_it_is_waited_for(budget: Make, clock: Clock) -> None:
    ours = budget()
    for _ in range(5):
        ours.take()
    clock.at += 23.5 * HOUR

    ours.take()

    assert sum(clock.slept[4:]) == pytest.approx(HOUR / 2, abs=5)


def test_the_breaker_opens_at_the_refusals_in_a_row_and_an_answer_closes_it() -> None:
    breaker = Breaker(limit=2, pauses=0, pause_seconds=150, sleep=lambda _: None)
    seen = []
    for is_refusal in [True, False, True, True]:
        breaker.saw(is_refusal=is_refusal)
        seen.append(breaker.is_open)

    assert seen == [False, False, False, True]


def test_the_breaker_waits_as_often_as_it_may_and_counts_on(clock: Clock) -> None:
    breaker = Breaker(limit=1, pauses=2, pause_seconds=150, sleep=clock.sleep)
    breaker.saw(is_refusal=True)

    assert [breaker.paused() for _ in range(4)] == [True, True, False, False]
    assert clock.slept == [150, 150]
    assert (breaker.is_open, breaker.refusals) == (True, 1)


def test_waits_double_with_jitter_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=slept.append))
    patience = {"attempts": 5, "wait_initial_seconds": 4.0, "wait_max_seconds": 20.0}
    settings = load().yahoo.model_copy(update=patience | {"wait_jitter_seconds": 2.0})

    with pytest.raises(OSError, match="no answer"):
        fail(settings, OSError("no answer"))

    lows = [4.0, 8.0, 16.0, 20.0]
    assert [low <= wait <= min(low + 2, 20.0) for low, wait in zip(lows, slept, strict=True)]
    assert len({wait - low for low, wait in zip(lows[:3], slept, strict=False)}) == 3


def test_what_is_not_accepted_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=slept.append))

    with pytest.raises(ValueError, match="for good"):
        fail(load().yahoo, ValueError("for good"))

    assert slept == []
