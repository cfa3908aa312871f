"""Daily bars: what the simulated vendor puts into them, what files may say, where they land."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from barlake import landing
from barlake.io.folder import Folder
from barlake.model.errors import InputError
from barlake.model.landed import Kind, Outcome
from barlake.model.rules import DAILY_RULES, ROW_RULES
from barlake.pipelines.fetch import fetch, whole_range
from barlake.pipelines.rebuild import landed
from barlake.progress import Progress
from barlake.sources.files import FilesSource
from barlake.sources.manners import Chance, Correction, Manners, Split
from barlake.sources.simulated import SimulatedSource
from barlake.sources.source import SERVED_SCHEMA, Answer, DailySource, Request, asking

START, END = "2026-11-16T09:00:00Z", "2026-11-28T01:00:00Z"
AFTER = "2026-11-28T12:00:00Z"
FRIDAY, EARLY = "2026-11-20", "2026-11-27"
NONE = Manners.none()
PLAIN = Manners(closing_auction=True, extended_hours=True)
Bars = dict[str, dict[str, float]]


def vendor(manners: Manners, *, at: str = AFTER) -> SimulatedSource:
    moment = datetime.fromisoformat(at)
    return SimulatedSource(seed=7, clock=lambda: moment, manners=manners)


def asked(*, ticker: str = "AAA", start: str = START, end: str = END) -> Request:
    return Request(
        ticker=ticker, start=datetime.fromisoformat(start), end=datetime.fromisoformat(end)
    )


def daily(manners: Manners, *, at: str = AFTER, **how: str) -> Bars:
    """The daily bars that are served, by date."""
    served = vendor(manners, at=at).daily(asked(**how)).rows.to_pylist()
    return {row["ts_text"]: _numbers(row) for row in served}


def minutes(manners: Manners, *, at: str = AFTER, **how: str) -> dict[str, Bars]:
    """The regular minutes and the rest, by date and time."""
    found: dict[str, Bars] = {}
    for row in vendor(manners, at=at).fetch(asked(**how)).rows.to_pylist():
        found.setdefault(row["ts_text"][:10], {})[row["ts_text"][11:16]] = _numbers(row)
    return found


def _numbers(row: dict[str, Any]) -> dict[str, float]:
    return {name: float(row[f"{name}_text"]) for name in ("open", "high", "low", "close", "volume")}


def summed(bars: Bars, *, close: str = "21:00") -> dict[str, float]:
    """One bar of the regular minutes."""
    regular = [bar for time, bar in sorted(bars.items()) if "14:30" <= time < close]
    return {
        "open": regular[0]["open"],
        "high": max(bar["high"] for bar in regular),
        "low": min(bar["low"] for bar in regular),
        "close": regular[-1]["close"],
        "volume": sum(bar["volume"] for bar in regular),
    }


def test_without_manners_a_daily_bar_is_the_sum_of_its_minutes() -> None:
    days, bars = daily(NONE), minutes(NONE)

    assert list(days) == list(bars)
    assert EARLY in days
    assert all(
        days[day] == summed(bars[day], close="18:00" if day == EARLY else "21:00") for day in days
    )


def test_a_daily_bar_is_text_in_the_served_schema_with_a_date_for_its_time() -> None:
    answer = vendor(NONE).daily(asked())
    row = answer.rows.to_pylist()[0]

    assert answer.rows.schema.equals(SERVED_SCHEMA)
    assert (row["ts_text"], row["ticker"]) == ("2026-11-16", "AAA")
    assert answer.facts.rows == answer.rows.num_rows == 9
    assert answer.facts.request_id.endswith("-1d")
    assert answer.facts.request_id != vendor(NONE).fetch(asked()).facts.request_id


def test_a_daily_bar_closes_with_the_auction_on_most_days_early_ones_too() -> None:
    manners = replace(PLAIN, daily_auctions=Chance(1.0))
    days, bars = daily(manners), minutes(manners)

    for day, bar in days.items():
        close = "18:00" if day == EARLY else "21:00"
        regular, auction = summed(bars[day], close=close), bars[day][close]
        assert bar["close"] == auction["close"]
        assert bar["volume"] == regular["volume"] + auction["volume"]
        assert bar["high"] == max(regular["high"], auction["high"])
        assert bar["low"] == min(regular["low"], auction["low"])
    differing = [d for d in days if days[d]["close"] != daily(PLAIN)[d]["close"]]
    assert len(differing) >= 7


def test_a_daily_volume_counts_trades_that_no_minute_has() -> None:
    without = daily(replace(PLAIN, daily_auctions=Chance(1.0)))
    manners = replace(PLAIN, daily_auctions=Chance(1.0), daily_off_exchange=Chance(1.0))
    more = daily(manners)

    shares = [more[day]["volume"] / without[day]["volume"] for day in more]
    assert all(1.02 < share < 1.2 for share in shares)
    assert [{**bar, "volume": 0} for bar in more.values()] == [
        {**bar, "volume": 0} for bar in without.values()
    ]


def test_a_daily_bar_may_have_the_extremes_of_the_whole_day() -> None:
    case = ("AAA", date(2026, 11, 20))
    day = daily(replace(PLAIN, daily_extended=Chance(at=(case,))))[FRIDAY]
    whole = minutes(PLAIN)[FRIDAY].values()

    assert day["high"] == max(bar["high"] for bar in whole)
    assert day["low"] == min(bar["low"] for bar in whole)
    assert day["close"] == daily(PLAIN)[FRIDAY]["close"]


def test_a_daily_bar_holds_the_minutes_that_the_vendor_lost() -> None:
    lost = replace(NONE, missing_minutes=Chance(0.1))

    assert daily(lost) == daily(NONE)
    assert summed(minutes(lost)[FRIDAY])["volume"] < daily(lost)[FRIDAY]["volume"]


def test_a_halted_or_sparse_ticker_did_not_trade_in_its_daily_bar_either() -> None:
    quiet = replace(NONE, sparse=Chance(1.0), halts=Chance(1.0))

    assert daily(quiet)[FRIDAY] == summed(minutes(quiet)[FRIDAY])


def test_a_corrected_minute_is_corrected_in_the_daily_bar() -> None:
    known = datetime(2026, 11, 24, tzinfo=UTC)
    change = Correction(ticker="AAA", session_date=date(2026, 11, 20), known_at=known, minute=389)
    manners = replace(NONE, corrections=Chance(at=(change,)))

    assert daily(manners, at="2026-11-23T23:00:00Z")[FRIDAY] == daily(NONE)[FRIDAY]
    assert daily(manners)[FRIDAY] == summed(minutes(manners)[FRIDAY]) != daily(NONE)[FRIDAY]


def test_a_daily_bar_may_be_revised_while_no_minute_is() -> None:
    known = datetime(2026, 11, 24, tzinfo=UTC)
    change = Correction(ticker="AAA", session_date=date(2026, 11, 20), known_at=known)
    manners = replace(NONE, daily_revisions=Chance(at=(change,)))
    before, after = daily(manners, at="2026-11-23T23:00:00Z"), daily(manners)

    assert before[FRIDAY] == daily(NONE)[FRIDAY]
    assert after[FRIDAY]["close"] > before[FRIDAY]["close"]
    assert after[FRIDAY]["volume"] > before[FRIDAY]["volume"]
    assert minutes(manners) == minutes(NONE)


def test_daily_bars_before_a_split_are_served_in_the_new_unit_from_its_open_on() -> None:
    split = Split(ticker="AAA", ex_date=date(2026, 11, 23), ratio=4.0)
    manners = replace(NONE, splits=Chance(at=(split,)))
    before, after = daily(manners, at="2026-11-22T00:00:00Z"), daily(manners)

    assert after[FRIDAY]["close"] == before[FRIDAY]["close"] / 4
    assert after[FRIDAY]["volume"] == before[FRIDAY]["volume"] * 4


def test_a_running_session_has_a_daily_bar_of_what_has_traded_and_a_coming_one_none() -> None:
    noon = "2026-11-20T17:00:00Z"

    days = daily(NONE, at=noon)

    assert max(days) == FRIDAY
    assert days[FRIDAY]["volume"] < daily(NONE)[FRIDAY]["volume"]


def test_neither_the_horizon_nor_the_window_of_minutes_holds_for_daily_bars() -> None:
    manners = Manners.only("horizon", "window", "unknown_tickers", "delistings")
    long_ago = {"start": "2025-01-02T09:00:00Z", "end": END}

    assert vendor(manners).fetch(asked(**long_ago)).facts.outcome == Outcome.ERROR
    answer = vendor(manners).daily(asked(**long_ago))
    assert (answer.facts.outcome, answer.facts.rows) == (Outcome.OK, 478)
    unknown = vendor(manners).daily(asked(ticker="ZZTOP"))
    assert (unknown.facts.outcome, unknown.facts.rows) == (Outcome.UNKNOWN_TICKER, 0)


# --- files


HEADER = "ticker,ts,open,high,low,close,volume\n"
ROW = "AAPL,2026-11-20,100.25,101.5,99.75,100.5,1200\n"
NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)


def file(path: Path) -> FilesSource:
    return FilesSource(path=path, clock=lambda: NOW)


def read(path: Path) -> Answer:
    source = file(path)
    [request] = source.requests(())
    return source.daily(request)


def test_a_file_of_daily_bars_has_dates_and_another_id_than_as_minutes(tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    path.write_text(HEADER + ROW)
    answer = read(path)

    assert answer.rows["ts_text"].to_pylist() == [FRIDAY]
    [as_minutes] = file(path).answers()
    assert answer.facts.request_id == as_minutes.facts.request_id + "-1d"


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()])
def test_a_parquet_files_daily_bars_may_be_dated(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "days.parquet"
    day = pa.array([date(2026, 11, 20)], kind)
    prices = {name: [100.0] for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"ticker": ["AAPL"], "ts": day, **prices, "volume": [1]}), path)

    assert read(path).rows["ts_text"].to_pylist() == [FRIDAY]
    with pytest.raises(InputError, match=r"'ts' of type date"):
        file(path).answers()


def test_a_broken_file_of_daily_bars_is_refused_whole(tmp_path: Path) -> None:
    path = tmp_path / "days.csv"
    path.write_text("ticker,ts,open\nAAPL,2026-11-20,1\n")

    with pytest.raises(InputError, match="no column 'high'"):
        read(path)


def test_daily_bars_meet_the_rules_of_minutes_but_for_the_grid() -> None:
    others = {"day_format": "ts_format", "no_session": "outside_session"}

    assert [others.get(rule.name, rule.name) for rule in DAILY_RULES] == [
        rule.name for rule in ROW_RULES if rule.name != "ts_grid"
    ]


# --- landing


def landed_daily(store: Folder) -> list[landing.Batch]:
    requests = whole_range([asked(), asked(ticker="BBB")])
    source = vendor(NONE)
    return fetch(store, source, requests, per_batch=500, progress=Progress(), kind=Kind.DAILY)


def test_daily_bars_land_apart_once_and_no_minute_reader_sees_them(tmp_path: Path) -> None:
    store = Folder.at(str(tmp_path / "lake"))

    [batch], [again] = landed_daily(store), landed_daily(store)

    assert batch == again
    assert store.names("landing") == [batch.name]
    assert batch.name.startswith("landing/simulated-daily/")
    assert (batch.source, landing.batches(store)) == ("simulated", [])
    assert landing.batches(store, Kind.DAILY) == [batch]


def test_daily_bars_alone_decide_whether_a_lake_is_simulated(tmp_path: Path) -> None:
    store = Folder.at(str(tmp_path / "lake"))
    landed_daily(store)

    with pytest.raises(InputError, match="holds bars of simulated"):
        landing.refuse_mixing(store, "files")
    landing.refuse_mixing(store, "simulated")


def test_a_lake_is_rebuilt_from_its_daily_bars_too(tmp_path: Path) -> None:
    origin, target = (Folder.at(str(tmp_path / name)) for name in ("one", "two"))
    [batch] = landed_daily(origin)

    assert landed(origin, target) == [batch]
    landing.copy(origin, target, [batch])
    assert landing.batches(target, Kind.DAILY) == [batch]
    stranger = vendor(NONE).daily(asked(ticker="CCC"))
    landing.land(target, "simulated", [stranger], kind=Kind.DAILY)
    with pytest.raises(InputError, match="holds other bars"):
        landed(origin, target)


def test_one_request_a_ticker_covers_all_that_is_asked_of_it() -> None:
    later = (asked().end or NOW) + timedelta(days=7)
    parts = [asked(), replace(asked(), start=asked().end, end=later), asked(ticker="BBB")]

    assert whole_range(parts) == [replace(asked(), end=later), asked(ticker="BBB")]


def test_a_source_without_daily_bars_says_so() -> None:
    class Minutes:
        name = "minutes"

        def requests(self, wanted: list[Request]) -> list[Request]:
            return wanted

        def fetch(self, request: Request) -> Answer:
            return vendor(NONE).fetch(request)

    assert isinstance(vendor(NONE), DailySource)
    with pytest.raises(InputError, match="minutes has no daily bars"):
        asking(Minutes(), Kind.DAILY)  # type: ignore[arg-type]
