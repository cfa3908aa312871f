"""One broken session for each expectation, in one batch: what is found, and which keys are named.

Sessions here last 30 minutes, so that a ticker is 30 rows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from barlake.checks.judgement import Batch, judgement
from barlake.checks.limits import limits
from barlake.checks.verdict import Verdict
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.io.store import Store
from barlake.model import ops, ref, silver
from barlake.model.errors import QualityError
from barlake.model.table import Column, Table, Zone
from barlake.pipelines.silver import judge_staged
from barlake.settings import QualitySettings, Settings
from barlake.transforms.facts import marked, session_facts
from barlake.transforms.neighbours import with_neighbours
from barlake.transforms.refusals import batch_facts, with_batch, with_refusals
from tests.builders import AFTER, OPEN, SESSION

MINUTES = 30
BEFORE, EARLIER = date(2026, 11, 19), date(2026, 11, 18)
STATES = Table(
    zone=Zone.SILVER,
    name="states",
    doc="",
    columns=(
        *(replace(column, nullable=True) for column in silver.BARS_1M.columns),
        Column("state", "STRING", "", ""),
        Column("open_utc", "TIMESTAMP", "UTC", ""),
        Column("session_minutes", "INT", "", ""),
    ),
    key=(),
)
HELD = "ticker STRING, session_date DATE, first_open DOUBLE, last_close DOUBLE, volume BIGINT"
Row = dict[str, Any]


def minute(at: int, /, price: float = 100.0, **changed: Any) -> Row:
    """One good row, `at` minutes after the open."""
    usual = {
        "ts": OPEN + timedelta(minutes=at),
        "session_date": SESSION,
        "minute_of_session": at,
        "segment": "regular",
        **dict.fromkeys(("open", "high", "low", "close"), price),
        "volume": 100,
        "is_filled": False,
        "fill_age": 0,
        "is_settled": True,
        "revision": 0,
        "source": "files",
        "flags": [],
        "state": "observed",
        "open_utc": OPEN,
        "session_minutes": MINUTES,
    }
    return usual | changed


def filled(at: int, **changed: Any) -> Row:
    return minute(at) | {"state": "filled", "is_filled": True, "volume": 0} | changed


def day(changes: dict[int, Row] | None = None, *, price: float = 100.0, **all_: Any) -> list[Row]:
    """A good session, but for some of its rows."""
    broken = changes or {}
    return [minute(at, price) | all_ | broken.get(at, {}) for at in range(MINUTES)]


def lacking(column: str) -> list[Row]:
    return day({3: {column: None}})


OLD = OPEN.replace(year=1989)
# Ticker: its rows, and the rules that they break; 3 is the row that is broken, where one is.
CASES: dict[str, tuple[list[Row], set[str]]] = {
    "GOOD": (day(), set()),
    "N.SEG": (lacking("segment"), {"not_null_segment", "inside_session"}),
    "N.OPEN": (lacking("open"), {"not_null_open"}),
    "N.HIGH": (lacking("high"), {"not_null_high", "high_highest"}),
    "N.LOW": (lacking("low"), {"not_null_low", "prices_positive", "low_lowest"}),
    "N.CLOSE": (lacking("close"), {"not_null_close"}),
    "N.VOL": (lacking("volume"), {"not_null_volume", "volume_counted", "volume_range"}),
    "N.FILLED": (lacking("is_filled"), {"not_null_is_filled", "filled_is_flat"}),
    "N.AGE": (lacking("fill_age"), {"not_null_fill_age"}),
    "N.SETTLED": (lacking("is_settled"), {"not_null_is_settled"}),
    "N.REV": (lacking("revision"), {"not_null_revision"}),
    "N.FLAGS": (lacking("flags"), {"not_null_flags"}),
    "N.TS": (
        lacking("ts"),
        {"not_null_ts", "on_the_minute", "ts_early", "ts_increasing", "inside_session"},
    ),
    "POSITIVE": (day({3: {"low": -1.0}}), {"prices_positive"}),
    "HIGH": (day({3: {"high": 99.0, "low": 99.0}}), {"high_highest"}),
    "LOW": (day({3: {"high": 101.0, "low": 101.0}}), {"low_lowest"}),
    "NAN": (
        day({3: {"low": float("nan")}}),
        {"prices_positive", "high_highest", "low_lowest", "wide_bar"},
    ),
    "COUNTED": (day({3: {"volume": -5}}), {"volume_counted"}),
    "FLAT": ([*day()[:-1], filled(29, volume=7)], {"filled_is_flat"}),
    "MINUTE": (
        day({3: {"ts": OPEN + timedelta(minutes=3, seconds=30)}}),
        {"on_the_minute", "inside_session"},
    ),
    "VOLUME": (day({3: {"volume": 2 * 10**12}}), {"volume_range"}),
    "EARLY": (
        [
            r | {"ts": OLD + timedelta(minutes=n), "open_utc": OLD, "session_date": OLD.date()}
            for n, r in enumerate(day())
        ],
        {"ts_early"},
    ),
    "KEY": ([*day()[:-1], minute(3)], {"key_unique", "ts_increasing"}),
    "ORDER": (
        day({3: {"minute_of_session": 4}, 4: {"minute_of_session": 3}}),
        {"ts_increasing", "inside_session"},
    ),
    "PLACE": (
        day({3: {"segment": "pre", "state": "extended", "minute_of_session": None}}),
        {"inside_session"},
    ),
    "BEYOND": ([*day(), minute(MINUTES)], {"beyond_calendar", "inside_session"}),
    "CLOSED": (
        [r | {"open_utc": None, "session_minutes": None} for r in day()],
        {"beyond_calendar", "inside_session"},
    ),
    "MIXED": (
        [minute(at, 50.0 if 10 <= at < 20 else 100.0) for at in range(MINUTES)],
        {"mixed_units"},
    ),
    "CRASH": ([minute(at, 50.0 if at == 10 else 100.0) for at in range(MINUTES)], set()),
    "RETURN": (day(), {"unit_returns", "jump"}),
    "OTHER": (day(), {"other_unit", "jump"}),
    "JUMP": (day(), {"jump"}),
    "GAP": (day(), set()),
    "SPLIT": (day(), set()),
    "WIDE": (day({3: {"high": 160.0}}), {"wide_bar"}),
    "FEW": (day()[:25], {"few_rows"}),
    "SPARSE": ([minute(0), *(filled(at) for at in range(1, MINUTES))], {"mostly_filled"}),
    "EMPTY": (
        [
            minute(0)
            | dict.fromkeys(("open", "high", "low", "close", "volume", "is_filled"))
            | {"state": "before_first"}
        ],
        {"empty_session"},
    ),
    "STALE": (
        [*day(source="yahoo")[:15], *(filled(at, source="yahoo") for at in range(15, MINUTES))],
        {"stale"},
    ),
    "ALLOWED": (
        [*day(source="yahoo")[:15], *(filled(at, source="yahoo") for at in range(15, MINUTES))],
        set(),
    ),
    "QUIET": (day(volume=4), {"volume_unusual"}),
    "SILENT": (day({at: {"volume": 0} for at in range(16)}), {"without_volume"}),
    "REFUSED": (day(), {"refused_share"}),
}
HISTORY = [
    ("RETURN", EARLIER, 100.0, 100.0, 3000),
    ("RETURN", BEFORE, 50.0, 50.0, 6000),
    ("OTHER", BEFORE, 1000.0, 1000.0, 300),
    ("JUMP", BEFORE, 70.0, 70.0, 3000),
    ("GAP", BEFORE, 92.6, 92.6, 3000),
    ("SPLIT", BEFORE, 400.0, 400.0, 750),
    *(("QUIET", BEFORE - timedelta(days=n), 100.0, 100.0, 3000) for n in range(5)),
]
NAMELESS = [minute(0) | {"ticker": None}, minute(0) | {"ticker": "DATELESS", "session_date": None}]


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on all cases at once, its page, and the rules held against them."""

    verdict: Verdict
    html: str
    conf: QualitySettings

    def broken(self, ticker: str) -> dict[str, Row]:
        """Give what is found of a ticker, by rule."""
        return {row["rule"]: row for row in self.verdict.findings if row["ticker"] == ticker}


@pytest.fixture(scope="module")
def judged(spark: SparkSession, conf: Settings) -> Judged:
    known = conf.quality
    stale = known.rules["stale"].model_copy(update={"max": 10.0, "tickers": {"ALLOWED": 20.0}})
    quality = known.model_copy(update={"rules": known.rules | {"stale": stale}})
    rows = [row | {"ticker": name} for name, (told, _) in CASES.items() for row in told]
    states = arrow.frame(spark, STATES, [*rows, *NAMELESS])
    placed = marked(states, zone="America/New_York", unit_ratio=quality.unit_ratio)
    split = {"ticker": "SPLIT", "ex_date": SESSION, "kind": "split", "value": 4.0}
    audit = {"ticker": "REFUSED", "session_date": SESSION, "received": 20, "quarantined": 2}
    beside = with_neighbours(
        session_facts(placed, now=AFTER, settle_minutes=20),
        spark.createDataFrame(HISTORY, HELD),
        arrow.frame(spark, ref.ACTIONS, [split]),
        unit_ratio=quality.unit_ratio,
        history_min=quality.history_min,
    )
    counted = arrow.frame(spark, ops.INGEST_AUDIT, [audit], only=tuple(audit))
    known_facts = with_refusals(beside, counted, received_min=quality.received_min)
    batch = {"batch_refused_share": 0.6, "batch_refused_all": 1.0, "batch_empty": 1.0}
    facts = with_batch(known_facts, spark.range(1), batch, newest=SESSION)
    told, html = judgement(facts, placed, quality, Batch(run_id="r", now=AFTER, newest=SESSION))
    return Judged(told, html, quality)


@pytest.mark.parametrize("ticker", CASES)
def test_a_session_breaks_the_rules_that_it_was_made_to_break(judged: Judged, ticker: str) -> None:
    assert set(judged.broken(ticker)) == CASES[ticker][1]


def test_there_is_a_broken_session_for_every_rule(judged: Judged) -> None:
    """What needs no ticker or no date is told of the batch alone."""
    whole = judged.broken("")
    expected = {limit.rule for limit in limits(judged.conf)}

    assert set(whole) == expected
    assert {rule for rule, row in whole.items() if row["passed"]} == set()
    assert judged.verdict.evaluated == len(limits(judged.conf))
    assert judged.verdict.is_blocked


def test_each_failure_has_the_severity_of_its_rule(judged: Judged) -> None:
    severities = {limit.rule: limit.severity for limit in limits(judged.conf)}

    assert {row["rule"]: row["severity"] for row in judged.verdict.findings} == severities
    assert {severities[rule] for rule in ("jump", "stale", "few_rows", "wide_bar")} == {"warning"}
    assert {severities[rule] for rule in ("high_highest", "mixed_units", "other_unit")} == {
        "critical"
    }


@pytest.mark.parametrize(
    ("ticker", "rule", "at"),
    [
        ("HIGH", "high_highest", 3),
        ("KEY", "key_unique", 3),
        ("NAN", "prices_positive", 3),
        ("BEYOND", "inside_session", MINUTES),
        ("WIDE", "wide_bar", 3),
        ("STALE", "stale", 14),
        ("JUMP", "jump", 0),
        ("EMPTY", "empty_session", 0),
    ],
)
def test_a_failure_names_the_bars_that_show_it(
    judged: Judged, ticker: str, rule: str, at: int
) -> None:
    moment = OPEN + timedelta(minutes=at)

    assert judged.broken(ticker)[rule]["sample_keys"] == [f"{ticker}@{moment:%Y-%m-%dT%H:%M:%SZ}"]


def test_a_failure_says_what_was_found_and_what_is_allowed(judged: Judged) -> None:
    jump = judged.broken("JUMP")["jump"]

    assert (jump["observed"], jump["expected"]) == ("0.428571", "jump_share at most 0.25")


def test_no_result_names_more_keys_than_asked_for(judged: Judged) -> None:
    counts = [len(row["sample_keys"]) for row in judged.verdict.findings]

    assert max(counts) == judged.conf.samples


def test_the_page_shows_each_failure_and_fetches_nothing(judged: Judged) -> None:
    keys = {key for row in judged.verdict.findings for key in row["sample_keys"]}

    assert [key for key in sorted(keys) if key not in judged.html] == []
    assert re.findall(r"<(?:script|link|img|iframe)\b", judged.html) == []
    assert re.findall(r"""(?:href|src|srcset)\s*=\s*["'](?!#)[^"']*""", judged.html) == []
    assert re.findall(r"url\(|@import", judged.html) == []
    assert "maximum value must be less than or equal to" in judged.html


def test_what_changes_after_it_was_judged_is_not_published(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = Lake(spark, Store.at(str(tmp_path)), "r", AFTER)
    staged = lake.stage("states", spark.range(3))

    def alter(_: DataFrame) -> None:
        lake.stage("states", spark.range(4))

    def accept(rows: DataFrame) -> None:
        assert rows.count() == 3

    judge_staged(lake, staged, accept)
    with pytest.raises(QualityError, match="changed after it was judged"):
        judge_staged(lake, staged, alter)


def counted(received: int, refused: int) -> Iterable[float | None]:
    counts = {"received": received, "quarantined": refused}
    return batch_facts(counts, asked=1, received_min=20).values()


def test_a_share_of_refused_rows_tells_nothing_of_a_few_rows() -> None:
    assert list(counted(20, 11)) == [0.55, 0.0, 0.0]
    assert list(counted(19, 18)) == [None, 0.0, 0.0]
    assert list(counted(2, 2)) == [None, 1.0, 0.0]


def test_a_batch_without_a_row_is_empty_where_rows_were_due() -> None:
    assert list(counted(0, 0)) == [None, 0.0, 1.0]
    assert list(batch_facts({}, asked=0, received_min=20).values()) == [None, 0.0, 0.0]
