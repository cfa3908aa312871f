"""The parts of a replay: its schedule, its ledger, and what it does with a sender's answers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barlake.model.errors import BusyError, InputError
from barlake.streaming.acknowledged import Acknowledged, Head, ledger
from barlake.streaming.events import Bar, Event, Kind
from barlake.streaming.market_clock import MarketClock
from barlake.streaming.replay import replay
from barlake.streaming.schedule import Schedule

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
HEAD = Head("name", "bars", "digest", 5, {0: 7, 1: 0})


def events(count: int) -> list[Event]:
    """One bar a minute."""
    minute = timedelta(minutes=1)
    return [
        Event(OPEN + (n + 1) * minute, Kind.BAR, Bar("AAPL", OPEN + n * minute, 1, 1, 1, 1, n, 0))
        for n in range(count)
    ]


class Time:
    """A clock that only waiting moves, or whoever `takes` seconds for a message."""

    def __init__(self, takes: Callable[[int], float] = lambda _number: 0.0) -> None:
        self.seconds, self.takes = 1000.0, takes

    def now(self) -> float:
        return self.seconds

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds


class Broker:
    """A sender whose broker acknowledges the first messages, as many as it has `left`."""

    def __init__(self, noted: Acknowledged, time: Time, left: int = 10**6) -> None:
        self.noted, self.time, self.left = noted, time, left
        self.sent: list[tuple[int, float]] = []
        self.waiting: list[int] = []

    def send(self, number: int, key: bytes | None, value: bytes | None) -> None:
        assert key is not None
        assert value is not None
        self.sent.append((number, self.time.now()))
        self.waiting.append(number)
        self.time.pass_(self.time.takes(number))

    def serve(self, seconds: float) -> None:
        self.time.pass_(seconds)
        while self.waiting and self.left > 0:
            self.left -= 1
            number = self.waiting.pop(0)
            self.noted.note(number, 0, 7 + number)

    def finish(self) -> int:
        self.serve(0)
        return len(self.waiting)


def done(path: Path, count: int, *, left: int = 10**6, is_resumed: bool = False) -> list[int]:
    """Replay unpaced through a broker that goes away; give what was sent."""
    time = Time()
    with ledger(path, HEAD._replace(events=count), is_resumed=is_resumed) as noted:
        broker = Broker(noted, time, left)
        found = replay(events(count), broker, noted, Schedule(0, time.now), now=lambda: OPEN)
        assert found.unacknowledged == len(broker.waiting)
        assert found.is_whole == (len(noted.numbers) == count)
        return [number for number, _ in broker.sent]


@settings(max_examples=40)
@given(stops=st.lists(st.integers(0, 12), max_size=5))
def test_however_often_it_stops_each_message_is_acknowledged_once(
    tmp_path_factory: pytest.TempPathFactory, stops: list[int]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "ledger"
    for at, left in enumerate(stops):
        done(path, 20, left=left, is_resumed=at > 0)
    last = done(path, 20, is_resumed=True)
    lines = path.read_text("utf-8").splitlines()[1:]
    assert [int(line.split()[0]) for line in lines] == list(range(20))
    assert last == list(range(20))[min(sum(stops), 20) :]


@given(
    speed=st.sampled_from([1.0, 60.0, 2.5]),
    takes=st.lists(st.floats(0, 40), min_size=30, max_size=30),
)
def test_what_is_late_moves_nothing_that_follows(
    tmp_path_factory: pytest.TempPathFactory, speed: float, takes: list[float]
) -> None:
    time = Time(lambda number: takes[number])
    schedule = Schedule(speed, time.now)
    path = tmp_path_factory.mktemp("ledger") / "ledger"
    with ledger(path, HEAD, is_resumed=False) as noted:
        broker = Broker(noted, time)
        replay(events(30), broker, noted, schedule, now=lambda: OPEN)
    free = 0.0
    for number, at in broker.sent:
        due = 1000 + number * 60 / speed
        assert at == pytest.approx(max(due, free))
        free = at + takes[number]
    jitter = schedule.jitter()
    assert jitter is not None
    assert jitter["p50"] <= jitter["p99"] <= jitter["max"]
    assert schedule.behind == schedule.lateness[-1]


def test_without_pace_nothing_waits_and_nothing_is_late() -> None:
    time = Time()
    schedule = Schedule(0, time.now)
    assert all(schedule.wait(e.at, time.pass_, lambda: False) for e in events(3))
    schedule.sent(OPEN)
    assert (time.now(), schedule.jitter(), schedule.behind) == (1000.0, None, 0.0)


def test_a_stop_is_heard_while_waiting() -> None:
    time = Time()
    schedule = Schedule(1, time.now)
    first, second = events(2)
    assert schedule.wait(first.at, time.pass_, lambda: False)
    assert not schedule.wait(second.at, time.pass_, lambda: time.now() > 1010)
    assert time.now() < 1011


def test_a_ledger_keeps_what_was_noted_and_cuts_off_half_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a" / "ledger"
    with ledger(path, HEAD, is_resumed=True) as noted:
        assert (noted.numbers, noted.ends) == (set(), {0: 7, 1: 0})
        noted.note(0, 0, 7)
        noted.note(3, 1, 0)
        noted.keep()
        assert path.read_bytes().endswith(b"\n0 0 7\n3 1 0\n")
    with path.open("ab") as file:
        file.write(b"4 0 1")
    with ledger(path, HEAD._replace(replay="other", start={0: 9, 1: 9}), is_resumed=True) as noted:
        assert noted.head == HEAD
        assert (noted.numbers, noted.ends) == ({0, 3}, {0: 8, 1: 1})
        noted.note(4, 0, 8)
    assert path.read_bytes().endswith(b"\n0 0 7\n3 1 0\n4 0 8\n")
    with ledger(path, HEAD._replace(replay="new"), is_resumed=False) as noted:
        assert (noted.head.replay, noted.numbers) == ("new", set())
    assert path.read_text("utf-8").count("\n") == 1


@pytest.mark.parametrize("other", [{"topic": "other"}, {"digest": "other"}, {"events": 6}], ids=str)
def test_a_ledger_of_another_replay_is_refused(tmp_path: Path, other: dict[str, object]) -> None:
    with ledger(tmp_path / "l", HEAD, is_resumed=False) as noted:
        noted.note(0, 0, 7)
    kept = (tmp_path / "l").read_bytes()
    asked = HEAD._replace(**other)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="another replay"):
        ledger(tmp_path / "l", asked, is_resumed=True).__enter__()
    assert (tmp_path / "l").read_bytes() == kept


@pytest.mark.parametrize(
    ("text", "line"), [("nonsense\n", 1), ("[1]\n", 1), ("{}\n", 1), ("HEAD\n1 2\n", 2)]
)
def test_what_is_no_ledger_is_refused_and_kept(tmp_path: Path, text: str, line: int) -> None:
    with ledger(tmp_path / "l", HEAD, is_resumed=False) as noted:
        noted.keep()
    head = (tmp_path / "l").read_text("utf-8").strip()
    (tmp_path / "l").write_text(text.replace("HEAD", head), "utf-8")
    with pytest.raises(InputError, match=rf"line {line} of .* is no line of a replay's ledger"):
        ledger(tmp_path / "l", HEAD, is_resumed=True).__enter__()
    assert (tmp_path / "l").read_text("utf-8") == text.replace("HEAD", head)


def test_one_ledger_takes_one_replay_at_a_time(tmp_path: Path) -> None:
    with ledger(tmp_path / "l", HEAD, is_resumed=False) as noted:
        noted.note(0, 0, 7)
        with pytest.raises(BusyError, match="another replay writes"):
            ledger(tmp_path / "l", HEAD, is_resumed=False).__enter__()
    assert (tmp_path / "l").read_bytes().endswith(b"\n0 0 7\n")


def test_a_ledger_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=r"the ledger .* cannot be written"):
        ledger(tmp_path / "file" / "l", HEAD, is_resumed=False).__enter__()


def test_the_line_tells_market_time_speed_and_lag() -> None:
    time = Time()
    schedule = Schedule(60, time.now)
    first, second, third = events(3)
    schedule.due(first.at)
    time.pass_(2.25)
    schedule.sent(second.at)
    watch = MarketClock(schedule, 1234, {0})
    assert watch.line(third, 2) == (
        "market time 2026-11-20 09:33, 60x, 1.2 s behind, 3 of 1,234 sent, 2 not acknowledged yet"
    )
