"""The pages as a reader sees them: from a file, in a browser whose network is shut."""

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from barlake.pages.view import percent
from barlake.readers.frames import OpenLake
from tests.pages.browser import DESK, PHONE, Tab
from tests.pages.conftest import HALTED

pytestmark = pytest.mark.browser
PAGES = ("index", "gaps", "quality", "ticker/AAPL", "quality/morning/index")
Keep = Callable[[str, bytes], None]
FIRST_DAY = "2026-11-24"


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture: whose pages (a fixture), which one, how light, how large."""

    folder: str
    page: str
    scheme: str = "light"
    size: tuple[int, int] = (1280, 960)
    fragment: str = ""


SHOTS = {
    "ticker": Shot("site", "ticker/AAPL", fragment=f"#{HALTED}"),
    "ticker-dark": Shot("site", "ticker/AAPL", scheme="dark", fragment=f"#{HALTED}"),
    "ticker-phone": Shot("site", "ticker/AAPL", size=PHONE, fragment=f"#{HALTED}"),
    "index": Shot("site", "index"),
    "gaps": Shot("large", "gaps"),
    "quality": Shot("nightly", "quality"),
}
# For each cell of the heatmap whether its corner is of the colour of what is not loaded.
GREY = """(() => {
  const made = JSON.parse(document.getElementById("twin").textContent);
  const { width, height } = cells;
  const pixels = cells.getContext("2d").getImageData(0, 0, width, height).data;
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "var(--none)";
  const grey = getComputedStyle(probe).color;
  return made.tickers.map((row, line) => row.cells.map((_, at) => {
    const first = 4 * ((20 * line + 1) * width + Math.round(at * width / row.cells.length) + 1);
    return `rgb(${[...pixels.slice(first, first + 3)].join(", ")})` === grey;
  }));
})()"""


def twin(page: Path) -> dict[str, Any]:
    return dict(json.loads(page.with_suffix(".json").read_text()))


@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_complaint_and_fits(
    site: Path, chrome: Tab, keep: Keep, name: str, scheme: str, size: tuple[int, int]
) -> None:
    chrome.dress(scheme)

    chrome.open(site / f"{name}.html", f"#{HALTED}" if "ticker" in name else "", size=size)

    assert chrome.run("document.documentElement.scrollWidth") <= size[0]
    keep(f"{name.replace('/', '-')}-{scheme}-{size[0]}", chrome.shoot())


def test_not_even_an_address_without_a_name_is_reached(site: Path, browser: Tab) -> None:
    browser.open(site / "index.html")

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        ask = f"fetch({json.dumps(address)}, {{mode: 'no-cors'}})"
        said = browser.run(f"{ask}.then(() => 'answered', () => 'refused')")

        assert said == "refused"
        with pytest.raises(BlockingIOError):
            server.accept()


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


def test_gaps_shows_its_twins_and_sqls_numbers(site: Path, chrome: Tab, lake: OpenLake) -> None:
    chrome.open(site / "gaps.html")

    [told] = chrome.run("[...document.querySelectorAll('.figure.main dd')].map(e => e.innerText)")
    missing = chrome.run(
        "document.querySelector('.figure:nth-child(2) dd').firstChild.textContent.trim()"
    )

    total = twin(site / "gaps.html")["total"]
    [(observed, expected)] = lake.sql(
        "SELECT sum(observed)::BIGINT, sum(expected)::BIGINT FROM silver.coverage"
    ).fetchall()
    [(absent,)] = lake.sql(
        "SELECT sum(g.minutes)::BIGINT FROM (SELECT unnest(gaps) AS g FROM silver.coverage)"
        " WHERE g.reason NOT IN ('no_trade', 'halt')"
    ).fetchall()
    assert f"{observed:,} of {expected:,}" in told
    assert f"{percent(observed, expected):.1f} %" in told
    assert (total["observed"], total["expected"], total["absent"]) == (observed, expected, absent)
    assert int(missing.replace(",", "")) == absent


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


def test_pointing_at_a_cell_paints_none_of_12_000(large: Path, chrome: Tab) -> None:
    chrome.open(large / "gaps.html")
    assert chrome.run("cells.dataset.painted") == "12000"
    box = chrome.run("(b => [b.right, b.top])(cells.getBoundingClientRect())")

    for line in range(3):
        chrome.mouse("mouseMoved", box[0] - 20, box[1] + 20 * line + 10)
    outline = chrome.run("(b => [b.top, b.height])(cursor.getBoundingClientRect())")

    first = twin(large / "gaps.html")["tickers"][2]["ticker"]
    assert chrome.text("#told").startswith(first)
    assert outline == [box[1] + 40, 19]
    assert chrome.run("cells.dataset.painted") == "12000"


def test_the_worst_ticker_comes_first(large: Path, chrome: Tab, crowded: OpenLake) -> None:
    chrome.open(large / "gaps.html")

    shown = chrome.run(
        "[...document.querySelectorAll('#names > * > span')].map(e => e.textContent)"
    )

    by_share = crowded.sql(
        "SELECT ticker FROM silver.coverage GROUP BY ticker"
        " ORDER BY sum(observed) / sum(expected), count(*), ticker"
    ).fetchall()
    assert shown == [ticker for (ticker,) in by_share]


def test_what_is_not_loaded_yet_is_grey_and_says_so(
    large: Path, chrome: Tab, crowded: OpenLake
) -> None:
    """Late starters have no coverage of the first sessions; all other cells have heat's colours."""
    chrome.open(large / "gaps.html")
    tickers = twin(large / "gaps.html")["tickers"]
    line = next(at for at, row in enumerate(tickers) if row["cells"][0] is None)

    drawn = chrome.run(GREY)
    chrome.run(f"heat.scrollTo(0, {20 * line})")
    box = chrome.run("(b => [b.left, b.top])(cells.getBoundingClientRect())")
    pane = chrome.run("document.getElementById('names').getBoundingClientRect().right")
    chrome.mouse("mouseMoved", max(box[0], pane) + 5, box[1] + 20 * line + 10)

    assert drawn == [[cell is None for cell in row["cells"]] for row in tickers]
    [(loaded,)] = crowded.sql("SELECT count(*) FROM silver.coverage").fetchall()
    assert sum(map(sum, drawn)) == 200 * 60 - loaded > 0
    assert chrome.text("#told").endswith("not loaded")


def test_the_table_of_runs_is_cut_off_nowhere(nightly: Path, chrome: Tab) -> None:
    """With ids as a scheduler gives them, and the longest of verdicts."""
    chrome.open(nightly / "quality.html")

    wide, room = chrome.run(
        "(e => [e.scrollWidth, e.clientWidth])(document.querySelector('.scroll'))"
    )

    assert len(twin(nightly / "quality.html")["runs"]) == 30
    assert wide <= room


@pytest.mark.parametrize(("name", "shot"), SHOTS.items(), ids=[*SHOTS])
def test_the_readme_shows_pages_as_they_are_drawn(
    request: pytest.FixtureRequest, chrome: Tab, keep: Keep, name: str, shot: Shot
) -> None:
    folder: Path = request.getfixturevalue(shot.folder)
    chrome.dress(shot.scheme)
    chrome.open(folder / f"{shot.page}.html", shot.fragment, size=shot.size)

    picture = chrome.shoot()

    assert len(picture) < 150_000
    keep(name, picture)
