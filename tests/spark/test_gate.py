"""One broken session for each expectation, in one batch: what is found, and which keys are named.

Sessions here last 30 minutes, so that a ticker is 30 rows.
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from barlake.checks.judge import Outcome, validate
from barlake.checks.judgement import Batch, Judgement, judgement
from barlake.checks.limits import limits
from barlake.checks.results import spelled, worst
from barlake.checks.verdict import Verdict, verdict
from barlake.io import arrow
from barlake.io.folder import Folder
from barlake.io.lake import Lake
from barlake.model import ops, ref, silver
from barlake.model.errors import QualityError
from barlake.model.table import Column, Table, Zone
from barlake.pipelines.silver import STAGED, judge_staged
from barlake.sections import QualitySettings
from barlake.settings import Settings
from barlake.transforms.facts import marked, session_facts
from barlake.transforms.neighbours import with_neighbours
from barlake.transforms.refusals import (
    FACTS_DDL,
    OF_BATCH,
    batch_facts,
    sessions_behind,
    with_batch,
    with_refusals,
)
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
NOTHING = dict.fromkeys(("open", "high", "low", "close", "volume", "is_filled"))
HALF_FILLED = [
    *day(source="yahoo")[:15],
    *(filled(at, source="yahoo") for at in range(15, MINUTES)),
]
# Ticker: its rows, and the rule that they were made to break; 3 is the row that is broken, where
# one is.
CASES: dict[str, tuple[list[Row], str]] = {
    "GOOD": (day(), ""),
    "N.SEG": (lacking("segment"), "not_null_segment"),
    "N.OPEN": (lacking("open"), "not_null_open"),
    "N.HIGH": (lacking("high"), "not_null_high"),
    "N.LOW": (lacking("low"), "not_null_low"),
    "N.CLOSE": (lacking("close"), "not_null_close"),
    "N.VOL": (lacking("volume"), "not_null_volume"),
    "N.FILLED": (lacking("is_filled"), "not_null_is_filled"),
    "N.AGE": (lacking("fill_age"), "not_null_fill_age"),
    "N.SETTLED": (lacking("is_settled"), "not_null_is_settled"),
    "N.REV": (lacking("revision"), "not_null_revision"),
    "N.FLAGS": (lacking("flags"), "not_null_flags"),
    "N.TS": (lacking("ts"), "not_null_ts"),
    "POSITIVE": (day({3: {"low": -1.0}}), "prices_positive"),
    "HIGH": (day({3: {"high": 99.0, "low": 99.0}}), "high_highest"),
    "LOW": (day({3: {"high": 101.0, "low": 101.0}}), "low_lowest"),
    "COUNTED": (day({3: {"volume": -5}}), "volume_counted"),
    "FLAT": ([*day()[:-1], filled(29, volume=7)], "filled_is_flat"),
    "MINUTE": (day({3: {"ts": OPEN + timedelta(minutes=3, seconds=30)}}), "on_the_minute"),
    "VOLUME": (day({3: {"volume": 2 * 10**12}}), "volume_range"),
    "EARLY": (
        [
            r | {"ts": OLD + timedelta(minutes=n), "open_utc": OLD, "session_date": OLD.date()}
            for n, r in enumerate(day())
        ],
        "ts_early",
    ),
    "KEY": ([*day()[:-1], minute(3)], "key_unique"),
    "ORDER": (
        day({3: {"minute_of_session": 4}, 4: {"minute_of_session": 3}}),
        "ts_increasing",
    ),
    "PLACE": (
        day({3: {"segment": "pre", "state": "extended", "minute_of_session": None}}),
        "inside_session",
    ),
    "BEYOND": ([*day(), minute(MINUTES)], "beyond_calendar"),
    "CLOSED": ([r | {"open_utc": None, "session_minutes": None} for r in day()], "beyond_calendar"),
    "MIXED": (
        [minute(at, 50.0 if 10 <= at < 20 else 100.0) for at in range(MINUTES)],
        "mixed_units",
    ),
    "CRASH": ([minute(at, 50.0 if at == 10 else 100.0) for at in range(MINUTES)], ""),
    "RETURN": (day(), "unit_returns"),
    "OTHER": (day(), "other_unit"),
    "JUMP": (day(), "jump"),
    "GAP": (day(), ""),
    "SPLIT": (day(), ""),
    "WIDE": (day({3: {"high": 160.0}}), "wide_bar"),
    "FEW": (
        [*day()[:25], *(minute(at) | NOTHING | {"state": "after_last"} for at in range(25, 30))],
        "few_rows",
    ),
    "SPARSE": ([minute(0), *(filled(at) for at in range(1, MINUTES))], "mostly_filled"),
    "EMPTY": ([minute(0) | NOTHING | {"state": "before_first"}], "empty_session"),
    "STALE": (HALF_FILLED, "stale"),
    "ALLOWED": (HALF_FILLED, ""),
    "QUIET": (day(volume=4), "volume_unusual"),
    "SILENT": (day({at: {"volume": 0} for at in range(3, 19)}), "without_volume"),
    "REFUSED": (day(), "refused_share"),
}
# What cannot be broken without breaking these as well.
IMPLIED = {
    # No segment, or no regular minute in this place: the calendar has no such row.
    "not_null_segment": {"inside_session"},
    "on_the_minute": {"inside_session"},
    "beyond_calendar": {"inside_session"},
    # What is absent does not hold.
    "not_null_high": {"high_highest"},
    "not_null_low": {"prices_positive", "low_lowest"},
    "not_null_volume": {"volume_counted", "volume_range"},
    "not_null_is_filled": {"filled_is_flat"},
    "not_null_ts": {"on_the_minute", "ts_early", "ts_increasing", "inside_session"},
    "not_null_session_date": {"inside_session"},
    # Of two rows in order by time, neither is later; out of place, one is not where it belongs.
    "key_unique": {"ts_increasing"},
    "ts_increasing": {"inside_session"},
    # A factor of ten, or of a share unit, is more than a quarter.
    "other_unit": {"jump"},
    "unit_returns": {"jump"},
    # Most is more than some; "all" alone is told of a few rows too.
    "batch_refused_most": {"batch_refused_some"},
}
# A number that is none breaks what compares it.
NAN = (
    day({3: {"low": float("nan")}}),
    {"prices_positive", "high_highest", "low_lowest", "wide_bar"},
)
HISTORY = [
    ("RETURN", EARLIER, 100.0, 100.0, 3000),
    ("RETURN", BEFORE, 50.0, 50.0, 6000),
    ("OTHER", BEFORE, 1000.0, 1000.0, 300),
    ("JUMP", BEFORE, 70.0, 70.0, 3000),
    ("GAP", BEFORE, 92.6, 92.6, 3000),
    ("SPLIT", BEFORE, 400.0, 400.0, 750),
    *(("QUIET", BEFORE - timedelta(days=n), 100.0, 100.0, 3000) for n in range(5)),
]
# Rows without a ticker or a date belong to no session: the batch alone tells of them.
NAMELESS: dict[str | None, tuple[list[Row], str]] = {
    None: (day(ticker=None), "not_null_ticker"),
    "DATELESS": (day(ticker="DATELESS", session_date=None), "not_null_session_date"),
}
# What is told of a whole batch: what it received, of that refused, requests that should have
# brought rows, the newest session with a vendor's bar; and the rule that it breaks.
BATCHES = {
    "some": ((100, 10, 0, SESSION), "batch_refused_some"),
    "most": ((100, 60, 0, SESSION), "batch_refused_most"),
    "all": ((2, 2, 0, SESSION), "batch_refused_all"),
    "empty": ((0, 0, 1, SESSION), "batch_empty"),
    "old": ((100, 0, 0, BEFORE), "batch_stale"),
}
CLOSED_DAYS = (EARLIER, BEFORE, SESSION)


def told_of_batch(received: int, refused: int, asked: int, newest: date) -> dict[str, float | None]:
    counts = {"received": received, "quarantined": refused}
    known = batch_facts(counts, asked=asked, received_min=20)
    return known | sessions_behind(newest, None, CLOSED_DAYS)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is found of all cases at once; `values` are those of each limit, by ticker."""

    told: Judgement
    conf: QualitySettings
    values: dict[str | None, Row]
    results: list[Row]

    @property
    def verdict(self) -> Verdict:
        return self.told.verdict

    def broken(self, ticker: str) -> dict[str, Row]:
        """Give what is found of a ticker, by rule."""
        return {row["rule"]: row for row in self.verdict.findings if row["ticker"] == ticker}

    def alone(self, ticker: str | None) -> Verdict:
        """Give the verdict on a batch of this ticker alone."""
        found = [row for row in self.verdict.findings if row["ticker"] == ticker]
        return self._verdict(self.values[ticker], found)

    def _verdict(self, values: Row, found: list[Row]) -> Verdict:
        outcomes = [
            Outcome(
                limit=limit,
                passed=values[limit.name] <= limit.max,
                observed=values[limit.name],
            )
            for limit in limits(self.conf)
        ]
        return verdict(outcomes, found, {}, newest=SESSION, samples=self.conf.samples)


@pytest.fixture(scope="module")
def quality(conf: Settings) -> QualitySettings:
    known = conf.quality
    stale = known.rules["stale"].model_copy(update={"max": 10.0, "tickers": {"ALLOWED": 20.0}})
    return known.model_copy(update={"rules": known.rules | {"stale": stale}})


@pytest.fixture(scope="module")
def judged(spark: SparkSession, quality: QualitySettings) -> Judged:
    known = {name: rows for name, (rows, _) in CASES.items()} | {"NAN": NAN[0]}
    rows = [row | {"ticker": name} for name, of in known.items() for row in of]
    states = arrow.frame(
        spark, STATES, [*rows, *(row for of, _ in NAMELESS.values() for row in of)]
    )
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
    times = [minute(at) | {"ticker": "REFUSED"} for at in (8, 7)]
    refused = arrow.frame(spark, silver.BARS_1M, times, only=("ticker", "session_date", "ts"))
    facts = with_refusals(beside, counted, refused, received_min=20).localCheckpoint()
    batch = told_of_batch(100, 100, 0, BEFORE)
    whole = with_batch(facts, spark.range(1), batch, newest=SESSION)
    behind = dict.fromkeys(OF_BATCH, refused)
    named = Batch(run_id="r", now=AFTER, newest=SESSION)
    told = judgement(whole, placed, behind, quality, named)
    wanted = limits(quality)
    names = [limit.name for limit in wanted]
    seen = whole.select("ticker", *(limit.value.alias(limit.name) for limit in wanted))
    worst_of = [F.coalesce(F.max(f"`{name}`"), F.lit(0.0)).alias(name) for name in names]
    values = {row["ticker"]: row for row in arrow.rows(seen.groupBy("ticker").agg(*worst_of))}
    return Judged(told, quality, values, arrow.rows(told.results))


def broken_by(rule: str) -> set[str]:
    """Give the rules that a batch made to break this one breaks."""
    return {rule, *IMPLIED.get(rule, ())} if rule else set()


def severity_of(conf: QualitySettings, rules: Iterable[str]) -> str:
    """Give the status of a batch that breaks these rules."""
    known = {limit.rule: limit.severity for limit in limits(conf)}
    severities = {known[rule] for rule in rules}
    return "blocked" if "critical" in severities else "warned" if severities else "passed"


@pytest.mark.parametrize("ticker", CASES)
def test_a_batch_of_one_broken_session_breaks_its_rule_and_is_blocked_or_marked(
    judged: Judged, ticker: str
) -> None:
    expected = broken_by(CASES[ticker][1])
    alone = judged.alone(ticker)

    assert {entry["rule"] for entry in alone.failed} == set(judged.broken(ticker)) == expected
    assert alone.status == severity_of(judged.conf, expected)


@pytest.mark.parametrize("ticker", NAMELESS)
def test_a_row_of_no_session_blocks_its_batch(judged: Judged, ticker: str | None) -> None:
    expected = broken_by(NAMELESS[ticker][1])
    alone = judged.alone(ticker)

    assert {entry["rule"] for entry in alone.failed} == expected
    assert alone.is_blocked


@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_as_a_whole_is_blocked_or_marked(
    spark: SparkSession, quality: QualitySettings, name: str
) -> None:
    counts, rule = BATCHES[name]
    nothing = spark.createDataFrame([], FACTS_DDL)
    facts = with_batch(nothing, spark.range(1), told_of_batch(*counts), newest=SESSION)
    due = arrow.frame(spark, silver.BARS_1M, [{"ticker": "A", "ts": OPEN}], only=("ticker", "ts"))
    batch = Batch(run_id="r", now=AFTER, newest=SESSION)
    behind = dict.fromkeys(OF_BATCH, due)

    told = judgement(facts, None, behind, quality, batch)

    expected = broken_by(rule)
    assert {entry["rule"] for entry in told.verdict.failed} == expected
    assert {tuple(entry["keys"]) for entry in told.verdict.failed} == {("A@2026-11-20T14:30:00Z",)}
    assert told.verdict.status == severity_of(quality, expected)
    assert told.results.isEmpty()


def test_a_price_that_is_no_number_breaks_what_compares_it(judged: Judged) -> None:
    assert {entry["rule"] for entry in judged.alone("NAN").failed} == NAN[1]


def test_there_is_a_broken_batch_for_every_rule(judged: Judged) -> None:
    of_cases = {rule for _, rule in (*CASES.values(), *NAMELESS.values(), *BATCHES.values())}

    assert of_cases - {""} == {limit.rule for limit in limits(judged.conf)}


def test_great_expectations_sees_the_worst_of_all_of_them(judged: Judged) -> None:
    whole = judged.broken("")
    highest = {
        limit.rule: max(row[limit.name] for row in judged.values.values())
        for limit in limits(judged.conf)
        if limit.ticker is None
    }

    assert {r: row["observed"] for r, row in whole.items()} == {
        rule: f"{value:.6g}" for rule, value in highest.items()
    }
    assert {rule for rule, row in whole.items() if row["passed"]} == {"batch_empty"}
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
        ("BEYOND", "beyond_calendar", MINUTES),
        ("MIXED", "mixed_units", 10),
        ("WIDE", "wide_bar", 3),
        ("FEW", "few_rows", 25),
        ("SPARSE", "mostly_filled", 1),
        ("SILENT", "without_volume", 3),
        ("STALE", "stale", 14),
        ("JUMP", "jump", 0),
        ("EMPTY", "empty_session", 0),
        ("REFUSED", "refused_share", 7),
    ],
)
def test_a_failure_names_the_bars_that_show_it(
    judged: Judged, ticker: str, rule: str, at: int
) -> None:
    moment = OPEN + timedelta(minutes=at)

    assert judged.broken(ticker)[rule]["sample_keys"] == [f"{ticker}@{moment:%Y-%m-%dT%H:%M:%SZ}"]


def test_every_failure_names_keys(judged: Judged) -> None:
    failed = [row for row in judged.verdict.findings if not row["passed"]]

    assert [(row["rule"], row["ticker"]) for row in failed if not row["sample_keys"]] == []
    assert judged.broken("")["not_null_ticker"]["sample_keys"][0] == "?@2026-11-20T14:30:00Z"
    assert judged.broken("N.TS")["not_null_ts"]["sample_keys"] == ["N.TS@?"]
    assert judged.broken("")["not_null_session_date"]["sample_keys"][0] == (
        "DATELESS@2026-11-20T14:30:00Z"
    )


def test_a_failure_says_what_was_found_and_what_is_allowed(judged: Judged) -> None:
    jump = judged.broken("JUMP")["jump"]

    assert (jump["observed"], jump["expected"]) == ("0.428571", "jump_share at most 0.25")


def test_no_result_names_more_keys_than_asked_for(judged: Judged) -> None:
    counts = [len(row["sample_keys"]) for row in judged.verdict.findings]

    assert max(counts) == judged.conf.samples


def test_every_rule_says_of_a_good_session_that_it_held(judged: Judged) -> None:
    """A bar from a file is not stale; a first session has nothing to jump from."""
    good = {row["rule"]: row for row in judged.results if row["ticker"] == "GOOD"}
    silent = {"stale", "jump", "other_unit", "unit_returns", "volume_unusual", "refused_share"}
    of_batch = {rule for _, rule in BATCHES.values()}

    assert set(good) == {limit.rule for limit in limits(judged.conf)} - silent - of_batch
    assert {(row["passed"], tuple(row["sample_keys"])) for row in good.values()} == {(True, ())}
    assert good["wide_bar"]["observed"] == "1"
    assert good["wide_bar"]["expected"] == "bar_ratio at most 1.5"


def test_a_ticker_with_a_limit_of_its_own_has_one_result(judged: Judged) -> None:
    stale = [row for row in judged.results if row["rule"] == "stale"]

    assert {row["ticker"]: (row["expected"], row["passed"]) for row in stale} == {
        "STALE": ("stale_minutes at most 10", False),
        "ALLOWED": ("stale_minutes at most 20", True),
    }


def test_the_page_shows_the_worst_and_the_table_keeps_all(judged: Judged) -> None:
    failed = [row for row in judged.results if not row["passed"]]
    of_sessions = [row for row in judged.verdict.findings if row["ticker"]]
    shown = arrow.rows(worst(judged.told.results, results_max=1))
    known = {(row["rule"], row["ticker"]) for row in failed}

    assert {(row["rule"], row["ticker"]) for row in of_sessions} == known
    assert len(known) == len(failed) > len(shown)
    assert [row["rule"] for row in shown if row["rule"] == "inside_session"] == ["inside_session"]
    assert {row["ticker"] for row in shown if row["rule"] == "inside_session"} == {"CLOSED"}


def test_a_number_is_spelled_as_python_spells_it(spark: SparkSession) -> None:
    numbers = [0.0, 1.0, 16.0, 0.25, 3 / 7, 100.0, 123456.0, 1234567.0, 1e-05, 0.00012, 1e308, 20.5]
    frame = spark.createDataFrame([(n,) for n in numbers], "n DOUBLE")

    told = [row["text"] for row in arrow.rows(frame.select(spelled(F.col("n")).alias("text")))]

    assert told == [f"{n:.6g}" for n in numbers]


def test_the_page_shows_each_failure_and_fetches_nothing(judged: Judged) -> None:
    keys = {key for row in judged.verdict.findings for key in row["sample_keys"]}
    html = judged.told.html

    assert [key for key in sorted(keys) if key not in html] == []
    assert re.findall(r"<(?:script|link|img|iframe)\b", html) == []
    assert re.findall(r"""(?:href|src|srcset)\s*=\s*["'](?!#)[^"']*""", html) == []
    assert re.findall(r"url\(|@import", html) == []
    assert "maximum value must be less than or equal to" in html


def test_nothing_calls_home(
    spark: SparkSession, quality: QualitySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spark itself is on the loopback; a thread that swallows its errors is seen all the same."""
    called: list[object] = []
    connect, find = socket.socket.connect, socket.getaddrinfo

    def connected(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not ip_address(address[0]).is_loopback:
            called.append(address)
            raise ConnectionRefusedError(address)
        connect(self, address)

    def found(host: Any, *others: Any, **more: Any) -> Any:
        if host not in ("localhost", "127.0.0.1", "::1", None):
            called.append(host)
            raise socket.gaierror(host)
        return find(host, *others, **more)

    monkeypatch.setattr(socket.socket, "connect", connected)
    monkeypatch.setattr(socket, "getaddrinfo", found)
    wanted = [limit for limit in limits(quality) if limit.rule == "batch_empty"]
    frame = spark.createDataFrame([(0.0,)], "batch_empty DOUBLE")

    result = validate(frame, wanted, name="no call home")

    assert (result.success, called) == (True, [])
    with pytest.raises(OSError):  # noqa: PT011 - what is guarded against is seen
        socket.create_connection(("192.0.2.1", 443), timeout=1)
    assert called == ["192.0.2.1"]


@pytest.mark.parametrize("name", STAGED)
def test_what_changes_after_it_was_judged_is_not_published(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    lake = Lake(spark, Folder.at(str(tmp_path)), "r", AFTER)
    staged = {each: lake.stage(each, spark.range(3)) for each in STAGED}["states"]

    def alter(_: DataFrame) -> None:
        lake.stage(name, spark.range(4))

    def accept(rows: DataFrame) -> None:
        assert rows.count() == 3

    judge_staged(lake, staged, accept, STAGED)
    with pytest.raises(QualityError, match="changed after it was judged"):
        judge_staged(lake, staged, alter, STAGED)


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


def test_a_batch_is_behind_by_the_sessions_that_closed_after_its_newest_bar() -> None:
    def behind(newest: date | None, published: date | None) -> float | None:
        return sessions_behind(newest, published, CLOSED_DAYS)["batch_sessions_behind"]

    assert (behind(SESSION, None), behind(BEFORE, None), behind(EARLIER, None)) == (0, 1, 2)
    assert behind(None, EARLIER) is None  # files may be of any age
    assert behind(EARLIER, SESSION) == 0  # an older hole is filled, and readers have the newest
    assert behind(EARLIER, BEFORE) == 1
