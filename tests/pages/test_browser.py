"""The pages as a reader sees them: from a file, in a browser whose network is shut."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from barlake.readers.frames import OpenLake
from tests.pages.browser import DESK, PHONE, Tab
from tests.pages.conftest import HALTED

pytestmark = pytest.mark.browser
PAGES = ("index", "gaps", "quality", "ticker/AAPL")
Keep = Callable[[str, bytes], None]
FIRST_DAY = "2026-11-24"


def twin(page: Path) -> dict[str, Any]:
    return dict(json.loads(page.with_suffix(".json").read_text()))


@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_complaint_and_fits(
    site: Path, chrome: Tab, keep: Keep, name: str, scheme: str, size: tuple[int, int]
) -> None:
    chrome.dress(scheme)

    chrome.open(site / f"{name}.html", f"#{HALTED}" if "/" in name else "", size=size)

    assert chrome.run("document.documentElement.scrollWidth") <= size[0]
    keep(f"{name.rsplit('/', maxsplit=1)[-1]}-{scheme}-{size[0]}", chrome.shoot())


def test_the_index_shows_its_twins_and_sqls_number(site: Path, chrome: Tab, lake: OpenLake) -> None:
    chrome.open(site / "index.html")

    shown = chrome.run("document.querySelector('.figure.main dd').firstChild.textContent")

    [(counted,)] = lake.sql("SELECT sum(observed) FROM silver.coverage").fetchall()
    held = twin(site / "index.html")["held"]
    assert int(shown.replace(",", "")) == held["observed"] == counted


def test_quality_shows_its_twins_and_sqls_number(site: Path, chrome: Tab, lake: OpenLake) -> None:
    chrome.open(site / "quality.html")

    shown = chrome.text("tbody tr:first-child td:nth-child(6)").replace(",", "")

    newest = "SELECT sum(received) FROM ops.ingest_audit WHERE run_id = 'morning'"
    [(counted,)] = lake.sql(newest).fetchall()
    assert int(shown) == twin(site / "quality.html")["runs"][0]["received"] == counted


def test_a_cell_tells_the_minutes_that_silver_lacks(
    site: Path, chrome: Tab, lake: OpenLake
) -> None:
    chrome.open(site / "gaps.html")
    [line] = chrome.run(
        "[...document.querySelectorAll('#names > *')]"
        ".map((e, at) => [e.textContent, at]).filter(([t]) => t.startsWith('AAPL'))"
    )
    box = chrome.run("(b => [b.left, b.top, b.width])(cells.getBoundingClientRect())")

    chrome.mouse("mouseMoved", box[0] + box[2] / 2, box[1] + 20 * line[1] + 10)

    [(observed, expected, reason)] = lake.sql(
        "SELECT observed, expected, gaps[1].reason FROM silver.coverage "
        "WHERE ticker = 'AAPL' AND session_date = $d",
        d=HALTED,
    ).fetchall()
    told = chrome.text("#told")
    assert f"AAPL, {HALTED}" in told
    assert f"{observed} of {expected} minutes" in told
    assert reason.replace("_", " ") in told


def test_a_click_on_a_cell_opens_the_day(site: Path, chrome: Tab) -> None:
    chrome.open(site / "gaps.html")
    box = chrome.run("(b => [b.left, b.top, b.width])(cells.getBoundingClientRect())")
    first = twin(site / "gaps.html")["tickers"][0]["ticker"]
    chrome.seen.clear()

    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        chrome.mouse(kind, box[0] + 10, box[1] + 10)
    chrome.settle()

    assert chrome.run("location.pathname").endswith(f"/ticker/{first}.html")
    assert chrome.run("location.hash") == f"#{FIRST_DAY}"
    assert chrome.run("day.selectedOptions[0].textContent") == FIRST_DAY


def test_the_keyboard_reaches_every_cell_and_opens_its_day(site: Path, chrome: Tab) -> None:
    chrome.open(site / "gaps.html")
    chrome.run("heat.focus()")

    for key in ("ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        chrome.press(key)
    told = chrome.text("#said")
    chrome.seen.clear()
    chrome.press("Enter")
    chrome.settle()

    second = twin(site / "gaps.html")["tickers"][1]["ticker"]
    assert told.startswith(f"{second}, {FIRST_DAY}")
    assert chrome.run("location.pathname").endswith(f"/ticker/{second}.html")


def test_a_ticker_draws_the_day_that_its_address_names(
    site: Path, chrome: Tab, lake: OpenLake
) -> None:
    chrome.open(site / "ticker" / "AAPL.html", f"#{HALTED}")

    shown = chrome.text("#figures .figure:nth-child(6) dd").replace(",", "")

    [(counted, filled)] = lake.sql(
        "SELECT sum(volume), count(*) FILTER (WHERE is_filled) FROM silver.bars_1m "
        "WHERE ticker = 'AAPL' AND session_date = $d AND segment = 'regular'",
        d=HALTED,
    ).fetchall()
    [day] = [s for s in twin(site / "ticker" / "AAPL.html")["sessions"] if s["revisions"] == 3]
    assert int(shown) == day["day"]["volume"] == counted
    assert chrome.run("document.querySelectorAll('#revised tbody tr').length") == 3
    assert f"{filled} min" in chrome.text("#gaps")
    assert chrome.run("document.querySelectorAll('#chart canvas').length") > 0


def test_the_chart_names_its_maker(site: Path, chrome: Tab) -> None:
    chrome.open(site / "ticker" / "AAPL.html")

    assert "TradingView Lightweight Charts" in chrome.text("footer")
    links = chrome.run("[...document.links].map(a => a.href)")
    assert [link for link in links if link.startswith("https://www.tradingview.com/")]


def test_a_large_heatmap_is_one_canvas_and_few_elements(
    large: Path, chrome: Tab, keep: Keep
) -> None:
    chrome.open(large / "gaps.html", size=(1280, 1000))

    assert chrome.run("document.querySelectorAll('*').length") < 1500
    assert chrome.run("[cells.width >= 60 * 12, cells.height]") == [True, 200 * 20]
    assert len(chrome.text("#names")) > 200 * 4
    keep("large-gaps", chrome.shoot())


def test_the_readme_shows_a_day_as_it_is_drawn(site: Path, chrome: Tab, keep: Keep) -> None:
    chrome.open(site / "ticker" / "AAPL.html", f"#{HALTED}", size=(1280, 960))

    picture = chrome.shoot()

    assert len(picture) < 200_000
    keep("ticker", picture)
