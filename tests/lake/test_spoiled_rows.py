"""Good rows of which one field is overwritten with noise: each has one fate, whatever it says."""

import csv
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

import barlake
from barlake.readers.quarantine import Chosen, placed
from barlake.settings import Settings
from tests.builders import COLUMNS, deliver, row, stamp
from tests.conftest import new_lake

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
EARLY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)  # before the open, where no minute is filled
FIELDS = (*COLUMNS, "fetched_at")
DRAWN, GOOD = 20, 10
SAID = """
SELECT ticker, ts, volume, isfinite(open) AND isfinite(high) AND isfinite(low) AND isfinite(close)
       AND low > 0 AND high >= greatest(open, close, low) AND low <= least(open, close)
       AND volume >= 0 AND ticker SIMILAR TO '[A-Z0-9][A-Z0-9.^=-]{0,14}' AS is_sound
FROM bronze.bars
"""

usual = (
    "",
    " ",
    "\u00a0",
    "NaN",
    "-Infinity",
    "1e309",
    "1e-309",
    "-1",
    "-0",
    "99999999999999999999",
    "0x10",
    "1_000",
    "\u0661\u0662",
    "'",
    '"',
    '""',
    ",",
    "null",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+14:00",
)
anything = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6)
noise = st.one_of(
    st.sampled_from(usual),
    anything,
    st.text("ABCabc \"',.;-+eE0123456789", max_size=6),
    st.floats().map(str),
    st.integers().map(str),
    st.datetimes(timezones=st.just(UTC)).map(stamp),
)


# Hypothesis tries the simplest first, which is no noise.
noises = st.lists(noise, min_size=DRAWN, max_size=DRAWN, unique=True).filter(
    lambda texts: any(not text.isascii() for text in texts)
)


@settings(max_examples=1)
@given(drawn=noises)
def test_a_row_has_one_fate_whatever_noise_one_of_its_fields_holds(
    spark: SparkSession, conf: Settings, tmp_path_factory: pytest.TempPathFactory, drawn: list[str]
) -> None:
    root = tmp_path_factory.mktemp("noise")
    lake = new_lake(spark, root / "lake", now=NOW)
    changes = [
        *({"fetched_at": ""} for _ in range(GOOD)),
        *({field: text} for field in FIELDS for text in (*usual, *drawn)),
    ]
    write(root / "bars.csv", [bar(at) | changed for at, changed in enumerate(changes)])

    counts = deliver(lake, conf, root / "bars.csv", now=NOW).counts

    found = barlake.open(str(root / "lake"))
    kept = found.rows(SAID)
    entered = [offered_at(r["ticker"], stamp(r["ts"]), r["volume"]) for r in kept]
    refused = [place["row"] for place in placed(found, Chosen())]
    assert Counter([*entered, *refused]) == Counter(range(len(changes)))
    assert set(range(GOOD)) <= set(entered)
    assert all(r["is_sound"] for r in kept)
    fates = {"received": len(changes), "new": len(entered), "quarantined": len(refused)}
    assert counts == dict.fromkeys(counts, 0) | fates


def bar(at: int) -> dict[str, Any]:
    """Give a good row with a ticker, a minute and a volume of its own."""
    ts = stamp(EARLY + timedelta(minutes=at))
    return row(ticker=f"N{at:03d}", ts=ts, volume=1000 + at, fetched_at="")


def offered_at(ticker: str, ts: str, volume: int) -> int:
    """Tell which row a bar was: of its ticker, its minute and its volume noise took one at most."""
    by_ticker = int(ticker[1:]) if re.fullmatch("N[0-9]{3}", ticker) else None
    by_ts = (datetime.fromisoformat(ts) - EARLY) // timedelta(minutes=1)
    [(at, times)] = Counter([by_ticker, by_ts, volume - 1000]).most_common(1)
    assert at is not None
    assert times >= 2
    return at


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        lines = csv.DictWriter(file, FIELDS)
        lines.writeheader()
        lines.writerows(rows)
