"""Readers without a lake: what times mean, what keys look like, what a new lake lacks."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from barlake import calendar, steps_trace
from barlake.io.folder import Folder
from barlake.model.errors import InputError
from barlake.model.landed import DECIDED
from barlake.options import Options
from barlake.readers import duck
from barlake.readers.frames import OpenLake
from barlake.readers.holes import Window, lacks
from barlake.readers.quarantine import key_text, parts
from barlake.releases import SCHEMA
from tests.bad_rows import CASES

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
UNTIMED = {"ts_missing", "ts_naive", "ts_format"}
TIMED = {"ts_early", "ts_future", "ts_grid", "outside_session", None}


def test_duckdb_reads_times_as_the_gate_does() -> None:
    """A time that the gate cannot read is none; one that it can is the same instant."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    duck.name_macros(connection)
    texts = {c.row["ts"]: c.rule for c in CASES if c.row and c.rule in UNTIMED | TIMED}
    texts["\u00a02026-11-20T20:58:00Z"] = "ts_format"  # a no-break space is no blank

    read = {
        text: connection.execute("SELECT instant($text)", {"text": text}).fetchall()[0][0]
        for text in texts
    }

    assert [t for t, rule in texts.items() if (read[t] is None) != (rule in UNTIMED)] == []
    assert read["2026-11-20T20:58:00Z"] == datetime(2026, 11, 20, 20, 58, tzinfo=UTC)


def test_a_key_is_one_line_that_gives_back_its_parts() -> None:
    key = {"request_id": "ab/3", "ticker": 'A,"B', "ts_text": "x\ny", "rule": "ts_format"}

    assert parts(key_text(key)) == list(key.values())


def test_a_decisions_file_is_what_the_model_says() -> None:
    assert SCHEMA.names == [column.name for column in DECIDED]


def test_a_lake_that_is_not_there_lacks_all_that_can_be_had() -> None:
    window = Window(
        tickers=["AAPL"],
        is_all=True,
        start=None,
        end=None,
        now=NOW,
        horizon_days=29,
        sessions_per_request=5,
    )
    days = [
        day
        for day in calendar.between(date(2026, 10, 26), date(2026, 11, 23))
        if day.first >= datetime(2026, 10, 26, 12, tzinfo=UTC)
    ]

    found = lacks(None, window)

    assert [(r["session"], r["minutes"], r["reason"]) for r in found["lacks"]] == [
        (day.session_date, day.minutes, "never_asked") for day in days
    ]
    assert found["lacks"][0]["expires_at"] == datetime(2026, 11, 25, 8, tzinfo=UTC)
    starts = [r["session"] for r in found["lacks"] if r["requests"]]
    assert starts == [day.session_date for day in days[::5]]
    assert found["requests"] == len(starts) == 4


def test_a_plan_costs_what_a_night_asks_for_and_not_what_a_settled_session_lacks(
    tmp_path: Path,
) -> None:
    """Of AAPL a settled session with a hole, one of which nothing was seen, and one not settled."""
    window = Window(
        tickers=["AAPL", "MSFT"],
        is_all=False,
        start=date(2026, 11, 18),
        end=date(2026, 11, 20),
        now=NOW,
        horizon_days=29,
        sessions_per_request=1,
    )
    connection = duckdb.connect()
    connection.execute(_HELD)

    found = lacks(OpenLake(Folder(tmp_path), connection), window)

    cost = {(r["ticker"], r["session"].day): r["requests"] for r in found["lacks"]}
    assert [cost["AAPL", day] for day in (18, 19, 20)] == [0, 1, 1]
    assert [cost["MSFT", day] for day in (18, 19, 20)] == [1, 1, 1]
    assert found["requests"] == 5
    # That Yahoo had no daily bars of it says nothing of its minutes.
    assert {r["reason"] for r in found["lacks"] if r["ticker"] == "MSFT"} == {"never_asked"}


def test_what_was_asked_for_in_vain_is_lost_for_ever_whatever_range_is_looked_at(
    tmp_path: Path,
) -> None:
    window = Window(
        tickers=["GONE", "MSFT"],
        is_all=False,
        start=None,
        end=None,
        now=datetime(2026, 11, 4, 2, tzinfo=UTC),
        horizon_days=29,
        sessions_per_request=5,
    )
    connection = duckdb.connect()
    connection.execute(_HELD)

    found = lacks(OpenLake(Folder(tmp_path), connection), window)["lacks"]

    gone = {(r["ticker"], r["session"]) for r in found if r["expires_at"] < window.now}
    lost = calendar.between(date(2026, 10, 1), date(2026, 10, 5))
    assert gone == {("GONE", day.session_date) for day in lost}


_HELD = """
SET TimeZone = 'UTC';
CREATE SCHEMA silver; CREATE SCHEMA ops;
CREATE TABLE silver.coverage AS
SELECT 'AAPL' AS ticker, day::DATE AS session_date, day + INTERVAL 15 HOUR AS first_ts,
       day + INTERVAL 20 HOUR AS last_ts, is_settled, observed, [struct_pack(
           "from" := day + INTERVAL 16 HOUR, minutes := 5, reason := 'vendor_hole')] AS gaps
FROM (VALUES (TIMESTAMPTZ '2026-11-18', true, 385), (TIMESTAMPTZ '2026-11-19', true, 0),
             (TIMESTAMPTZ '2026-11-20', false, 385)) AS held (day, is_settled, observed);
CREATE TABLE silver.quarantine (ticker VARCHAR, ts_text VARCHAR, released_at TIMESTAMPTZ);
CREATE MACRO instant(said) AS said::TIMESTAMPTZ;
CREATE TABLE ops.requests AS
SELECT '0-1d' AS request_id, 'MSFT' AS ticker, 'unknown_ticker' AS outcome,
       TIMESTAMPTZ '2026-11-21' AS received_at, TIMESTAMPTZ '2026-11-18 09:00' AS range_start
UNION ALL
SELECT '1', 'GONE', 'unknown_ticker', TIMESTAMPTZ '2026-10-03', TIMESTAMPTZ '2026-10-01 08:00';
"""


@pytest.mark.parametrize(
    ("ticker", "ts", "key", "said"),
    [
        (None, None, None, "give TICKER and TS"),
        ("AAPL", None, None, "give TICKER and TS"),
        ("AAPL", NOW, "a,b,c,d", "give TICKER and TS"),
        ("AAPL", NOW.replace(second=30), None, "starts no minute"),
        ("aapl", NOW, None, "is no ticker"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    tmp_path: Path, ticker: str | None, ts: datetime | None, key: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        steps_trace.explain(Options(lake=str(tmp_path)), ticker, ts, key)
