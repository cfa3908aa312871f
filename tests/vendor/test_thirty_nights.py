"""Thirty nights with Yahoo, from Thanksgiving to New Year's Day: nothing that was served is lost.

What the lake should hold is worked out from the log of the loopback server: every bar that it
served, when, and in shares as traded.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake import calendar, cli
from barlake.readers.frames import OpenLake
from tests.lake.conftest import _few_rows  # noqa: F401
from tests.vendor.charts import Events, Row, day_of
from tests.vendor.conftest import ask_on_loopback
from tests.vendor.loopback import TOO_MANY, UNKNOWN, Asked, Vendor, epoch, serving

pytestmark = pytest.mark.drill

TICKERS = ("AAPL", "MSFT", "NEWS")
FIRST, LAST = date(2026, 11, 23), date(2027, 1, 1)
NIGHTS = [
    day
    for day in (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    if day.weekday() < 5
]
SESSIONS = calendar.between(date(2026, 10, 26), LAST)
LOST_NIGHT = date(2026, 12, 9)
# Longer than what is read again each night: what it cost is asked for because it lacks.
OUTAGE = tuple(date(2026, 12, day) for day in (15, 16, 17, 18))
SPLIT = date(2026, 12, 14)
RATIO = 4
KNOWN_FROM = date(2026, 12, 1)  # Yahoo does not know NEWS before

Key = tuple[str, int]
Served = tuple[datetime, Row]


def minute(session_date: date, number: int) -> int:
    """Give the second at which a minute of a session starts."""
    [session] = calendar.between(session_date, session_date)
    return epoch(session.open_utc) + 60 * number


CORRECTED = minute(date(2026, 11, 30), 30)  # read again: a second revision
FLIPPED = minute(date(2026, 12, 4), 10)  # X, then Y, then X again
TOO_LATE = minute(date(2026, 12, 2), 5)  # corrected when nobody reads it again
HOLE = (minute(date(2026, 12, 3), 100), minute(date(2026, 12, 3), 101))  # filled the night after
X = 100.1
SAID = {
    date(2026, 12, 1): {CORRECTED: 100.2},
    date(2026, 12, 7): {FLIPPED: 100.2},
    date(2026, 12, 8): {FLIPPED: X},
    date(2026, 12, 16): {TOO_LATE: 100.2},
}


@dataclass(slots=True)
class World:
    """The vendor's truth in shares as traded, and what it served of it.

    `served` holds, for each ticker and minute, each value with the night that first saw it.
    """

    root: Path
    vendor: Vendor
    traded: dict[str, dict[int, Row]]
    now: datetime
    served: dict[Key, list[Served]] = field(default_factory=dict)
    codes: dict[date, int] = field(default_factory=dict)

    def dawns(self, night: date) -> None:
        """Bring the vendor to what it says in a night."""
        self.now = datetime.combine(night + timedelta(days=1), time(2), UTC)
        for ts, close in SAID.get(night, {}).items():
            self.traded["MSFT"][ts] = closing(ts, close)
        self.vendor.now = self.now.timestamp()
        self.vendor.bars = {name: self._told(name, night) for name in TICKERS}
        self.vendor.always = {"NEWS": UNKNOWN} if night < KNOWN_FROM else {}
        if night in OUTAGE:
            self.vendor.always = {"": TOO_MANY}
        if night >= SPLIT:
            self.vendor.events["AAPL"] = Events(splits=((minute(SPLIT, 0), RATIO, 1),))

    def watch(self, asked: Asked, answer: dict[str, Any]) -> dict[str, Any]:
        """Keep what an answer holds, as traded."""
        if asked.query["interval"] == "1m":
            for ts in answer["chart"]["result"][0].get("timestamp", ()):
                row = self.traded[asked.ticker][ts]
                known = self.served.setdefault((asked.ticker, ts), [])
                if not known or known[-1][1] != row:
                    known.append((self.now, row))
        return answer

    def _told(self, ticker: str, night: date) -> list[Row]:
        hidden = HOLE if night == date(2026, 12, 3) else ()
        rows = [row for ts, row in sorted(self.traded[ticker].items()) if ts not in hidden]
        is_split = ticker == "AAPL" and night >= SPLIT
        return [rescaled(row) if is_split and row[0] < minute(SPLIT, 0) else row for row in rows]


def closing(ts: int, close: float) -> Row:
    """Give a bar that closes so."""
    return ts, 100.0, 101.0, 99.0, close, 1_000


def rescaled(row: Row) -> Row:
    """Give a bar in the shares of after the split."""
    ts, *prices, volume = row
    opened, high, low, close = ((price or 0) / RATIO for price in prices)
    return ts, opened, high, low, close, (volume or 0) * RATIO


@pytest.fixture(scope="module")
def world(
    certificate: Path, tmp_path_factory: pytest.TempPathFactory, spark: SparkSession
) -> World:
    """Thirty nights, as a user runs them."""
    del spark  # one session for all
    root = tmp_path_factory.mktemp("thirty")
    with serving(certificate) as vendor, pytest.MonkeyPatch.context() as patch:
        ask_on_loopback(patch, vendor, certificate, root)
        days = [row for day in SESSIONS for row in day_of(day.session_date)]
        traded = {name: {row[0]: row for row in days} for name in TICKERS}
        world = World(root / "lake", vendor, traded, SESSIONS[0].open_utc)
        world.traded["MSFT"] |= {FLIPPED: closing(FLIPPED, X)}
        vendor.rewrite = world.watch
        for night in (night for night in NIGHTS if night != LOST_NIGHT):
            world.dawns(night)
            world.codes[night] = ran(world, "run", "--source", "yahoo")
    return world


def ran(world: World, *words: str) -> int:
    """Run a command at the world's time, and give its exit code."""
    same = ["--tickers", ",".join(TICKERS), "--as-of", world.now.isoformat(), "--json"]
    return cli._guarded(cli.app, [*words, *same, "--lake", str(world.root)])


@pytest.fixture(scope="module")
def lake(world: World) -> OpenLake:
    return barlake.open(str(world.root))


def test_silver_is_what_the_vendor_served_last(world: World, lake: OpenLake) -> None:
    rows = lake.sql(
        "SELECT ticker, ts, open, high, low, close, volume FROM silver.bars_1m WHERE NOT is_filled"
    )

    held = {(row[0], epoch(row[1])): row[2:] for row in rows.fetchall()}

    assert held == {key: told(known[-1][1]) for key, known in world.served.items()}


def test_bronze_tells_what_was_known_when(world: World, lake: OpenLake) -> None:
    """As served, noise and all; the split rescaled what was served before, and made no revision."""
    rows = lake.sql(
        "SELECT ticker, ts, fetched_at, open, high, low, close, volume FROM bronze.bars "
        "ORDER BY revision"
    )

    held: dict[Key, list[tuple[datetime, tuple[float, ...]]]] = {}
    for ticker, ts, fetched_at, *bar in rows.fetchall():
        held.setdefault((ticker, epoch(ts)), []).append((fetched_at, tuple(bar)))

    assert held == {
        key: [(known_at, row[1:]) for known_at, row in known] for key, known in world.served.items()
    }
    revised = {key: len(known) for key, known in held.items() if len(known) > 1}
    assert revised == {("MSFT", CORRECTED): 2, ("MSFT", FLIPPED): 3}


def test_a_lost_night_and_an_outage_of_four_days_lose_nothing(world: World) -> None:
    whole = [day for day in SESSIONS if day.session_date in {LOST_NIGHT, *OUTAGE}]
    minutes = {epoch(day.open_utc) + 60 * n for day in whole for n in range(day.minutes + 1)}

    assert {(name, ts) for name in TICKERS for ts in minutes} <= world.served.keys()
    assert {night for night, code in world.codes.items() if code == 3} == {*OUTAGE}
    assert set(world.codes.values()) == {0, 3}


def test_what_expired_before_the_vendor_knew_it_is_lost_and_says_so(
    world: World, lake: OpenLake, capsys: pytest.CaptureFixture[str]
) -> None:
    served = {(name, datetime.fromtimestamp(ts, UTC).date()) for name, ts in world.served}

    code = ran(world, "plan")

    lacks = json.loads(capsys.readouterr().out)["lacks"]
    lost = {(r["ticker"], date.fromisoformat(r["session"])) for r in lacks}
    every = {(name, day.session_date) for name in TICKERS for day in SESSIONS}
    assert (code, lost) == (0, every - served)
    assert {r["reason"] for r in lacks} == {"lost"}
    assert lost == {("NEWS", day.session_date) for day in SESSIONS[:6]}
    outcomes = lake.sql(
        "SELECT ticker, outcome, count(*) > 0 FROM ops.requests GROUP BY ALL ORDER BY ALL"
    )
    assert outcomes.fetchall() == [
        *((name, outcome, True) for name in TICKERS[:2] for outcome in ("ok", "rate_limited")),
        *(("NEWS", outcome, True) for outcome in ("ok", "rate_limited", "unknown_ticker")),
    ]


def told(row: Row) -> tuple[float, ...]:
    """Give a bar's prices and volume as silver has them."""
    _, *prices, volume = row
    return (*(round(price or 0, 4) for price in prices), volume or 0)
