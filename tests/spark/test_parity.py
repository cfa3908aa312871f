"""The stream's VWAP against the batch's: equal, different, or on one side alone."""

from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from barlake.io import arrow
from barlake.io.append import append
from barlake.io.lake import Lake
from barlake.model import gold
from barlake.model.streamed import VWAP_STREAM
from barlake.pipelines.parity import run_parity
from barlake.settings import Settings
from barlake.streaming.rows import vwap_row
from barlake.streaming.state import State
from barlake.transforms.parity import parity
from tests.builders import at, resumed
from tests.conftest import NOW
from tests.stream.bars import OPEN, PRODUCED, RULES, SESSION, bar

EQUAL, OTHER, MISSED, UNKNOWN, EMPTY, FILLED = range(6)
_WANTED = ("ticker", "ts", "session_date", "is_filled", "vwap")


def feature(minute: int, vwap: float | None, *, is_filled: bool = False) -> dict[str, Any]:
    return {
        "ticker": "A",
        "ts": OPEN + timedelta(minutes=minute),
        "session_date": SESSION,
        "is_filled": is_filled,
        "vwap": vwap,
    }


def frames(spark: SparkSession, *, missed: bool) -> tuple[DataFrame, DataFrame]:
    """Both sides of a session, with one minute of each kind, or with those alone that agree."""
    batch = [
        feature(EQUAL, 100.0),
        feature(EMPTY, None),
        feature(FILLED, 7.0, is_filled=True),
        *([feature(OTHER, 100.0), feature(MISSED, 100.0)] if missed else []),
    ]
    stream = [
        feature(EQUAL, 100.0 + 5e-8),
        feature(EMPTY, None),
        *([feature(OTHER, 100.0 + 2e-7), feature(UNKNOWN, 1.0)] if missed else []),
    ]
    features = arrow.frame(spark, gold.FEATURES_1M, batch, only=_WANTED)
    return features, arrow.frame(spark, VWAP_STREAM, stream, only=_WANTED)


def test_each_minute_that_is_not_equal_breaks_the_rule_and_is_named(spark: SparkSession) -> None:
    [row] = arrow.rows(parity(*frames(spark, missed=True)))

    assert (row["table"], row["rule"], row["ticker"]) == ("gold.vwap_stream", "stream_parity", "")
    assert (row["session_date"], row["severity"], row["passed"]) == (SESSION, "warning", False)
    assert row["observed"] == "2 equal, 1 different, 1 only in the batch, 1 only in the stream"
    assert row["sample_keys"] == [f"A@2026-11-20T14:3{minute}:00Z" for minute in (1, 2, 3)]


def test_filled_minutes_and_what_is_lost_in_rounding_break_nothing(spark: SparkSession) -> None:
    [row] = arrow.rows(parity(*frames(spark, missed=False)))

    assert (row["passed"], row["sample_keys"]) == (True, [])
    assert row["observed"].startswith("2 equal, 0 different")


def test_a_night_judges_the_sessions_of_the_stream_once(lake: Lake, conf: Settings) -> None:
    run_parity(night := resumed(lake, conf))
    assert (night.findings, night.detail) == ([], {})

    state = State(RULES, lambda _: [])
    changes = state.apply([bar(0), bar(1, 101.0)])
    stamp: dict[str, Any] = {"batch_id": 0, "emitted_at": PRODUCED, "run_id": "test"}
    append(lake, VWAP_STREAM, [vwap_row(cell, **stamp) for cell in changes.new])
    rest = {"n_filled_60": 0, "input_revision": 0, "session_month": "2026-11"}
    rows = [feature(c.bar.ts.minute - 30, c.vwap) | rest for c in changes.new]
    append(lake, gold.FEATURES_1M, rows)

    run_parity(night := resumed(at(lake, NOW), conf))
    [found] = night.findings
    assert (found["passed"], found["session_date"]) == (True, SESSION)
    assert found["observed"].startswith("2 equal")

    again = resumed(at(lake, NOW), conf)
    again._past = [{"parity": night.detail["parity"]}]
    run_parity(again)
    assert (again.findings, again.detail) == ([], {})


def test_each_session_has_a_verdict_of_its_own(spark: SparkSession) -> None:
    day = date(2026, 11, 19)
    features, streamed = frames(spark, missed=False)
    other = arrow.frame(
        spark, gold.FEATURES_1M, [feature(0, 1.0) | {"session_date": day}], only=_WANTED
    )

    rows = arrow.rows(parity(features.unionByName(other), streamed))

    assert {row["session_date"]: row["passed"] for row in rows} == {SESSION: True, day: False}
