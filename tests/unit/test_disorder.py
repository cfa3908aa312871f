"""A replay's events: what is drawn, in which order, and what it leaves true."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from barlake.model.errors import InputError
from barlake.streaming.disorder import Odds, disordered
from barlake.streaming.events import FUTURE, Bar, Event, Fault, Kind, digest, encode
from barlake.streaming.replay import since

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
PROBABILITY = st.sampled_from([0.0, 0.02, 0.3, 1.0])
ODDS = st.builds(
    Odds,
    late=PROBABILITY,
    duplicate=PROBABILITY,
    correct=PROBABILITY,
    drop=PROBABILITY,
    malform=PROBABILITY,
    future=PROBABILITY,
)
KEYS = st.sets(st.tuples(st.sampled_from(["A", "BB", "C.D"]), st.integers(0, 389)), max_size=60)
SEEDS = st.integers(0, 2**32)
INVALID = {Kind.MALFORMED, Kind.FUTURE}
many = settings(max_examples=60)


def bar(ticker: str, minute: int) -> Bar:
    ts = OPEN + timedelta(minutes=minute)
    return Bar(ticker, ts, 10.0 + minute, 11.0 + minute, 9.5 + minute, 10.5, minute, minute % 3)


def bars(keys: set[tuple[str, int]]) -> list[Bar]:
    return [bar(*key) for key in sorted(keys)]


@many
@given(keys=KEYS, seed=SEEDS)
def test_without_odds_the_bars_come_by_minute_then_ticker(
    keys: set[tuple[str, int]], seed: int
) -> None:
    events = disordered(bars(keys), Odds(), seed)
    assert [event.bar for event in events] == sorted(bars(keys), key=lambda b: (b.ts, b.ticker))
    assert {(e.kind, e.fault) for e in events} <= {(Kind.BAR, None)}
    assert all(event.at == event.bar.ts + timedelta(minutes=1) for event in events)


@many
@given(keys=KEYS, odds=ODDS, seed=SEEDS, shuffled=st.randoms(use_true_random=False))
def test_the_same_seed_gives_the_same_events(
    keys: set[tuple[str, int]], odds: Odds, seed: int, shuffled: object
) -> None:
    given_bars = bars(keys)
    again = list(given_bars)
    shuffled.shuffle(again)  # type: ignore[attr-defined]
    once, twice = disordered(given_bars, odds, seed), disordered(again, odds, seed)
    assert once == twice
    assert digest(once) == digest(twice)
    assert [event.at for event in once] == sorted(event.at for event in once)


@many
@given(keys=KEYS, odds=ODDS, seed=SEEDS)
def test_the_last_revision_says_what_the_bars_do(
    keys: set[tuple[str, int]], odds: Odds, seed: int
) -> None:
    events = disordered(bars(keys), odds, seed)
    believed: dict[tuple[str, datetime], Bar] = {}
    for event in events:
        key = (event.bar.ticker, event.bar.ts)
        is_news = key not in believed or event.bar.revision > believed[key].revision
        if event.kind not in INVALID and is_news:
            believed[key] = event.bar
    for found in believed.values():
        held = bar(found.ticker, int((found.ts - OPEN) / timedelta(minutes=1)))
        assert found._replace(revision=held.revision) == held
    if odds.drop == 0:
        assert len(believed) == len(keys)
    if odds.drop == 1:
        assert not believed


@many
@given(keys=KEYS, odds=ODDS, seed=SEEDS)
def test_fewer_tickers_are_a_part_of_the_whole(
    keys: set[tuple[str, int]], odds: Odds, seed: int
) -> None:
    whole = disordered(bars(keys), odds, seed)
    part = disordered([b for b in bars(keys) if b.ticker == "BB"], odds, seed)
    assert part == [event for event in whole if event.bar.ticker == "BB"]


@many
@given(keys=KEYS, odds=ODDS, seed=SEEDS, minute=st.integers(0, 420))
def test_a_later_beginning_is_the_end_of_the_whole(
    keys: set[tuple[str, int]], odds: Odds, seed: int, minute: int
) -> None:
    whole = disordered(bars(keys), odds, seed)
    moment = OPEN + timedelta(minutes=minute)
    part = since(whole, moment)
    assert part == whole[len(whole) - len(part) :]
    assert all(event in part for event in whole if event.bar.ts >= moment)
    assert all(event.at > moment for event in part)


def test_odds_are_met() -> None:
    held = bars({(ticker, minute) for ticker in "ABCDEFGH" for minute in range(390)})
    odds = Odds(late=0.05, duplicate=0.05, correct=0.02, drop=0.01, malform=0.01, future=0.01)
    found = Counter(event.kind for event in disordered(held, odds, 3))
    share = {kind: count / len(held) for kind, count in found.items()}
    assert share[Kind.LATE] == pytest.approx(0.05, abs=0.015)
    assert share[Kind.DUPLICATE] == pytest.approx(0.05, abs=0.015)
    assert share[Kind.CORRECTED] == share[Kind.SPOILED] == pytest.approx(0.02, abs=0.01)
    assert share[Kind.MALFORMED] == pytest.approx(0.01, abs=0.006)
    assert share[Kind.FUTURE] == pytest.approx(0.01, abs=0.006)
    first = found[Kind.BAR] + found[Kind.LATE] + found[Kind.SPOILED]
    assert 1 - first / len(held) == pytest.approx(0.01, abs=0.006)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(InputError, match=r"drop is .*: a probability is from 0 to 1"):
        Odds(drop=wrong)


def test_a_message_is_json_of_a_bar() -> None:
    event = Event(OPEN, Kind.BAR, bar("BB", 2))
    key, value = encode(event, datetime(2026, 11, 28, 9, 0, 0, 250_000, tzinfo=UTC))
    assert key == b"BB"
    assert value == (
        b'{"ticker":"BB","ts":"2026-11-20T14:32:00Z","open":12.0,"high":13.0,"low":11.5,'
        b'"close":10.5,"volume":2,"revision":2,"produced_at":"2026-11-28T09:00:00.250000Z"}'
    )


def test_each_fault_is_one() -> None:
    sent = {
        fault: encode(Event(OPEN, Kind.MALFORMED, bar("BB", 2), fault), OPEN) for fault in Fault
    }
    whole = encode(Event(OPEN, Kind.BAR, bar("BB", 2)), OPEN)[1]
    assert sent[Fault.TOMBSTONE] == (b"BB", None)
    assert sent[Fault.NULL_KEY] == (None, whole)
    with pytest.raises(UnicodeDecodeError):
        (sent[Fault.INVALID_UTF8][1] or b"").decode()
    with pytest.raises(json.JSONDecodeError):
        json.loads(sent[Fault.NOT_JSON][1] or b"")
    good = json.loads(whole or b"")
    assert set(good) - set(json.loads(sent[Fault.MISSING_FIELD][1] or b"")) == {"close"}
    assert json.loads(sent[Fault.WRONG_TYPE][1] or b"") == {**good, "volume": "many"}
    assert len(sent[Fault.HUGE][1] or b"") > 2_000_000


def test_a_bar_of_the_future_is_ten_years_ahead() -> None:
    _, value = encode(Event(OPEN, Kind.FUTURE, bar("BB", 2)), OPEN)
    ts = datetime.fromisoformat(json.loads(value or b"")["ts"])
    assert ts == OPEN + timedelta(minutes=2) + FUTURE
