"""Whatever stands in a table is shown as text, never obeyed."""

import json
import warnings
from datetime import UTC, date, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from barlake.checks.report import page
from barlake.checks.verdict import Verdict
from barlake.model import gold, ops, ref, silver
from barlake.model.table import Table
from barlake.pages.site import publish
from barlake.settings import Settings
from tests.pages.browser import Tab
from tests.pages.tables import covered, made_up, session

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
SCRIPT = "<script>window.owned=1</script>"
ENDING = "</script><script>window.owned=2</script><!--"
QUOTES = "\" onmouseover='window.owned=3' x=\""
IMAGE = "<img src=x onerror=window.owned=4>"
AWAY = "../../etc/passwd"
HOSTILE = (SCRIPT, ENDING, QUOTES, IMAGE)
TICKERS = (*HOSTILE, AWAY, "AAPL")


def rows() -> dict[Table, list[dict[str, Any]]]:
    """Hostile text wherever a page shows text."""
    return {
        ref.SESSIONS: [session(DAY)],
        silver.COVERAGE: [covered(t, DAY, [(5, 9, SCRIPT), (20, 3, IMAGE)]) for t in TICKERS],
        gold.BARS: [
            {"ticker": t, "interval": "1d", "ts": NOON, "session_date": DAY, "close": 1.5}
            for t in TICKERS
        ],
        ops.RUNS: [
            {"run_id": text, "job": text, "status": text, "started_at": NOON, "finished_at": NOON}
            for text in (SCRIPT, ENDING, QUOTES)
        ],
        ops.REQUESTS: [{"request_id": "1", "ticker": ENDING, "source": SCRIPT, "outcome": "ok"}],
        ops.DQ_RESULTS: [
            {
                "run_id": SCRIPT,
                "table": QUOTES,
                "rule": text,
                "ticker": ENDING,
                "session_date": DAY,
                "severity": QUOTES,
                "observed": SCRIPT,
                "expected": ENDING,
                "passed": False,
                "sample_keys": [SCRIPT, ENDING, QUOTES],
            }
            for text in (SCRIPT, ENDING, QUOTES)
        ],
        silver.QUARANTINE: [
            {"request_id": "1", "ticker": SCRIPT, "ts_text": ENDING, "rule": QUOTES, "reason": text}
            for text in (SCRIPT, ENDING)
        ],
    }


class Elements(HTMLParser):
    """The scripts and the attributes that a page's text really has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs))
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]


@pytest.fixture
def hostile(tmp_path: Path, conf: Settings) -> Path:
    publish(made_up(tmp_path / "lake", rows()), conf.pages, as_of=None)
    return tmp_path / "lake" / "pages"


@pytest.fixture
def reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's own report of findings that are hostile wherever the gate or GX repeats a text."""
    monkeypatch.setenv("GX_ANALYTICS_ENABLED", "false")  # read at the import
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        from great_expectations.core import (  # noqa: PLC0415 - takes seconds
            ExpectationSuiteValidationResult,
            ExpectationValidationResult,
        )
        from great_expectations.expectations.expectation_configuration import (  # noqa: PLC0415
            ExpectationConfiguration,
        )

    results = [
        ExpectationValidationResult(
            success=False,
            expectation_config=ExpectationConfiguration(
                type="expect_column_max_to_be_between",
                kwargs={"column": text, "max_value": 1.0},
                meta={"notes": text},
            ),
            result={"observed_value": text},
            exception_info={
                "raised_exception": True,
                "exception_message": text,
                "exception_traceback": text,
            },
        )
        for text in HOSTILE
    ]
    result = ExpectationSuiteValidationResult(
        success=False,
        results=results,
        suite_name=SCRIPT,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": 0,
            "unsuccessful_expectations": len(results),
            "success_percent": 0.0,
        },
        meta={"run_id": {"run_name": ENDING, "run_time": "2026-11-20T17:00:00+00:00"}},
    )
    findings = tuple(
        {
            **dict.fromkeys(("table", "rule", "ticker", "severity", "observed", "expected"), text),
            "session_date": DAY,
            "passed": False,
            "sample_keys": [f"{text}@2026-11-20T14:30:00Z"],
        }
        for text in HOSTILE
    )
    failed = tuple(row | {"why": row["rule"], "sessions": 1, "keys": [SCRIPT]} for row in findings)
    verdict = Verdict(status="blocked", evaluated=0, failed=failed, findings=findings)
    file = tmp_path / "report.html"
    file.write_text(page(result, verdict, run_id=SCRIPT, now=NOON))
    return file


def test_a_runs_own_report_shows_hostile_text_and_has_none_of_it(reported: Path) -> None:
    text = reported.read_text()

    found = Elements(text)

    assert (found.scripts, found.handlers) == ([], [])
    assert not [link for link in found.links if not link.startswith("#")]
    assert all(unescape(text).count(hostile) >= 6 for hostile in HOSTILE)


@pytest.mark.browser
def test_a_browser_runs_nothing_of_a_runs_own_report(reported: Path, chrome: Tab) -> None:
    chrome.open(reported)

    assert chrome.run("window.owned === undefined")
    assert chrome.run("document.images.length + document.scripts.length") == 0
    shown = chrome.run("document.body.innerText")
    assert all(hostile in shown for hostile in HOSTILE)


@pytest.mark.parametrize("name", ["index", "gaps", "quality", "ticker/AAPL"])
def test_hostile_text_makes_no_element_and_no_attribute(hostile: Path, name: str) -> None:
    text = (hostile / f"{name}.html").read_text()

    found = Elements(text)

    assert all(s.keys() in ({"src"}, {"type", "id"}) for s in found.scripts)
    assert found.handlers == []
    assert not [link for link in found.links if link.startswith(("http:", "javascript:", "../.."))]
    assert SCRIPT in unescape(text).replace("\\u003c", "<").replace("\\u003e", ">")


@pytest.mark.parametrize("name", ["index", "gaps", "quality", "ticker/AAPL"])
def test_the_twin_says_hostile_text_as_it_is(hostile: Path, name: str) -> None:
    text = (hostile / f"{name}.json").read_text()

    assert "<" not in text
    assert SCRIPT in json.dumps(json.loads(text))


def test_a_name_that_is_no_ticker_becomes_no_file_and_no_link(hostile: Path) -> None:
    linked = [
        link.split("#")[0]
        for name in ("index", "gaps")
        for link in Elements((hostile / f"{name}.html").read_text()).links
        if link.startswith("ticker/")
    ]

    assert sorted(f.name for f in (hostile / "ticker").iterdir()) == ["AAPL.html", "AAPL.json"]
    assert linked == ["ticker/AAPL.html", "ticker/AAPL.html"]


@pytest.mark.browser
def test_a_browser_runs_nothing_of_it(hostile: Path, chrome: Tab) -> None:
    for name in ("index", "gaps", "quality", "ticker/AAPL"):
        chrome.open(hostile / f"{name}.html")
        assert chrome.run("window.owned === undefined")
        assert chrome.run("document.images.length") == 0
        assert SCRIPT in chrome.run("document.body.innerText") or name == "ticker/AAPL"
    chrome.open(hostile / "gaps.html")
    chrome.run("document.getElementById('heat').focus()")
    chrome.press("ArrowLeft")
    assert chrome.run("document.querySelectorAll('#names a').length") == 1
    assert SCRIPT in chrome.text("#told")
    assert chrome.run("document.images.length") == 0
