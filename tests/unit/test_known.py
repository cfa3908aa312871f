"""Which revision was believed at a time, case by case, over tables made without a JVM."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

import barlake
from barlake.io.schemas import schema
from barlake.model import bronze, ops, ref, silver
from barlake.model.table import Table
from barlake.readers.frames import OpenLake
from barlake.sources.source import SERVED_SCHEMA

OPEN = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)  # an early close: 210 minutes
CLOSE = OPEN + timedelta(minutes=210)
# Two requests while the session runs, one after it; the fourth is not recorded.
FIRST, SECOND, THIRD, FOURTH = (
    OPEN + timedelta(minutes=minutes) for minutes in (100, 110, 400, 500)
)
BETWEEN = OPEN + timedelta(minutes=105)
NAMES = {FIRST: "first", BETWEEN: "between", SECOND: "second", THIRD: "third", FOURTH: "fourth"}
BELIEVED: dict[int, float] = {95: 10.0}
NOTHING: dict[int, float] = {}
Row = dict[str, Any]


def revision(minute: int, number: int, known: datetime, close: float = 10.0) -> Row:
    ts = OPEN + timedelta(minutes=minute)
    prices = {"open": close, "high": close, "low": close, "close": close}
    return {
        "ticker": "AAPL",
        "ts": ts,
        "revision": number,
        **prices,
        "volume": 100,
        "source": "simulated",
        "fetched_at": known,
        "request_id": NAMES[known],
        "run_id": "night",
        "session_month": "2026-11",
    }


def served(minute: int, known: datetime, row: int = 0, **changed: Any) -> Row:
    usual = {
        "request_id": NAMES[known],
        "row": row,
        "ticker": "AAPL",
        "ts_text": (OPEN + timedelta(minutes=minute)).isoformat(),
        **{f"{name}_text": "10.0" for name in ("open", "high", "low", "close")},
        "volume_text": "100",
        "fetched_at": known,
    }
    return usual | changed


def refusal(of: Row, *, is_further: bool = False, released_at: datetime | None = None) -> Row:
    texts = {name: of[name] for name in of if name.endswith("_text") and name != "fetched_at_text"}
    request = f"{of['request_id']}/{of['row']}" if is_further else of["request_id"]
    return {
        "request_id": request,
        "ticker": of["ticker"],
        "rule": "volume_dropped_to_zero",
        **texts,
        "released_at": released_at,
    }


def made(
    root: Path, revisions: Iterable[Row], rows: Iterable[Row] = (), refused: Iterable[Row] = ()
) -> OpenLake:
    session = {
        "exchange": "XNYS",
        "session_date": date(2026, 11, 27),
        "open_utc": OPEN,
        "close_utc": CLOSE,
        "minutes": 210,
        "is_early_close": True,
    }
    asked = [{"request_id": NAMES[known]} for known in (FIRST, BETWEEN, SECOND, THIRD)]
    write(root, bronze.BARS, revisions)
    write(root, ref.SESSIONS, [session])
    write(root, ops.REQUESTS, asked)
    write(root, silver.QUARANTINE, refused)
    landing = root / "landing/simulated"
    landing.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([*rows], schema=SERVED_SCHEMA), landing / "0.parquet")
    return barlake.open(str(root))


def write(root: Path, table: Table, rows: Iterable[Row]) -> None:
    fields = schema(table.columns)
    loose = pa.schema([field.with_nullable(True) for field in fields])
    write_deltalake(root / table.path, pa.Table.from_pylist([*rows], schema=loose))


def believed(lake: OpenLake, known: datetime) -> dict[int, float]:
    """Give the close of each minute believed."""
    rows = lake.bars("AAPL", as_known=known).arrow().read_all().to_pylist()
    return {row["minute_of_session"]: row["close"] for row in rows}


def test_a_minute_is_believed_once_it_is_final(tmp_path: Path) -> None:
    """Twenty minutes after its end; to the second."""
    lake = made(tmp_path, [revision(79, 0, FIRST), revision(80, 0, FIRST)])

    assert believed(lake, FIRST) == {79: 10.0}
    assert believed(lake, FIRST - timedelta(seconds=1)) == {}
    assert believed(lake, FOURTH) == {79: 10.0}


@pytest.mark.parametrize(
    ("again", "refused", "expected"),
    [
        ([served(95, SECOND)], [], BELIEVED),
        ([served(95, FIRST)], [], NOTHING),  # the row that made the revision
        ([served(94, SECOND)], [], NOTHING),  # another minute
        ([served(95, SECOND, ticker="MSFT")], [], NOTHING),
        ([served(95, SECOND, request_id="waiting")], [], NOTHING),  # no run has published it
        ([served(95, THIRD)], [], NOTHING),  # served again, but later
        ([served(95, FIRST, fetched_at_text=SECOND.isoformat())], [], BELIEVED),
        ([served(95, SECOND, fetched_at_text=THIRD.isoformat())], [], NOTHING),
        ([served(95, SECOND, ts_text=" 2026-11-27T11:05-05:00 ")], [], BELIEVED),
        ([served(95, SECOND)], [refusal(served(95, SECOND))], NOTHING),
        ([served(95, SECOND)], [refusal(served(95, SECOND), released_at=THIRD)], BELIEVED),
        ([served(95, SECOND, 3)], [refusal(served(95, SECOND, 3), is_further=True)], NOTHING),
        # Of two rows of one request one is refused, and the other not.
        (
            [served(95, SECOND, 3), served(95, SECOND, 4, volume_text="0")],
            [refusal(served(95, SECOND, 4, volume_text="0"))],
            BELIEVED,
        ),
        ([served(95, SECOND, volume_text=None)], [refusal(served(95, SECOND))], BELIEVED),
    ],
)
def test_before_that_it_is_believed_when_it_was_served_again(
    tmp_path: Path, again: list[Row], refused: list[Row], expected: dict[int, float]
) -> None:
    rows = [served(95, FIRST), *again]
    lake = made(tmp_path, [revision(95, 0, FIRST)], rows, refused)

    assert believed(lake, SECOND) == expected
    assert believed(lake, FIRST) == {}


def test_a_revision_is_confirmed_by_what_came_before_the_next_alone(tmp_path: Path) -> None:
    revisions = [revision(95, 0, FIRST), revision(95, 1, SECOND, 11.0)]
    lake = made(tmp_path, revisions, [served(95, FIRST), served(95, SECOND), served(95, THIRD)])

    assert believed(lake, SECOND) == {}  # neither was said twice
    assert believed(lake, THIRD) == {95: 11.0}


def test_a_later_revision_that_is_not_final_leaves_the_one_before_it(tmp_path: Path) -> None:
    revisions = [revision(95, 0, FIRST), revision(95, 1, SECOND, 11.0)]
    rows = [served(95, FIRST), served(95, BETWEEN), served(95, SECOND)]
    lake = made(tmp_path, revisions, rows)

    assert believed(lake, SECOND) == {95: 10.0}


def test_buckets_are_of_the_regular_minutes_alone_and_cut_by_an_early_close(tmp_path: Path) -> None:
    minutes = (-10, 0, 1, 59, 60, 180, 209, 210, 220)
    lake = made(tmp_path, [revision(m, 0, THIRD, 10.0 + m / 100) for m in minutes])

    def buckets(interval: str) -> list[Row]:
        found = lake.bars("AAPL", as_known=FOURTH, interval=interval)
        return list(found.arrow().read_all().to_pylist())

    assert [
        (
            row["ts"],
            row["open"],
            row["close"],
            row["n_observed"],
            row["n_expected"],
            row["is_short"],
        )
        for row in buckets("60m")
    ] == [
        (OPEN, 10.0, 10.59, 3, 60, False),
        (OPEN + timedelta(minutes=60), 10.6, 10.6, 1, 60, False),
        (OPEN + timedelta(minutes=180), 11.8, 12.09, 2, 30, True),
    ]
    [day] = buckets("1d")
    assert (day["ts"], day["volume"], day["n_expected"], day["is_short"]) == (OPEN, 600, 210, False)
    segments = [
        row["segment"] for row in lake.bars("AAPL", as_known=FOURTH).arrow().read_all().to_pylist()
    ]
    assert segments == ["pre", *["regular"] * 6, "close_auction", "post"]
