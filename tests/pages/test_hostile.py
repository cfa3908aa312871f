"""Whatever stands in a table is shown as text, never obeyed."""

import json
from datetime import UTC, date, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

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
TICKERS = (SCRIPT, ENDING, QUOTES, IMAGE, AWAY, "AAPL")


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
