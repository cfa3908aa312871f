"""Metrics: their text, and what each counts, over a lake of rows made up."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from barlake.model import bronze, ops, ref, silver
from barlake.model.landed import Outcome
from barlake.model.table import Table
from barlake.readers.exposition import Metric, Sample, exposition
from barlake.readers.metrics import metrics
from barlake.settings import load
from tests.exposition import Family, labelled, parsed
from tests.pages.tables import covered, made_up, opened, session, weekdays

DAYS = list(weekdays(7, first=date(2026, 11, 16)))
NEWEST = DAYS[-1]
CLOSE = opened(NEWEST) + timedelta(minutes=390)
NOW = CLOSE + timedelta(hours=4)


def family(name: str, *samples: Sample, kind: Literal["counter", "gauge"] = "gauge") -> Metric:
    return Metric(name=name, kind=kind, doc="What it is.", samples=samples)


def test_a_metric_is_help_type_and_samples() -> None:
    text = exposition(
        [
            family("a_total", Sample(3, {}), kind="counter"),
            family("nothing"),
            family("b_seconds", Sample(0.1, {"job": "run", "step": "gold"})),
        ]
    )

    assert text == (
        "# HELP a_total What it is.\n# TYPE a_total counter\na_total 3\n"
        "# HELP b_seconds What it is.\n# TYPE b_seconds gauge\n"
        'b_seconds{job="run",step="gold"} 0.1\n'
    )


@pytest.mark.parametrize(
    ("said", "spelled"),
    [
        ('a "rule"', r"a \"rule\""),
        ("C:\\new", r"C:\\new"),
        ("two\nlines", r"two\nlines"),
        ('\\"', r"\\\""),
        ("é {a,b=c}", "é {a,b=c}"),
    ],
)
def test_a_label_is_escaped_and_read_back(said: str, spelled: str) -> None:
    text = exposition([family("a", Sample(1, {"rule": said}))])

    assert text.splitlines()[-1] == f'a{{rule="{spelled}"}} 1'
    assert parsed(text)["a"].samples == {labelled(rule=said): 1.0}


def test_a_help_is_one_line_in_which_quotes_stand() -> None:
    metric = Metric(name="a", kind="gauge", doc='x\\y\n"z"', samples=(Sample(1, {}),))

    assert exposition([metric]).splitlines()[0] == r'# HELP a x\\y\n"z"'


@pytest.mark.parametrize(
    ("value", "spelled"),
    [(0, "0"), (2**60, "1152921504606846976"), (1796259480.5, "1796259480.5"), (1e-7, "1e-07")],
)
def test_a_value_is_spelled_whole(value: float, spelled: str) -> None:
    assert exposition([family("a", Sample(value, {}))]).splitlines()[-1] == f"a {spelled}"


@pytest.mark.parametrize(
    ("name", "kind", "label"),
    [
        ("a-b", "gauge", "x"),
        ("1a", "gauge", "x"),
        ("a", "gauge", "x-y"),
        ("a", "counter", "x"),
        ("a_total", "gauge", "x"),
    ],
)
def test_what_prometheus_would_refuse_is_refused(
    name: str, kind: Literal["counter", "gauge"], label: str
) -> None:
    with pytest.raises(ValueError, match="is no metric"):
        family(name, Sample(1, {label: "y"}), kind=kind)


def run(run_id: str, job: str, status: str, at: datetime, detail: str = "{}") -> dict[str, Any]:
    times = {"started_at": at, "finished_at": at + timedelta(minutes=5)}
    return {"run_id": run_id, "job": job, "status": status, "detail": detail, **times}


def bar(ticker: str, minute: int, seen: datetime | None) -> dict[str, Any]:
    return {
        "ticker": ticker,
        "ts": opened(NEWEST) + timedelta(minutes=minute),
        "session_date": NEWEST,
        "is_filled": seen is None,
        "first_seen_at": seen,
    }


def request(ticker: str, at: datetime, outcome: str = "ok", **changed: Any) -> dict[str, Any]:
    usual = {
        "request_id": f"{ticker} {at}",
        "source": "yahoo",
        "ticker": ticker,
        "received_at": at,
        "range_start": opened(NEWEST),
        "range_end": CLOSE,
        "outcome": outcome,
        "attempts": 2,
    }
    return usual | changed


def result(rule: str, ticker: str = "", *, passed: bool = False, **changed: Any) -> dict[str, Any]:
    usual = {
        "run_id": "b",
        "table": "silver.bars_1m",
        "rule": rule,
        "ticker": ticker,
        "session_date": NEWEST,
        "severity": "warning",
        "passed": passed,
    }
    return usual | changed


def rows() -> dict[Table, list[dict[str, Any]]]:
    """Seven sessions, two tickers; the last night was blocked, after an ingest and a night."""
    evening = CLOSE + timedelta(hours=1)
    fates = {"new": 10, "changed": 2, "unchanged": 3, "duplicate": 1, "quarantined": 4}
    states: dict[str, Any] = {
        "observed": "35 minutes late",
        "expected": f"published by {DAYS[5]}T23:20:00Z",
    }
    missing = states | {"observed": "missing", "run_id": "a"}
    steps = '{"seconds": {"gold": 1.5, "a \\"step\\"": 0.25}}'
    early = CLOSE - timedelta(hours=1)
    return {
        ref.SESSIONS: [session(day) for day in DAYS],
        bronze.BARS: [{"ticker": "A", "ts": CLOSE, "revision": n} for n in (0, 1, 2)],
        silver.BARS_1M: [
            bar("A", 0, evening),
            bar("A", 1, evening + timedelta(hours=1)),
            bar("A", 2, None),
            bar("B", 0, evening + timedelta(hours=2)),
            bar("C", 0, evening + timedelta(hours=2)),
            bar("D", 0, evening + timedelta(hours=2)),
            bar("E", 0, evening + timedelta(hours=2)),
        ],
        # A was asked for after the close, and not all came; B while the session was on; C in
        # vain, D for other minutes; E's daily bars.
        ops.REQUESTS: [
            request("A", evening),
            request("B", early),
            request("C", evening, "rate_limited"),
            request("D", evening, range_start=opened(NEWEST) + timedelta(minutes=1)),
            request("E", evening, request_id="x-1d"),
            request("", evening, "ok", source="release", attempts=None),
        ],
        silver.COVERAGE: [
            *(covered("A", day, [], computed_at=NOW) for day in DAYS[:-1]),
            covered("A", NEWEST, [(0, 39, "no_trade")], computed_at=NOW),
            covered("B", NEWEST, [], is_settled=False, computed_at=NOW),
        ],
        silver.QUARANTINE: [
            {"rule": "ts_grid", "severity": "quarantine", "released_at": NOW},
            *({"rule": "ts_grid", "severity": "quarantine"} for _ in range(2)),
        ],
        silver.QUARANTINE_STREAM: [{"rule": "ts_grid", "severity": "quarantine"}],
        ops.RUNS: [
            run("a", "run", "ok", opened(DAYS[4])),
            run("b", "run", "blocked", evening, steps),
            run("c", "ingest", "ok", evening - timedelta(minutes=30)),
            run("d", "vacuum", "ok", NOW),
        ],
        ops.INGEST_AUDIT: [
            {"run_id": "a", "ticker": "A", "session_date": NEWEST, **fates},
            *({"run_id": "b", "ticker": t, "session_date": NEWEST, "new": 1} for t in "AB"),
        ],
        ops.DQ_RESULTS: [
            result("jump"),
            result("jump", "A"),
            result("jump", "B"),
            result("jump", "C", passed=True),
            result("batch_stale", severity="critical"),
            result("stale", passed=True),
            result("freshness", session_date=DAYS[5], **missing),
            result("freshness", session_date=DAYS[5], **states),
        ],
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Family]:
    lake = made_up(tmp_path_factory.mktemp("metrics"), rows())
    return parsed(exposition(metrics(lake, load(), NOW)))


def values(found: dict[str, Family], name: str) -> dict[tuple[str, ...], float]:
    """Give a metric's samples by their labels' values, in order of the labels' names."""
    samples = found[f"barlake_{name}"].samples
    return {tuple(v for _, v in sorted(labels)): value for labels, value in samples.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "ingest_rows_total",
            {
                ("new",): 12,
                ("changed",): 2,
                ("unchanged",): 3,
                ("duplicate",): 1,
                ("quarantined",): 4,
            },
        ),
        (
            "last_ingest_rows",
            {
                ("new",): 2,
                ("changed",): 0,
                ("unchanged",): 0,
                ("duplicate",): 0,
                ("quarantined",): 0,
            },
        ),
        ("revisions_total", {(): 2}),
        ("late_bars", {(): 1}),
        (
            "quarantine_rows",
            {("ts_grid", "quarantine", "released"): 1, ("ts_grid", "quarantine", "open"): 3},
        ),
        (
            "gate_failures_total",
            {("batch_stale", "critical"): 1, ("jump", "warning"): 2, ("stale", "warning"): 0},
        ),
        (
            "coverage_ratio",
            {**{(str(day),): 1.0 for day in DAYS[2:6]}, (str(NEWEST),): 0.95},
        ),
        ("settled_tickers", {(str(day),): 1 for day in DAYS[2:]}),
        ("unsettled_ticker_sessions", {(): 1}),
        (
            "vendor_requests_total",
            {(o.value, "yahoo"): {"ok": 4, "rate_limited": 1}.get(o.value, 0) for o in Outcome},
        ),
        ("vendor_attempts_total", {("yahoo",): 10}),
        (
            "runs_total",
            {("ingest", "ok"): 1, ("run", "blocked"): 1, ("run", "ok"): 1, ("vacuum", "ok"): 1},
        ),
        ("last_run_step_seconds", {("run", "gold"): 1.5, ("run", 'a "step"'): 0.25}),
        ("newest_bar_timestamp_seconds", {(): (opened(NEWEST) + timedelta(minutes=2)).timestamp()}),
        ("newest_session_close_timestamp_seconds", {(): CLOSE.timestamp()}),
        ("newest_session_age_seconds", {(): 4 * 3600}),
        ("sessions_missing", {(): 0}),
    ],
)
def test_a_metric_counts_what_it_says(
    found: dict[str, Family], name: str, expected: dict[tuple[str, ...], float]
) -> None:
    assert values(found, name) == expected


def test_the_last_run_of_each_job_is_told(found: dict[str, Family]) -> None:
    status = {key for key, value in values(found, "last_run_status").items() if value}
    ended = values(found, "last_run_end_timestamp_seconds")
    succeeded = values(found, "last_success_timestamp_seconds")

    assert status == {("run", "blocked"), ("ingest", "ok"), ("vacuum", "ok")}
    assert len(values(found, "last_run_status")) == 12
    assert ended["run",] == (CLOSE + timedelta(minutes=65)).timestamp()
    assert succeeded["run",] == (opened(DAYS[4]) + timedelta(minutes=5)).timestamp()
    assert ended["vacuum",] == succeeded["vacuum",]


def test_sessions_are_late_by_what_a_run_said_or_by_now(tmp_path: Path) -> None:
    """There since before the fifth was due; the sixth came late, of the last none is settled."""
    held = rows()
    held[silver.COVERAGE] = [
        row
        for row in held[silver.COVERAGE]
        if row["session_date"] != NEWEST or row["ticker"] == "B"
    ]
    for row in held[silver.COVERAGE]:
        row["computed_at"] = opened(DAYS[4]) + timedelta(hours=7)

    found = parsed(exposition(metrics(made_up(tmp_path, held), load(), NOW)))

    overdue = NOW - CLOSE - timedelta(minutes=140)
    assert values(found, "session_late_seconds") == {
        (str(DAYS[4]),): 0,
        (str(DAYS[5]),): 35 * 60,
        (str(NEWEST),): overdue.total_seconds(),
    }
    assert values(found, "sessions_missing") == {(): 1}


def test_every_metric_is_documented_and_has_no_more_samples_than_few(
    found: dict[str, Family],
) -> None:
    page = Path(__file__).parents[2].joinpath("docs", "monitoring.md").read_text("utf-8")
    named = {"table_rows", "table_files", "table_bytes", "table_version", "table_lease_held"}

    assert [name for name in found if f"`{name}" not in page] == []
    assert [name for name in named if f"`barlake_{name}" not in page] == []
    assert max(len(one.samples) for one in found.values()) < 50


def test_a_lake_without_rows_has_metrics_too(tmp_path: Path) -> None:
    found = parsed(exposition(metrics(made_up(tmp_path, {}), load(), datetime.now(UTC))))

    assert values(found, "ingest_rows_total")["new",] == 0
    assert values(found, "sessions_missing") == {(): 0}
    assert "barlake_newest_session_age_seconds" not in found
