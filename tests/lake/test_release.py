"""What was refused and is let in: once, by its own rule alone, and again by a rebuild."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import barlake
from barlake import calendar, releases, steps, steps_quarantine
from barlake.io.folder import Folder
from barlake.model import ops
from barlake.model.errors import InputError, QualityError
from barlake.model.jobs import RUN
from barlake.model.landed import Release
from barlake.model.rules import ROW_RULES, Rule
from barlake.options import Options
from barlake.pipelines.night import run
from barlake.pipelines.underway import Wanted
from barlake.readers.explain import Minute, explain, explain_refused
from barlake.readers.holes import Window, lacks
from barlake.readers.quarantine import Chosen, key_text, listed, placed
from barlake.runtime import running
from barlake.sources.files import FilesSource
from tests.builders import OPEN, SESSION, row, stamp, write_bars
from tests.lake.invariants import DATA, assert_equal, assert_keys_are_unique, contents, versions

FIRST, SECOND, THIRD = (datetime(2026, 11, day, 2, tzinfo=UTC) for day in (21, 22, 23))
RELEASED = datetime(2026, 11, 25, 9, tzinfo=UTC)
MINUTES = (0, 10, 20, 30, 389)
WHY = "seen on the exchange's own tape"


def first_files(folder: Path) -> Path:
    """Write good bars and refused rows in one file, and one with a refused row alone."""
    folder.mkdir()
    known: dict[str, Any] = {"fetched_at": stamp(FIRST)}
    write_bars(folder / "nobody.csv", [row(20, ticker="NEW", **known)])
    write_bars(
        folder / "first.csv",
        [
            *(row(minute, **known) for minute in MINUTES),
            *(row(minute, ticker="MSFT", **known) for minute in MINUTES[:4]),
            row(40, 20_000_000.0, ticker="MSFT", **known),
            row(389, ticker="NEW", **known),
            row(1, 30_000_000.0, ticker="NEW", **known),
            row(50, close=101.0, **known),
            row(50, close=102.0, **known),
            row(60, close=101.0, **known),
            row(60, close=20_000_001.0, **known),
            row(70, open="many", **known),
            row(80, high=99.0, **known),
            row(80, high=98.0, **known),
        ],
    )
    return folder


def second_file(path: Path) -> Path:
    """Write a correction, a bar that lost its volume, and says so again a day later."""
    return write_bars(
        path,
        [
            row(0, close=103.0, fetched_at=stamp(SECOND)),
            row(10, volume=0, fetched_at=stamp(SECOND)),
            row(10, volume=0, fetched_at=stamp(THIRD)),
            row(20, close=104.0, fetched_at=stamp(THIRD)),
        ],
    )


def ran(root: Path, file: Path, run_id: str) -> None:
    """Run a file's night, NEW not being asked for."""
    asked = ["AAPL", "MSFT"]
    source = FilesSource(path=file, clock=lambda: RELEASED, asked=asked)
    with running(RUN, Options(lake=str(root), as_of=RELEASED, run_id=run_id)) as night:
        run(night, source, Wanted(), [])


def released(
    root: Path, run_id: str, *, is_rejudged: bool = False, **chosen: Any
) -> dict[str, Any]:
    """Do what `barlake quarantine release` does."""
    options = Options(lake=str(root), as_of=RELEASED, run_id=run_id)
    wanted = Chosen(**chosen)
    return steps_quarantine.release(options, wanted, "ann", WHY, is_rejudged=is_rejudged)


def asked(root: Path, query: str, **values: object) -> list[dict[str, Any]]:
    return barlake.open(str(root)).rows(query, **values)


def quarantined(root: Path, rule: str) -> list[tuple[Any, ...]]:
    """Give the rows that a rule refused: ticker, time, who let it in."""
    rows = asked(root, "SELECT * FROM silver.quarantine WHERE rule = $rule ORDER BY ALL", rule=rule)
    return sorted((r["ticker"], r["ts_text"], r["released_by"] or "") for r in rows)


def closes(root: Path, ticker: str) -> dict[int, float]:
    """Give a ticker's observed bars: minute of the session to close."""
    rows = asked(
        root,
        "SELECT minute_of_session AS m, close FROM silver.bars_1m WHERE ticker = $ticker"
        " AND NOT is_filled ORDER BY m",
        ticker=ticker,
    )
    return {r["m"]: r["close"] for r in rows}


@dataclass(frozen=True, slots=True)
class Story:
    """One lake: two nights, then releases, each with what it said and left."""

    root: Path
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, dict[str, int]] = field(default_factory=dict)
    closes: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)
    refused: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    contradicting: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    def note(self, name: str, told: dict[str, Any]) -> None:
        """Remember what the lake holds after a step."""
        self.told[name] = told
        self.versions[name] = versions(self.root)
        self.closes[name] = {each: closes(self.root, each) for each in ("AAPL", "MSFT", "NEW")}
        self.refused[name] = quarantined(self.root, "price_range")
        self.contradicting[name] = quarantined(self.root, "conflicting_duplicate")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("release")
    root = folder / "lake"
    made = Story(root)
    ran(root, first_files(folder / "first"), "first")
    made.note("start", {})
    made.note("unasked", released(root, "unasked", ticker="NEW"))
    made.note("again", released(root, "again", ticker="NEW", rule="ticker_not_asked"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("barlake.pipelines.ledger.ROW_RULES", with_a_higher_limit())
        made.note("rejudged", released(root, "rejudged", is_rejudged=True, rule="price_range"))
    died_after_landing(root, "price_range")
    ran(root, second_file(folder / "second.csv"), "second")
    made.note("second", {})
    keys = [
        *keys_of(root, "conflicting_duplicate"),
        *keys_of(root, "volume_dropped_to_zero")[:1],
    ]
    made.note("by key", released(root, "keys", keys=keys))
    return made


def keys_of(root: Path, rule: str) -> list[str]:
    """Give the keys of a rule's refused rows, in order."""
    query = "SELECT * FROM silver.quarantine WHERE rule = $rule ORDER BY ALL"
    return [key_text(row) for row in asked(root, query, rule=rule)]


def with_a_higher_limit() -> tuple[Rule, ...]:
    """Give the rules, price_range being mended: it holds up to 25 million dollars."""
    mended = "greatest(open, high, low, close) <= 25000000"
    return tuple(replace(r, holds=mended) if r.name == "price_range" else r for r in ROW_RULES)


def died_after_landing(root: Path, rule: str) -> None:
    """Leave what the release of a rule's rows leaves that is killed right after it landed."""
    rows = placed(barlake.open(str(root)), Chosen(rule=rule))
    names = ("served_by", "row", "rule", "ticker", "ts_text")
    decided = [tuple(row[n] for n in names) for row in rows if row["released_at"] is None]
    taken = Release(release_id="", released_at=RELEASED, released_by="bob", why=WHY, rows=0)
    releases.land(Folder.at(str(root)), taken, decided)


def test_released_rows_go_in_and_break_other_rules_still(story: Story) -> None:
    assert story.closes["start"]["NEW"] == {}
    assert story.closes["unasked"]["NEW"] == {20: 100.0, 389: 100.0}
    assert story.told["unasked"]["release"]["refused_again"] == 1
    assert ("NEW", "2026-11-20T14:31:00Z", "") in story.refused["unasked"]


def test_a_second_release_changes_nothing_and_says_so(story: Story) -> None:
    assert story.versions["again"] == story.versions["unasked"]
    assert story.told["again"]["release"]["rows"] == 0
    assert any("released before, the last by ann" in note for note in story.told["again"]["notes"])


def test_what_was_refused_again_can_be_released_from_that_rule_too(story: Story) -> None:
    assert 1 not in story.closes["rejudged"]["NEW"]
    assert story.closes["second"]["NEW"][1] == 30_000_000.0


def test_a_mended_rule_lets_in_what_it_passes_now_and_nothing_else(story: Story) -> None:
    """Of three dear rows one is below the new limit and contradicts no other."""
    assert 40 not in story.closes["again"]["MSFT"]
    assert story.closes["rejudged"]["MSFT"][40] == 20_000_000.0
    assert story.refused["rejudged"] == [
        ("AAPL", "2026-11-20T15:30:00Z", ""),
        ("MSFT", "2026-11-20T15:10:00Z", "ann"),
        ("NEW", "2026-11-20T14:31:00Z", ""),
    ]
    assert "2 rows break a rule still, and stay" in story.told["rejudged"]["notes"]


def test_a_decision_that_landed_is_finished_by_the_next_run(story: Story) -> None:
    """With a delivery of its own: what the run received is both."""
    [audit] = asked(
        story.root,
        "SELECT sum(received)::INT AS received, sum(new)::INT AS new, sum(changed)::INT AS changed,"
        " sum(quarantined)::INT AS quarantined FROM ops.ingest_audit WHERE run_id = 'second'",
    )

    assert story.refused["second"] == [
        ("AAPL", "2026-11-20T15:30:00Z", "bob"),
        ("MSFT", "2026-11-20T15:10:00Z", "ann"),
        ("NEW", "2026-11-20T14:31:00Z", "bob"),
    ]
    assert audit == {"received": 6, "new": 1, "changed": 2, "quarantined": 3}


def test_a_row_let_in_takes_no_good_row_out(story: Story) -> None:
    """Minute 60 of AAPL came twice: a good row, and one that was released from another rule."""
    twice = ("AAPL", "2026-11-20T15:20:00Z", "")
    assert story.contradicting["second"] == [twice, twice, ("AAPL", "2026-11-20T15:30:00Z", "")]
    assert story.closes["second"]["AAPL"][60] == 101.0
    assert story.closes["by key"]["AAPL"][60] == 20_000_001.0


def test_a_released_drop_is_what_is_known_and_its_repeat_no_drop(story: Story) -> None:
    """The repeat was refused as well, and is not any more."""
    marks = quarantined(story.root, "volume_dropped_to_zero")
    rows = asked(
        story.root,
        "SELECT revision, volume FROM bronze.bars WHERE ticker = 'AAPL'"
        " AND ts = '2026-11-20T14:40:00Z' ORDER BY revision",
    )

    assert [(r["revision"], r["volume"]) for r in rows] == [(0, 100), (1, 0)]
    assert marks == [("AAPL", "2026-11-20T14:40:00Z", "ann")]


def test_knowledge_time_is_that_of_the_delivery(story: Story) -> None:
    rows = asked(
        story.root,
        "SELECT DISTINCT fetched_at FROM bronze.bars WHERE ticker = 'NEW'",
    )

    assert [r["fetched_at"] for r in rows] == [FIRST]


def test_marks_say_when_and_who_and_keep_the_run_that_refused(story: Story) -> None:
    rows = asked(
        story.root,
        "SELECT run_id, released_at, released_by FROM silver.quarantine"
        " WHERE rule = 'ticker_not_asked'",
    )

    assert {(r["run_id"], r["released_at"], r["released_by"]) for r in rows} == {
        ("first", RELEASED, "ann")
    }


def test_coverage_counts_what_is_still_out(story: Story) -> None:
    rows = asked(story.root, "SELECT ticker, quarantined FROM silver.coverage ORDER BY ticker")

    assert {r["ticker"]: r["quarantined"] for r in rows} == {"AAPL": 3, "MSFT": 0, "NEW": 0}


def test_a_rebuild_lets_the_same_rows_in(story: Story, tmp_path: Path) -> None:
    again = tmp_path / "again"
    steps.rebuild(Options(lake=str(again), as_of=RELEASED, run_id="again"), str(story.root))

    found, expected = contents(again), contents(story.root)
    assert_keys_are_unique(found)
    assert_equal(found, expected, (*DATA, ops.REQUESTS))


def test_the_decision_is_kept_with_its_reason(story: Story) -> None:
    told = story.told["unasked"]["release"]
    rows = asked(story.root, "SELECT detail FROM ops.requests WHERE source = 'release'")
    [run_row] = asked(story.root, "SELECT detail FROM ops.runs WHERE run_id = 'unasked'")

    assert (story.root / "landing" / "releases" / f"{told['release_id']}.parquet").is_file()
    assert {r["detail"] for r in rows} == {f"released by {who}: {WHY}" for who in ("ann", "bob")}
    assert WHY in run_row["detail"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"rule": "price_format"}, "can be no bar"),
        ({"rule": "high_highest"}, "can be no bar"),
        ({"ticker": "NOBODY"}, "no refused row is chosen"),
        ({"keys": ["a,b"]}, "is no key"),
        ({}, "say which rows"),
    ],
    ids=str,
)
def test_what_cannot_be_a_bar_is_refused_before_spark_starts(
    story: Story, monkeypatch: pytest.MonkeyPatch, chosen: dict[str, Any], said: str
) -> None:
    monkeypatch.setattr(steps_quarantine, "running", None)

    with pytest.raises(InputError, match=said):
        released(story.root, "never", **chosen)


# --- the same lake, explained


def explained(story: Story, ticker: str, minute: int) -> dict[str, Any]:
    ts = OPEN + timedelta(minutes=minute)
    wanted = Minute(ticker=ticker, ts=ts, now=RELEASED, horizon_days=29)
    return explain(barlake.open(str(story.root)), wanted)


@pytest.mark.parametrize(
    ("ticker", "minute", "status", "reason"),
    [
        ("AAPL", 30, "observed", None),
        ("AAPL", 0, "corrected", None),
        ("AAPL", 5, "filled", "no_trade"),
        ("AAPL", 70, "filled", "quarantined"),
        ("NEW", 0, "absent", "before_first"),
        ("AAPL", -30, "absent", "never_asked"),
        ("NOBODY", 0, "absent", "never_asked"),
        ("AAPL", -600, "absent", "outside_session"),
        ("AAPL", 60 * 24 * 7, "absent", "future"),
    ],
)
def test_a_minute_is_what_it_is_for_a_reason(
    story: Story, ticker: str, minute: int, status: str, reason: str | None
) -> None:
    found = explained(story, ticker, minute)

    assert (found["status"], found["reason"]) == (status, reason)
    assert (found["why"] is None) == (reason is None)


def test_a_corrected_cell_is_traced_to_all_that_made_it_and_that_it_made(story: Story) -> None:
    found = explained(story, "AAPL", 0)

    assert [r["close"] for r in found["revisions"]] == [100.0, 103.0]
    assert [r["close_text"] for r in found["payloads"]] == ["100.0", "103.0"]
    assert {r["detail"] for r in found["requests"]} >= {"first.csv", "second.csv"}
    assert {r["run_id"] for r in found["runs"]} >= {"first", "second"}
    stored = {(v["table"], v["run_id"]) for v in found["versions"]}
    assert stored >= {("bronze.bars", "first"), ("bronze.bars", "second")}
    assert found["feeds"]["features"]["ts"] == OPEN
    assert found["feeds"]["later_features"] == 389
    assert found["feeds"]["later_volumes"] == {"sessions": 0, "rows": 0}
    assert found["feeds"]["next_gap"] is None
    assert [b["interval"] for b in found["feeds"]["bars"]] == ["5m", "15m", "30m", "60m", "1d"]


def test_a_cell_shows_what_the_gate_said_of_its_batches_and_of_its_ticker(story: Story) -> None:
    gates = explained(story, "AAPL", 0)["gates"]

    broken = asked(
        story.root,
        "SELECT run_id, rule FROM ops.dq_results WHERE ticker = 'AAPL' AND session_date = $day",
        day=SESSION,
    )
    of_ticker = {(g["run_id"], g["rule"]) for g in gates if g["ticker"]}
    assert of_ticker == {(row["run_id"], row["rule"]) for row in broken}
    assert ("first", "mostly_filled") in of_ticker
    assert {g["ticker"] for g in gates} == {"", "AAPL"}
    of_batch = {(g["run_id"], g["rule"]): g["passed"] for g in gates if not g["ticker"]}
    assert of_batch["first", "key_unique"] is of_batch["second", "key_unique"] is True
    assert of_batch["first", "mostly_filled"] is False


def test_a_refused_row_is_shown_as_it_was_served_with_its_release(story: Story) -> None:
    out, back = explained(story, "AAPL", 70), explained(story, "AAPL", 10)

    assert [r["open_text"] for r in out["payloads"]] == ["many"]
    assert [(r["rule"], r["released_at"]) for r in out["quarantine"]] == [("price_format", None)]
    assert [(r["released_by"], r["why"]) for r in back["quarantine"]] == [("ann", WHY)]


def test_a_filled_cell_names_the_bar_that_it_carries(story: Story) -> None:
    found = explained(story, "AAPL", 5)

    assert (found["carried_from"]["ts"], found["cell"]["close"]) == (OPEN, 103.0)
    assert found["feeds"]["bars"] == []


# --- and what it lacks


def test_the_plan_is_what_the_calendar_has_and_the_bars_have_not(story: Story) -> None:
    names = ["AAPL", "MSFT", "NEW", "NOBODY"]
    first = date(2026, 11, 18)
    window = Window(
        tickers=names,
        is_all=False,
        start=first,
        end=date(2026, 11, 24),
        now=RELEASED,
        horizon_days=29,
        sessions_per_request=2,
    )
    observed = asked(
        story.root,
        "SELECT ticker, session_date, count(*) AS n FROM silver.bars_1m"
        " WHERE segment = 'regular' AND NOT is_filled GROUP BY ALL",
    )
    held = {(r["ticker"], r["session_date"]): r["n"] for r in observed}
    expected = {
        (name, day.session_date): day.minutes - held.get((name, day.session_date), 0)
        for name in names
        for day in calendar.between(first, date(2026, 11, 24))
    }

    found = lacks(barlake.open(str(story.root)), window)

    counted: Counter[tuple[str, date]] = Counter()
    for each in found["lacks"]:
        counted[each["ticker"], each["session"]] += each["minutes"]
    assert counted == expected
    assert found["minutes"] == sum(expected.values())
    of_day = {
        (r["ticker"], r["reason"]): r["minutes"] for r in found["lacks"] if r["session"] == SESSION
    }
    assert of_day["AAPL", "quarantined"] == 2
    assert of_day["NEW", "before_first"] == 1
    assert of_day["NOBODY", "never_asked"] == 390
    # Three of the five sessions in pairs, and a week-end between: 18 and 19, 20 and 23, 24.
    costly = [r for r in found["lacks"] if r["requests"]]
    asked_for = [r["session"].day for r in costly if r["ticker"] == "NOBODY"]
    assert asked_for == [18, 20, 24]
    settled = asked(story.root, "FROM silver.coverage WHERE is_settled AND observed > 0")
    never_again = {(r["ticker"], r["session_date"]) for r in settled}
    assert never_again.intersection((r["ticker"], r["session"]) for r in found["lacks"])
    assert never_again.isdisjoint((r["ticker"], r["session"]) for r in costly)
    assert found["requests"] == len(costly)
    expiries = [r["expires_at"] for r in found["lacks"]]
    assert expiries == sorted(expiries)
    assert expiries[0] == datetime(2026, 12, 17, 9, tzinfo=UTC)


def test_what_is_older_than_the_vendors_memory_is_lost_and_comes_last(story: Story) -> None:
    later = datetime(2026, 12, 20, 2, tzinfo=UTC)
    window = Window(
        tickers=["NOBODY"],
        is_all=True,
        start=date(2026, 11, 19),
        end=date(2026, 11, 23),
        now=later,
        horizon_days=29,
        sessions_per_request=2,
    )

    found = lacks(barlake.open(str(story.root)), window)["lacks"]

    assert [r["session"] for r in found if r["ticker"] == "NOBODY"] == [
        date(2026, 11, 23),
        date(2026, 11, 19),
        date(2026, 11, 20),
    ]
    assert {r["reason"] for r in found if r["ticker"] == "NOBODY"} == {"never_asked", "lost"}
    assert {r["ticker"] for r in found} == {"AAPL", "MSFT", "NEW", "NOBODY"}
    assert {r["session"] for r in found if r["requests"]} == {date(2026, 11, 23)}


def test_counts_come_first_and_rows_on_demand(story: Story) -> None:
    lake = barlake.open(str(story.root))

    counts = listed(lake, Chosen(run="first"), most=0)
    rows = listed(lake, Chosen(run="first", ticker="MSFT", session=SESSION), most=5)

    assert (counts["rows"], counts["quarantine"]) == (10, [])
    assert {r["rule"]: r["rows"] for r in counts["rules"]}["high_highest"] == 2
    assert [r["rule"] for r in rows["quarantine"]] == ["price_range"]


# --- a release of what one run refused, and one that the gate blocks

DEAR = 20_000_000.0
PUBLISHED = ("silver.bars_1m", "silver.coverage", "gold.features_1m", "gold.bars")
ALLOWED = ("BARLAKE_QUALITY__RULES__OTHER_UNIT__TICKERS", '{"AAPL": 1e9}')


@dataclass(frozen=True, slots=True)
class Blocked:
    """A lake whose gate blocked a release: what was held before, then, and once it was allowed."""

    root: Path
    key: str
    fault: QualityError
    held: dict[str, dict[str, dict[int, float]]]
    versions: dict[str, dict[str, int]]
    refused: dict[str, list[tuple[Any, ...]]]
    status: dict[str, str]
    told: dict[str, Any]


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Blocked:
    """AAPL's first price of a day is 200,000 times its last close, once it is let in."""
    folder = tmp_path_factory.mktemp("blocked")
    root = folder / "lake"
    known: dict[str, Any] = {"fetched_at": stamp(FIRST)}
    before = stamp(OPEN - timedelta(days=1, minutes=-5))
    rows = [
        row(ts=before, **known),
        row(0, DEAR, **known),
        *(row(minute, **known) for minute in MINUTES[1:]),
        *(row(minute, ticker="MSFT", **known) for minute in MINUTES),
        row(40, DEAR, ticker="MSFT", **known),
    ]
    ran(root, write_bars(folder / "one.csv", rows), "one")
    later: dict[str, Any] = {"ticker": "MSFT", "fetched_at": stamp(SECOND)}
    ran(root, write_bars(folder / "two.csv", [row(21, **later), row(50, DEAR, **later)]), "two")
    held, seen, refused, status = {}, {}, {}, {}
    [key] = [key for key in keys_of(root, "price_range") if "AAPL" in key]

    def note(name: str) -> None:
        held[name] = {each: closes(root, each) for each in ("AAPL", "MSFT")}
        seen[name] = versions(root)
        refused[name] = quarantined(root, "price_range")
        status[name] = explain_refused(barlake.open(str(root)), key)["status"]

    note("start")
    released(root, "by-run", run="two")
    note("by run")
    with pytest.raises(QualityError) as fault:
        released(root, "blocked", run="one", ticker="AAPL")
    note("blocked")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(*ALLOWED)
        told = released(root, "allowed", run="one", ticker="AAPL")
    note("allowed")
    return Blocked(root, key, fault.value, held, seen, refused, status, told)


def test_a_release_by_run_lets_in_what_that_run_refused_and_nothing_else(blocked: Blocked) -> None:
    assert blocked.held["start"]["MSFT"].keys() == {*MINUTES, 21}
    assert blocked.held["by run"]["MSFT"].keys() == {*MINUTES, 21, 50}
    assert blocked.refused["by run"] == [
        ("AAPL", "2026-11-20T14:30:00Z", ""),
        ("MSFT", "2026-11-20T15:10:00Z", ""),
        ("MSFT", "2026-11-20T15:20:00Z", "ann"),
    ]


def test_a_release_that_the_gate_blocks_publishes_nothing_and_waits(blocked: Blocked) -> None:
    before, after = blocked.versions["by run"], blocked.versions["blocked"]
    [ended] = asked(blocked.root, "SELECT status FROM ops.runs WHERE run_id = 'blocked'")

    assert "other_unit (AAPL@2026-11-20T14:30:00Z)" in str(blocked.fault)
    assert ended["status"] == "blocked"
    assert {t: after[t] for t in PUBLISHED} == {t: before[t] for t in PUBLISHED}
    assert blocked.held["blocked"] == blocked.held["by run"]
    assert ("AAPL", "2026-11-20T14:30:00Z", "ann") in blocked.refused["blocked"]
    assert (blocked.status["by run"], blocked.status["blocked"]) == ("refused", "waiting")


def test_the_same_release_goes_in_once_the_gate_allows_it(blocked: Blocked) -> None:
    assert blocked.held["allowed"]["AAPL"] == {0: DEAR} | blocked.held["start"]["AAPL"]
    assert blocked.told["release"]["rows"] == 0
    assert blocked.told["notes"][0] == "what was released before went in"
    assert any("released before, the last by ann" in note for note in blocked.told["notes"])
    assert blocked.status["allowed"] == "released"
    assert ("MSFT", "2026-11-20T15:10:00Z", "") in blocked.refused["allowed"]
