"""Generated rows with faults of every kind: each has exactly one fate.

20,000 rows; BARLAKE_MANY_ROWS=1000000 makes it a million, which takes minutes, and with
BARLAKE_FIGURES=PATH leaves what became of them, and in how many seconds, in a file.
"""

import csv
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
from pyspark.sql import SparkSession

import barlake
from barlake import calendar
from barlake.readers.frames import OpenLake
from tests.builders import COLUMNS, run_files, stamp

ROWS = int(os.environ.get("BARLAKE_MANY_ROWS", "20000"))
FIGURES = os.environ.get("BARLAKE_FIGURES") if "BARLAKE_MANY_ROWS" in os.environ else None
SEED = 20261120
FAULTY = 0.03
LAST = date(2026, 11, 20)
AS_OF = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
EARLIER = "2026-11-20T22:00:00Z"
LINES = 390
SESSIONS = [d for d in calendar.between(LAST - timedelta(days=45), LAST) if d.minutes == LINES]
HALVED = "HALVED"  # served again, later, at half its prices
TICKERS = [*(f"T{n:04d}" for n in range(ROWS // (LINES * len(SESSIONS)) + 1)), HALVED]

Row = dict[str, str]
# What is done to a good row, and the rule that must refuse it.
FAULTS: dict[str, tuple[str, str]] = {
    "ticker_missing": ("ticker", ""),
    "ticker_format": ("ticker", "no ticker"),
    "ticker_not_asked": ("ticker", "UNASKED"),
    "ts_missing": ("ts", ""),
    "ts_naive": ("ts", "2026-11-20T09:31:00"),
    "ts_format": ("ts", "yesterday"),
    "ts_early": ("ts", "1989-12-29T15:00:00Z"),
    "ts_future": ("ts", "2099-06-01T15:00:00Z"),
    "outside_session": ("ts", "2026-11-15T15:00:00Z"),
    "fetched_at_format": ("fetched_at", "late"),
    "fetched_at_future": ("fetched_at", "2026-11-22T02:00:00Z"),
    "price_missing": ("open", ""),
    "price_finite": ("close", "NaN"),
    "price_format": ("low", "ten"),
    "price_positive": ("low", "-1.0"),
    "price_range": ("high", "1e9"),
    "high_highest": ("high", "0.5"),
    "low_lowest": ("low", "{high}"),
    "volume_missing": ("volume", ""),
    "volume_format": ("volume", "1.5"),
    "volume_range": ("volume", "-7"),
}
# What is done to a good row, and to a second one beside it.
PAIRED: dict[str, tuple[Row, Row]] = {
    "duplicate": ({}, {}),
    "conflicting_duplicate": ({}, {"volume": "1"}),
    "volume_dropped_to_zero": ({"fetched_at": EARLIER}, {"volume": "0"}),
}
# Of a pair that counts once, the first is as good as any row.
KEPT = (None, "duplicate", "volume_dropped_to_zero")
KINDS = (*FAULTS, *PAIRED, "ts_grid", "row_structure")


@dataclass(frozen=True, slots=True)
class Offered:
    """What was offered: rows of the file, faults by kind, and the lake that took them."""

    rows: int
    faults: Counter[str]
    lake: OpenLake


@pytest.fixture(scope="module")
def offered(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Offered:
    del spark  # the run joins it
    folder = tmp_path_factory.mktemp("many")
    rows, faults = write(folder / "bars.csv", folder / "good.csv")
    began = time.monotonic()
    run_files(folder / "lake", folder / "bars.csv", as_of=AS_OF, asked=TICKERS)
    seconds = time.monotonic() - began
    lake = barlake.open(str(folder / "lake"))
    # The lake's own connection reads nothing outside of it.
    lake.connection.register("good", duckdb.read_csv(str(folder / "good.csv")).to_arrow_table())
    if FIGURES:
        Path(FIGURES).write_text(json.dumps(figures(lake, seconds), indent=2) + "\n")
    return Offered(rows, faults, lake)


def figures(lake: OpenLake, seconds: float) -> dict[str, Any]:
    """Give what became of the rows, the refused ones by rule, and how long the whole run took."""
    [fates] = lake.rows(
        "SELECT sum(received)::BIGINT AS received, sum(new)::BIGINT AS new,"
        " sum(changed)::BIGINT AS changed, sum(unchanged)::BIGINT AS unchanged,"
        " sum(duplicate)::BIGINT AS duplicate FROM ops.ingest_audit"
    )
    refused = lake.sql("SELECT rule, count(*) FROM silver.quarantine GROUP BY rule ORDER BY rule")
    return {"rows": fates, "refused": dict(refused.fetchall()), "seconds": round(seconds, 1)}


def test_each_row_has_one_fate(offered: Offered) -> None:
    [counts] = offered.lake.sql(
        "SELECT sum(received), sum(new), sum(changed), sum(unchanged), sum(duplicate),"
        " sum(quarantined) FROM ops.ingest_audit"
    ).fetchall()
    faults = offered.faults
    refused = faults.total() - faults["duplicate"] + faults["conflicting_duplicate"]

    good = offered.rows - refused - faults["duplicate"]
    assert counts == (offered.rows, good, 0, 0, faults["duplicate"], refused)


def test_each_refused_row_stands_under_the_rule_it_breaks(offered: Offered) -> None:
    found = offered.lake.sql("SELECT rule, count(*) FROM silver.quarantine GROUP BY rule")

    wanted = dict(offered.faults) | {
        "conflicting_duplicate": 2 * offered.faults["conflicting_duplicate"]
    }
    del wanted["duplicate"]
    assert dict(found.fetchall()) == wanted


def test_the_good_rows_are_the_ledger_and_nothing_else_is(offered: Offered) -> None:
    good = offered.lake.sql(
        "SELECT * EXCLUDE (fetched_at) REPLACE (ts::TIMESTAMPTZ AS ts) FROM good"
    )
    held = offered.lake.sql("SELECT ticker, ts, open, high, low, close, volume FROM bronze.bars")

    assert good.except_(held).fetchall() == []
    assert held.except_(good).fetchall() == []
    assert len(held) == len(good)


def write(path: Path, good: Path) -> tuple[int, Counter[str]]:
    """Write all rows, and those among them that must go in; give how many, and the faults."""
    random = Random(SEED)  # noqa: S311 - a draw, not a secret
    faults: Counter[str] = Counter()
    count = 0
    with path.open("w", newline="") as every, good.open("w", newline="") as kept:
        all_rows, good_rows = csv.writer(every), csv.writer(kept)
        for writer in (all_rows, good_rows):
            writer.writerow([*COLUMNS, "fetched_at"])
        for number, row in enumerate(bars(random)):
            kind = random.choice(KINDS) if random.random() < FAULTY else None
            faults.update([kind] if kind else [])
            lines = spoiled(kind, row, number)
            all_rows.writerows(lines)
            count += len(lines)
            if kind in KEPT:
                good_rows.writerow(lines[0])
        for first, again in halved():
            all_rows.writerows([first, again])
            good_rows.writerow(first)
            count += 2
            faults["share_unit"] += 1
    return count, faults


def spoiled(kind: str | None, row: Row, number: int) -> list[list[str]]:
    """Give the lines that are written instead of a good row; each fault is on its own line."""
    values = list(row.values())
    if kind in FAULTS:
        column, text = FAULTS[kind]
        broken = {"volume": str(10**6 + number)} | {column: text.format(**row)}
        # A volume of its own, so that no two broken rows repeat each other.
        return [list((row | broken).values())]
    if kind == "ts_grid":
        return [list((row | {"ts": row["ts"].replace(":00Z", ":31Z")}).values())]
    if kind == "row_structure":
        return [values[:5]]
    if kind in PAIRED:
        return [list((row | changed).values()) for changed in PAIRED[kind]]
    return [values]


def halved() -> Iterator[tuple[list[str], list[str]]]:
    """Give enough minutes of one ticker, in two share units, to tell that it is another one."""
    for minute in range(20):
        ts = stamp(SESSIONS[-1].open_utc + timedelta(minutes=minute))
        first, again = ([HALVED, ts, *[price] * 4, "100"] for price in ("80.0", "40.0"))
        yield [*first, EARLIER], [*again, ""]


def bars(random: Random) -> Iterator[Row]:
    """Give ROWS good bars: sessions of 390 minutes, newest last, ticker by ticker."""
    for number in range(ROWS):
        ticker, minute = divmod(number, LINES)
        name, day = divmod(ticker, len(SESSIONS))
        opened = SESSIONS[day].open_utc
        price = round(50 + name % 100 + random.random(), 2)
        yield {
            "ticker": f"T{name:04d}",
            "ts": stamp(opened + timedelta(minutes=minute)),
            "open": str(price),
            "high": str(round(price + 0.05, 2)),
            "low": str(round(price - 0.05, 2)),
            "close": str(price),
            "volume": str(random.randint(2, 10**5)),
            "fetched_at": "",
        }
