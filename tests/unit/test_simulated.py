"""The simulated vendor: the truth, each manner alone, and what a request may change."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from barlake.calendar import Session, between
from barlake.model.errors import InputError
from barlake.model.landed import Outcome
from barlake.sources.absences import halt, is_sparse, outage
from barlake.sources.announcements import splits_of
from barlake.sources.exchange import Day, trading_day
from barlake.sources.manners import Chance, Correction, Delisting, Dividend, Manners, Split
from barlake.sources.restatements import back_end
from barlake.sources.simulated import SimulatedSource
from barlake.sources.source import SERVED_SCHEMA, Answer, Request

SEED = 7
NONE = Manners.none()
FRIDAY = date(2026, 11, 20)
OPEN, CLOSE = "2026-11-20T14:30:00Z", "2026-11-20T21:00:00Z"
PRICES = ("open_text", "high_text", "low_text", "close_text")
Served = dict[str, dict[str, Any]]


def ask(
    manners: Manners,
    *,
    ticker: str = "AAA",
    start: str = "2026-11-20T09:00:00Z",
    end: str = "2026-11-21T01:00:00Z",
    at: str = "2026-11-21T12:00:00Z",
) -> Answer:
    now = datetime.fromisoformat(at)
    source = SimulatedSource(seed=SEED, clock=lambda: now, manners=manners)
    asked = Request(
        ticker=ticker, start=datetime.fromisoformat(start), end=datetime.fromisoformat(end)
    )
    return source.fetch(asked)


def rows(manners: Manners, **how: str) -> list[dict[str, Any]]:
    served: list[dict[str, Any]] = ask(manners, **how).rows.to_pylist()
    return served


def by_ts(manners: Manners, **how: str) -> Served:
    return {row["ts_text"]: values(row) for row in rows(manners, **how)}


def values(row: dict[str, Any]) -> dict[str, Any]:
    """The bar alone, without what names its request."""
    return {k: v for k, v in row.items() if k not in {"request_id", "row", "fetched_at"}}


def changed(one: Served, other: Served) -> list[str]:
    assert one.keys() == other.keys()
    return [ts for ts in one if one[ts] != other[ts]]


def stamp(minute: int, *, session_date: date = FRIDAY) -> str:
    moment = session(session_date).open_utc + timedelta(minutes=minute)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@cache
def session(session_date: date) -> Session:
    return between(session_date, session_date)[0]


def day(ticker: str = "AAA", session_date: date = FRIDAY) -> Day:
    return Day(SEED, ticker, session(session_date))


def test_without_manners_every_regular_minute_is_served_and_nothing_else() -> None:
    answer = ask(NONE)

    assert answer.facts.outcome == Outcome.OK
    assert answer.rows["ts_text"].to_pylist() == [stamp(minute) for minute in range(390)]


def test_a_payload_is_text_in_the_served_schema() -> None:
    answer = ask(NONE)
    row = answer.rows.to_pylist()[1]

    assert answer.rows.schema.equals(SERVED_SCHEMA)
    assert answer.rows["row"].to_pylist() == list(range(answer.facts.rows))
    assert (row["ticker"], row["ts_text"]) == ("AAA", "2026-11-20T14:31:00Z")
    assert str(int(row["volume_text"])) == row["volume_text"]
    assert row["fetched_at"] == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert [row[name] for name in ("fetched_at_text", "raw", "split_text")] == [None] * 3


def test_a_request_is_named_by_what_it_asks_and_when() -> None:
    names = {
        ask(NONE, **how).facts.request_id
        for how in ({}, {}, {"ticker": "BBB"}, {"at": CLOSE}, {"start": OPEN}, {"end": CLOSE})
    }

    assert len(names) == 5
    assert all(len(name) == 32 for name in names)


def test_a_payload_is_the_same_in_any_order_of_asking_and_in_any_chunks() -> None:
    manners = replace(
        Manners.usual(), first_row=False, rate_limits=Chance(), partial_answers=Chance()
    )
    manners = replace(manners, duplicates=Chance(0.5), conflicting_duplicates=Chance(0.5))
    manners = replace(manners, sparse=Chance(at=("AAA",)), halts=Chance(0.5), flips=Chance(0.1))
    cuts = ["2026-11-16T05:00:00Z", "2026-11-17T16:02:00Z", "2026-11-20T15:40:00Z"]
    cuts.append("2026-11-20T17:00:00Z")
    for ticker in ("AAA", "BBB", "CCC"):
        running = {"ticker": ticker, "at": "2026-11-20T16:12:37Z"}
        whole = rows(manners, start=cuts[0], end=cuts[-1], **running)
        chunks = [rows(manners, start=a, end=b, **running) for a, b in reversed([*pairwise(cuts)])]

        assert [values(row) for row in whole] == [
            values(row) for chunk in reversed(chunks) for row in chunk
        ]
        assert len(whole) > 500


def test_another_seed_ticker_or_session_is_another_world() -> None:
    monday = session(date(2026, 11, 23))
    days = (day(), day("BBB"), Day(SEED + 1, "AAA", session(FRIDAY)), Day(SEED, "AAA", monday))
    worlds = [(one, trading_day(one, unit=1)) for one in days]

    # The seed and the session must be in every draw, not in the price level alone.
    assert len({(world.ts - one.opened).tobytes() for one, world in worlds}) == 4
    assert len({np.diff(world.prices).tobytes() for _, world in worlds}) == 4


def test_without_manners_a_later_fetch_says_nothing_else() -> None:
    early = by_ts(NONE, at="2026-11-20T18:00:30Z")
    late = by_ts(NONE, at="2026-12-30T18:00:30Z")

    assert len(early) == 211
    assert early == {ts: late[ts] for ts in early}


def test_only_minutes_that_have_begun_are_served() -> None:
    assert max(by_ts(NONE, at="2026-11-20T15:01:59.9Z")) == "2026-11-20T15:01:00Z"
    assert max(by_ts(NONE, at="2026-11-20T15:02:00Z")) == "2026-11-20T15:02:00Z"


def test_a_range_starts_inclusive_and_ends_exclusive() -> None:
    served = by_ts(NONE, start=stamp(3), end=stamp(5))

    assert list(served) == [stamp(3), stamp(4)]


@pytest.mark.parametrize(
    ("session_date", "first_bar", "opened"),
    [
        (date(2026, 3, 6), "2026-03-06T09:00:00Z", "2026-03-06T14:30:00Z"),
        (date(2026, 3, 9), "2026-03-09T08:00:00Z", "2026-03-09T13:30:00Z"),
        (date(2026, 10, 30), "2026-10-30T08:00:00Z", "2026-10-30T13:30:00Z"),
        (date(2026, 11, 2), "2026-11-02T09:00:00Z", "2026-11-02T14:30:00Z"),
    ],
)
def test_sessions_keep_new_york_time_across_dst(
    session_date: date, first_bar: str, opened: str
) -> None:
    morning = datetime.fromisoformat(first_bar)
    night = morning + timedelta(hours=16)
    span = {"start": f"{morning}", "end": f"{night}", "at": f"{night}"}
    stamps = trading_day(day(session_date=session_date), unit=1).ts

    assert (min(by_ts(NONE, **span)), len(by_ts(NONE, **span))) == (opened, 390)
    assert day(session_date=session_date).first_minute == morning.timestamp()
    assert morning.timestamp() <= stamps.min() < stamps.max() < night.timestamp()


def test_an_early_close_has_210_minutes_an_auction_and_a_post_market_to_20_00() -> None:
    short = {"start": "2026-11-27T09:00:00Z", "end": "2026-11-28T01:00:00Z"}
    late = {"at": "2026-11-28T12:00:00Z"}
    served = by_ts(Manners.only("closing_auction", "extended_hours"), **short, **late)
    regular = by_ts(NONE, **short, **late)

    assert (len(regular), max(regular)) == (210, "2026-11-27T17:59:00Z")
    assert int(served["2026-11-27T18:00:00Z"]["volume_text"]) > 0
    assert any(ts > "2026-11-27T22:00:00Z" for ts in served)


def test_highs_and_lows_hold_their_bars_and_prices_are_cents() -> None:
    for ticker in ("AAA", "BBB", "CCC", "DDD"):
        for held in between(date(2026, 11, 2), date(2026, 11, 27)):
            opened, high, low, close = trading_day(Day(SEED, ticker, held), unit=1).prices

            assert (high >= np.maximum(opened, close)).all()
            assert (low <= np.minimum(opened, close)).all()
            assert low.min() > 0
            assert np.array_equal(np.round(close, 2), close)


def test_every_payload_of_the_usual_vendor_is_consistent() -> None:
    for ticker in ("AAA", "BBB", "CCC", "DDD"):
        for row in rows(Manners.usual(), ticker=ticker, at="2026-11-20T18:07:23Z"):
            opened, high, low, close = (float(row[name]) for name in PRICES)

            assert high >= max(opened, close)
            assert min(opened, close) >= low > 0


def test_the_price_level_runs_on_over_nights_and_years() -> None:
    days = [
        trading_day(day(session_date=s.session_date), unit=1).prices
        for s in between(date(2024, 1, 1), date(2026, 11, 20))
    ]
    gaps = [after[0, 0] / before[-1, -1] - 1 for before, after in pairwise(days)]

    assert max(map(abs, gaps)) < 0.12
    assert np.count_nonzero(gaps) > 0.99 * len(gaps)
    assert 1 < min(d.min() for d in days) < max(d.max() for d in days) < 5_000


def test_volume_is_u_shaped() -> None:
    days = [trading_day(Day(SEED, f"T{n}", session(FRIDAY)), unit=1).volume for n in range(20)]
    traded = [volume[volume > 0][:390] for volume in days]
    edges = [(v[:30].mean() + v[-30:].mean()) / v[165:225].mean() for v in traded]

    assert np.median(edges) > 4


def test_sparse_tickers_trade_in_30_to_60_percent_of_their_minutes() -> None:
    one = Manners(sparse=Chance(at=("AAA",)))
    tenth = Manners.only("sparse")
    count = sum(is_sparse(SEED, f"T{n}", tenth) for n in range(1_000))

    assert 0.25 * 390 < len(by_ts(one)) < 0.65 * 390
    assert len(by_ts(one, ticker="BBB")) == 390
    assert by_ts(one).items() <= by_ts(NONE).items()
    assert by_ts(one) == by_ts(one)
    assert 70 < count < 130


def test_a_halt_is_one_run_of_5_to_60_minutes_of_one_ticker_and_session() -> None:
    manners = Manners(halts=Chance(at=(("AAA", FRIDAY),)))
    served = by_ts(manners)
    halted = [ts for ts in by_ts(NONE) if ts not in served]
    elsewhere = {"start": "2026-11-19T09:00Z", "end": "2026-11-20T01:00Z"}

    assert halted == [stamp(minute) for minute in halt(day(), manners)]
    assert 5 <= len(halted) <= 60
    assert {stamp(0), stamp(389)} <= served.keys()
    assert by_ts(manners, ticker="BBB").keys() == by_ts(NONE).keys()
    assert len(by_ts(manners, **elsewhere)) == 390


def test_halts_have_every_length_from_5_to_60() -> None:
    manners = Manners.only("halts", rate=1.0)
    lengths = {len(halt(day(f"T{n}"), manners)) for n in range(1_000)}

    assert lengths == set(range(5, 61))


def test_missing_minutes_are_single_holes_in_dense_tickers() -> None:
    served = by_ts(Manners.only("missing_minutes", rate=0.1))
    there = [stamp(minute) in served for minute in range(390)]
    sparse = Manners(sparse=Chance(at=("AAA",)))

    assert 15 < there.count(False) < 60
    assert all(a or b for a, b in pairwise(there))
    assert by_ts(replace(sparse, missing_minutes=Chance(0.1))) == by_ts(sparse)


def test_a_missing_minute_can_be_asked_for() -> None:
    lost = datetime.fromisoformat(stamp(7))
    manners = Manners(missing_minutes=Chance(at=(("AAA", lost),)))

    assert by_ts(NONE).keys() - by_ts(manners).keys() == {stamp(7)}
    assert len(by_ts(manners, ticker="BBB")) == 390


def test_an_outage_takes_the_same_two_minutes_from_every_ticker() -> None:
    manners = Manners(outages=Chance(at=(FRIDAY,)))
    lost = {stamp(minute) for minute in outage(day(), manners)}

    for ticker in ("AAA", "BBB", "CCC"):
        assert by_ts(NONE).keys() - by_ts(manners, ticker=ticker).keys() == lost
    assert len(lost) == 2
    assert not outage(day(session_date=date(2026, 11, 19)), manners)


def test_extended_hours_are_20_to_40_bars_without_volume_around_the_session() -> None:
    extended = Manners.only("extended_hours")
    regular = by_ts(NONE)
    added = {ts: bar for ts, bar in by_ts(extended).items() if ts not in regular}

    assert 20 <= len(added) <= 40
    assert {bar["volume_text"] for bar in added.values()} == {"0"}
    assert min(added) < OPEN < CLOSE < max(added)
    assert CLOSE not in added
    assert regular.items() <= by_ts(extended).items()


def test_extended_hours_run_from_04_00_to_20_00_new_york_time() -> None:
    extended = Manners.only("extended_hours")
    night = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-21T09:00:00Z"}
    stamps = {ts for n in range(60) for ts in by_ts(extended, ticker=f"T{n}", **night)}
    hours = {ts[:13] for ts in stamps}

    # The first hour, in UTC, is the end of Thursday's session.
    expected = ["2026-11-20T00", *(f"2026-11-20T{hour:02}" for hour in range(9, 24))]
    assert sorted(hours) == [*expected, "2026-11-21T00"]


def test_the_closing_auction_is_stamped_at_the_close_and_large() -> None:
    served = by_ts(Manners.only("closing_auction"))
    before = sum(int(bar["volume_text"]) for ts, bar in served.items() if ts != CLOSE)

    assert served.keys() - by_ts(NONE).keys() == {CLOSE}
    assert 0.01 < int(served[CLOSE]["volume_text"]) / before < 0.11


def test_a_running_session_ends_with_a_flat_live_row_stamped_with_the_fetch() -> None:
    at = "2026-11-20T16:12:37Z"
    *finished, live = rows(Manners.only("live_snapshot"), at=at)

    assert (live["ts_text"], live["volume_text"]) == (at, "0")
    assert len({live[name] for name in PRICES}) == 1
    assert [values(row) for row in finished] == [values(row) for row in rows(NONE, at=at)]


def test_a_live_row_on_the_minute_stands_in_for_the_minutes_bar() -> None:
    at = "2026-11-20T16:12:00Z"
    served = rows(Manners.only("live_snapshot"), at=at)

    assert [row["ts_text"] for row in served] == [row["ts_text"] for row in rows(NONE, at=at)]
    assert served[-1]["volume_text"] == "0"


@pytest.mark.parametrize("at", ["2026-11-20T14:29:59Z", CLOSE, "2026-11-20T22:00:01Z"])
def test_a_session_that_does_not_run_has_no_live_row(at: str) -> None:
    assert rows(Manners.only("live_snapshot"), at=at) == rows(NONE, at=at)


def test_the_last_16_minutes_are_provisional_and_no_other() -> None:
    manners, at = Manners.only("provisional"), "2026-11-20T16:12:37Z"
    differing = changed(by_ts(manners, at=at), by_ts(NONE, at=at))

    assert differing == [stamp(minute) for minute in range(87, 103)]
    assert by_ts(manners) == by_ts(NONE)


def test_the_first_provisional_bar_often_has_no_volume() -> None:
    manners = Manners.only("provisional")
    fetches = [f"2026-11-20T16:{minute}:37Z" for minute in range(20, 40)]
    firsts = [list(by_ts(manners, at=at).values())[-16:] for at in fetches]
    silent = sum(bars[0]["volume_text"] == "0" for bars in firsts)

    assert 8 < silent < 20
    assert all(bar["volume_text"] != "0" for bars in firsts for bar in bars[1:])


def test_the_first_row_of_a_request_inside_a_session_has_no_volume() -> None:
    manners, start = Manners.only("first_row"), stamp(60)
    differing = changed(by_ts(manners, start=start), by_ts(NONE, start=start))

    assert differing == [start]
    assert by_ts(manners, start=start)[start]["volume_text"] == "0"
    assert by_ts(manners, start=OPEN) == by_ts(NONE, start=OPEN)


def test_a_finished_bar_flips_between_two_values_with_the_back_end() -> None:
    bar = datetime.fromisoformat(stamp(40))
    manners = Manners(flips=Chance(at=(("AAA", bar),)))
    x, y, again = (by_ts(manners, at=f"2026-11-21T{hour}:30:00Z") for hour in (11, 12, 13))

    assert changed(x, y) == [stamp(40)]
    assert x == again == by_ts(NONE)
    assert back_end(datetime(2026, 11, 21, 12, tzinfo=UTC)) == 1


def test_a_bar_does_not_flip_before_it_is_finished() -> None:
    bars = tuple(("AAA", datetime.fromisoformat(stamp(minute))) for minute in (145, 146, 147))
    manners, at = Manners(flips=Chance(at=bars)), "2026-11-20T17:12:37Z"

    assert changed(by_ts(manners, at=at), by_ts(NONE, at=at)) == [stamp(145), stamp(146)]


def test_half_of_the_flips_are_at_the_open_and_a_quarter_past() -> None:
    manners = Manners.only("flips", rate=0.01)
    tickers = [f"T{n}" for n in range(50)]
    flips = [ts for t in tickers for ts in changed(by_ts(manners, ticker=t), by_ts(NONE, ticker=t))]
    lively = sum(ts in {stamp(0), stamp(15)} for ts in flips)

    assert 0.35 < lively / len(flips) < 0.65
    assert 100 < len(flips) < 300


def test_a_duplicate_is_one_row_that_comes_twice_identically() -> None:
    served = rows(Manners(duplicates=Chance(at=(("AAA", FRIDAY),))))
    twice = [a for a, b in pairwise(served) if values(a) == values(b)]

    assert (len(served), len(twice)) == (391, 1)
    assert [row["row"] for row in served] == list(range(391))


def test_any_row_of_a_session_may_come_twice() -> None:
    manners = Manners.only("duplicates", rate=1.0)
    payloads = [rows(manners, ticker=f"T{n}") for n in range(10)]
    twice = {
        a["ts_text"] for served in payloads for a, b in pairwise(served) if values(a) == values(b)
    }

    assert len(twice) > 5


def test_a_conflicting_duplicate_has_other_values_the_second_time() -> None:
    served = rows(Manners(conflicting_duplicates=Chance(at=(("AAA", FRIDAY),))))
    twice = [(a, b) for a, b in pairwise(served) if a["ts_text"] == b["ts_text"]]

    assert (len(served), len(twice)) == (391, 1)
    assert values(twice[0][0]) == by_ts(NONE)[twice[0][0]["ts_text"]]
    assert twice[0][0]["close_text"] != twice[0][1]["close_text"]


def test_a_corrected_bar_is_another_for_every_fetch_from_then_on() -> None:
    known_at = datetime(2026, 11, 24, 13, tzinfo=UTC)
    correction = Correction(ticker="AAA", session_date=FRIDAY, known_at=known_at, minute=5)
    manners = Manners(corrections=Chance(at=(correction,)))
    monday = {"start": "2026-11-23T09:00Z", "end": "2026-11-24T01:00Z", "at": "2026-12-24T13:00Z"}
    after, much_later = (by_ts(manners, at=f"2026-{day}T13:00:00Z") for day in ("11-24", "12-24"))

    assert by_ts(manners, at="2026-11-24T12:59:59Z") == by_ts(NONE)
    assert changed(after, by_ts(NONE)) == [stamp(5)]
    assert after[stamp(5)]["volume_text"] != by_ts(NONE)[stamp(5)]["volume_text"]
    assert after == much_later
    assert by_ts(manners, ticker="BBB", at="2026-12-24T13:00Z") == by_ts(NONE, ticker="BBB")
    assert by_ts(manners, **monday) == by_ts(NONE, **monday)


def test_a_drawn_correction_changes_one_bar_1_to_5_days_after_the_close() -> None:
    manners = Manners.only("corrections", rate=1.0)

    assert by_ts(manners, at="2026-11-21T20:59:59Z") == by_ts(NONE)
    assert len(changed(by_ts(manners, at="2026-11-25T21:00:00Z"), by_ts(NONE))) == 1


def test_float_noise_is_that_of_32_bit_floats() -> None:
    noisy, truth = by_ts(Manners.only("float_noise")), by_ts(NONE)

    assert any(len(bar["close_text"]) > 10 for bar in noisy.values())
    for ts, bar in noisy.items():
        for name in PRICES:
            assert bar[name] == repr(float(np.float32(truth[ts][name]))).removesuffix(".0")
        assert bar["volume_text"] == truth[ts]["volume_text"]


def test_earlier_sessions_are_served_in_the_new_unit_from_the_splits_open_on() -> None:
    split = Split(ticker="AAA", ex_date=date(2026, 11, 23), ratio=4)
    manners = Manners(splits=Chance(at=(split,)))
    before, after = (by_ts(manners, at=f"2026-11-23T14:{minute}Z") for minute in ("29:59", "30:00"))

    assert before == by_ts(NONE)
    assert changed(after, by_ts(NONE)) == list(after)
    for ts, bar in after.items():
        assert float(bar["close_text"]) * 4 == pytest.approx(float(before[ts]["close_text"]))
        assert int(bar["volume_text"]) == 4 * int(before[ts]["volume_text"])
    assert by_ts(manners, ticker="BBB", at="2026-11-24T12:00:00Z") == by_ts(NONE, ticker="BBB")


def test_a_split_is_told_on_the_first_row_of_its_session_which_trades_in_the_new_unit() -> None:
    split = Split(ticker="AAA", ex_date=date(2026, 11, 21), ratio=4)  # a Saturday: on Monday, then
    monday = {"start": "2026-11-23T09:00Z", "end": "2026-11-24T01:00Z", "at": "2026-11-25T12:00Z"}
    told = rows(Manners(splits=Chance(at=(split,)), extended_hours=True), **monday)
    old = by_ts(Manners(extended_hours=True), **monday)

    assert [(row["ts_text"], row["split_text"]) for row in told if row["split_text"]] == [
        ("2026-11-23T14:30:00Z", "4")
    ]
    for row in told:
        price = float(old[row["ts_text"]]["close_text"])
        volume = int(old[row["ts_text"]]["volume_text"])
        assert float(row["close_text"]) == pytest.approx(price / 4, abs=0.011)
        assert int(row["volume_text"]) == pytest.approx(volume * 4, abs=4)


def test_a_fetch_that_spans_a_split_is_in_one_unit() -> None:
    split = Split(ticker="AAA", ex_date=date(2026, 11, 23), ratio=10)
    both = {"end": "2026-11-24T01:00Z", "at": "2026-11-24T12:00Z"}
    closes = [float(r["close_text"]) for r in rows(Manners(splits=Chance(at=(split,))), **both)]

    assert len(closes) == 780
    assert max(closes) / min(closes) < 1.5


def test_drawn_splits_are_rare() -> None:
    manner = Manners.only("splits").splits
    splits = [split for n in range(100) for split in splits_of(f"T{n}", SEED, manner)]

    assert 30 < len(splits) < 100  # 63 years, 100 tickers, one in a hundred


def test_a_dividend_is_told_on_the_first_regular_row_of_its_session_and_changes_nothing() -> None:
    dividend = Dividend(ticker="AAA", ex_date=FRIDAY, value=0.24)
    manners = Manners(dividends=Chance(at=(dividend,)), extended_hours=True)
    served, truth = by_ts(manners), by_ts(Manners(extended_hours=True))

    assert served[OPEN]["dividend_text"] == "0.24"
    assert changed(served, truth) == [OPEN]
    assert served[OPEN]["close_text"] == truth[OPEN]["close_text"]
    assert not any(row["dividend_text"] for row in rows(manners, ticker="BBB"))


@pytest.mark.parametrize("ticker", ["AAA", "BBB", "CCC", "DDD"])
def test_a_drawn_dividend_comes_once_a_quarter(ticker: str) -> None:
    manners = Manners.only("dividends", rate=1.0)
    quarter = {"start": "2026-07-01T01:00Z", "end": "2026-10-01T01:00Z", "at": "2026-10-02T00:00Z"}
    served = rows(manners, ticker=ticker, **quarter)

    assert len([row for row in served if row["dividend_text"]]) == 1


@pytest.mark.parametrize("manners", [Manners.only("unknown_tickers"), Manners.usual()])
def test_an_unknown_ticker_has_an_outcome_and_no_rows(manners: Manners) -> None:
    answer = ask(manners, ticker="ZZTOP")

    assert answer.facts.outcome == Outcome.UNKNOWN_TICKER
    assert answer.facts.detail == "No data found, symbol may be delisted"
    assert (answer.rows.num_rows, answer.facts.rows) == (0, 0)
    assert answer.rows.schema.equals(SERVED_SCHEMA)
    assert ask(NONE, ticker="ZZTOP").facts.outcome == Outcome.OK


def test_a_delisted_ticker_has_no_bars_from_its_date_on() -> None:
    manners = Manners(
        delistings=(Delisting(ticker="AAA", first_without=FRIDAY),), live_snapshot=True
    )
    thursday = {"start": "2026-11-19T09:00:00Z", "end": "2026-11-20T01:00:00Z"}

    assert ask(manners, at="2026-11-20T15:00:01Z").facts.outcome == Outcome.EMPTY_UNEXPECTED
    assert len(rows(manners, **thursday)) == 390
    assert len(rows(manners, ticker="BBB")) == 390


@pytest.mark.parametrize(
    ("start", "end", "at"),
    [
        ("2026-11-21T09:00Z", "2026-11-22T20:00Z", "2026-11-25T12:00Z"),  # a weekend
        ("2026-11-26T09:00Z", "2026-11-27T01:00Z", "2026-11-27T12:00Z"),  # Thanksgiving
        ("2026-11-20T09:00Z", "2026-11-20T14:30Z", "2026-11-25T12:00Z"),  # before the open
        ("2026-11-20T09:00Z", "2026-11-20T21:00Z", "2026-11-20T14:00Z"),  # not yet open
        ("2026-12-20T09:00Z", "2026-12-23T21:00Z", "2026-11-20T14:00Z"),  # to come
    ],
)
def test_a_range_without_a_regular_minute_is_empty_as_expected(
    start: str, end: str, at: str
) -> None:
    assert ask(NONE, start=start, end=end, at=at).facts.outcome == Outcome.EMPTY_EXPECTED


def test_a_range_within_a_halt_is_empty_unexpectedly() -> None:
    manners = Manners(halts=Chance(at=(("AAA", FRIDAY),)))
    gone = halt(day(), manners)

    answer = ask(manners, start=stamp(gone.start), end=stamp(gone.stop))

    assert answer.facts.outcome == Outcome.EMPTY_UNEXPECTED


def test_a_request_beyond_the_horizon_is_refused_to_the_second() -> None:
    manners, start = Manners.only("horizon"), "2026-11-20T14:30:00Z"
    kept, refused = (
        ask(manners, start=start, at=f"2026-12-20T14:30:0{second}Z").facts for second in (0, 1)
    )

    assert kept.outcome == Outcome.OK
    assert refused.outcome == Outcome.ERROR
    assert refused.detail == (
        "1m data not available for startTime=1795185000 and endTime=1795222800. "
        "The requested range must be within the last 30 days."
    )


def test_a_request_longer_than_8_days_is_refused_to_the_second() -> None:
    manners, start = Manners.only("window"), "2026-11-12T14:30:00Z"
    kept, refused = (
        ask(manners, start=start, end=f"2026-11-20T14:30:0{second}Z").facts for second in (0, 1)
    )

    assert kept.outcome == Outcome.OK
    assert refused.outcome == Outcome.ERROR
    assert refused.detail.endswith(
        "Only 8 days worth of 1m granularity data are allowed to be fetched per request."
    )


def test_some_requests_are_rate_limited_and_the_same_ones_each_time() -> None:
    manners = Manners.only("rate_limits", rate=0.3)
    outcomes, again = (
        [ask(manners, at=f"2026-11-21T12:00:{s:02}Z").facts.outcome for s in range(60)]
        for _ in range(2)
    )

    assert outcomes == again
    assert 8 < outcomes.count(Outcome.RATE_LIMITED) < 30
    assert set(outcomes) == {Outcome.OK, Outcome.RATE_LIMITED}


def test_a_rate_limited_request_has_no_rows() -> None:
    answer = ask(Manners(rate_limits=Chance(at=("AAA",))))

    assert (answer.facts.outcome, answer.rows.num_rows) == (Outcome.RATE_LIMITED, 0)
    assert ask(Manners(rate_limits=Chance(at=("BBB",)))).facts.outcome == Outcome.OK


def test_a_partial_answer_is_the_beginning_of_the_payload() -> None:
    answer = ask(Manners.only("partial_answers", rate=1.0))
    served = [values(row) for row in answer.rows.to_pylist()]

    assert answer.facts.outcome == Outcome.PARTIAL
    assert 0 < len(served) < 390
    assert answer.facts.rows == len(served)
    assert served == list(by_ts(NONE).values())[: len(served)]


def test_a_partial_answer_has_at_least_one_row() -> None:
    manners, two = Manners.only("partial_answers", rate=1.0), {"end": stamp(2)}
    fetches = [f"2026-11-21T12:00:{second}Z" for second in range(10, 40)]

    assert {len(rows(manners, at=at, **two)) for at in fetches} == {1}


def test_a_manner_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InputError, match="naps"):
        Manners.only("halts", "naps")
    with pytest.raises(InputError, match=r"1\.5"):
        Manners.only("halts", rate=1.5)


def test_only_switches_on_what_it_names() -> None:
    assert Manners.only() == NONE
    assert Manners.only("float_noise") == Manners(float_noise=True)
    assert Manners.only("halts", "flips", rate=0.5) == Manners(halts=Chance(0.5), flips=Chance(0.5))


@pytest.mark.parametrize(
    "change",
    [{"ticker": None}, {"start": None}, {"end": None}, {"start": datetime(2026, 11, 20)}],  # noqa: DTZ001
)
def test_a_request_that_no_vendor_understands_is_an_error(change: dict[str, Any]) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    source = SimulatedSource(seed=SEED, clock=lambda: now, manners=NONE)
    good = Request(ticker="AAA", start=now - timedelta(days=1), end=now)

    assert source.fetch(good).facts.outcome == Outcome.OK
    with pytest.raises(InputError):
        source.fetch(replace(good, **change))


def test_the_source_asks_just_what_is_wanted_and_says_its_name() -> None:
    source = SimulatedSource(
        seed=SEED, clock=lambda: datetime(2026, 11, 21, tzinfo=UTC), manners=NONE
    )
    wanted = [Request(ticker="AAA"), Request(ticker="BBB")]

    assert source.requests(wanted) == wanted
    assert source.name == "simulated"
