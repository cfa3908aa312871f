"""The live page as a reader sees it, in a browser that reaches this one server alone."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from barlake.live.server import STREAMS
from barlake.model import streamed
from tests.live.serving import served
from tests.live.streams import NEXT_DAY, alert, append, bar, crossings, merge, walk
from tests.pages.browser import DESK, PATIENCE, PHONE, Tab, binary, tab

pytestmark = pytest.mark.browser
TICKERS = ("AAPL", "MSFT", "NVDA")
MANY = (
    *("AAPL", "AMZN", "AVGO", "COST", "CSCO", "GOOGL", "HD", "INTC", "JNJ", "JPM", "KO", "LLY"),
    *("META", "MSFT", "NFLX", "NVDA", "PEP", "TSLA", "WMT", "XOM"),
)
HOSTILE = (
    "<script>window.owned=1</script>",
    "\"><img src=x onerror='window.owned=2'>",
    "__proto__",
    "A\u202e%2e%2e/&x=1#y",
)
NOTHING = "\N{EN DASH}"
STATE = "document.getElementById('pulse').dataset.state"


@pytest.fixture(scope="module")
def port() -> int:
    """A port that is free, for servers one after another."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def browser(port: int) -> Iterator[Tab]:
    if binary() is None:
        pytest.skip("no Chromium here, so the live page was not looked at: install chromium")
    with tab(f"127.0.0.1:{port}") as opened:
        yield opened


@pytest.fixture
def chrome(browser: Tab, port: int) -> Iterator[Tab]:
    """A tab that has complained of nothing yet, and must not."""
    browser.complaints.clear()
    browser.asked.clear()
    browser.dress("light")
    yield browser
    browser.open("about:blank")
    assert browser.complaints == []
    ours = (f"http://127.0.0.1:{port}/", "data:", "about:")
    assert [url for url in browser.asked if not url.startswith(ours)] == []


@pytest.fixture(scope="session")
def keep() -> Callable[[str, bytes], None]:
    """Keep a picture where $BARLAKE_SHOTS names a folder for them."""
    folder = os.environ.get("BARLAKE_SHOTS")

    def write(name: str, picture: bytes) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / f"{name}.png").write_bytes(picture)

    return write


def until(chrome: Tab, script: str, wanted: Any) -> None:
    """Wait until an expression is worth something."""
    given_up = time.monotonic() + PATIENCE
    while (found := chrome.run(script)) != wanted:
        assert time.monotonic() < given_up, f"{script} is {found!r}, and not {wanted!r}"
        time.sleep(0.05)


def texts(chrome: Tab, selector: str) -> list[str]:
    script = f"[...document.querySelectorAll({selector!r})].map(e => e.textContent.trim())"
    return list(chrome.run(script))


def just_now(row: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC)
    return row | {"produced_at": now - timedelta(milliseconds=800), "emitted_at": now}


def play(root: Path, minutes: int, names: tuple[str, ...] = TICKERS) -> None:
    """Append the session's first minutes, as if they had just come."""
    rows = [just_now(row) for name in names for row in walk(name, minutes)]
    append(root, streamed.VWAP_STREAM, rows)


def test_points_grow_and_an_alert_appears(root: Path, chrome: Tab, port: int) -> None:
    play(root, 60)
    with served(root, port=port) as server:
        chrome.open(server.address, "#MSFT")
        until(chrome, "clock.textContent", "10:29")
        last = walk("MSFT", 61)[-1]

        append(root, streamed.VWAP_STREAM, [just_now(walk(name, 61)[-1]) for name in TICKERS])
        until(chrome, "clock.textContent", "10:30")
        append(root, streamed.ALERTS, [alert("MSFT", 60), alert("AAPL", 60)])
        until(chrome, "document.querySelectorAll('#alerts tr').length", 2)

        assert chrome.text("#last") == f"{last['close']:.2f}"
        assert chrome.text("#vwap") == f"{last['vwap']:.2f}"
        assert chrome.text("#volume") == f"{last['cum_volume']:,}"
        assert chrome.text("#session").endswith("session of 2026-11-24, minute 61 of 390")
        assert chrome.text("#readout").startswith("10:30   O ")
        assert chrome.text("#readout").endswith("vwap cross")
        assert texts(chrome, "#watch tr[aria-current] td")[::3] == ["MSFT", "1"]
        assert chrome.text("#alerts tr td:last-child") == "AAPL crossed its VWAP at minute 60."
        assert chrome.run(STATE) == "live"


def test_the_lag_is_that_of_what_came_while_the_page_was_open(
    root: Path, chrome: Tab, port: int
) -> None:
    play(root, 3)
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, "clock.textContent", "09:32")
        before = chrome.text("#p50"), chrome.text("#p99")

        append(root, streamed.VWAP_STREAM, [just_now(walk("AAPL", 4)[-1])])
        until(chrome, "clock.textContent", "09:33")

        assert before == (NOTHING, NOTHING)
        assert float(chrome.text("#p50").removesuffix(" s")) >= 0.8
        assert chrome.text("#p99") == chrome.text("#p50")


def test_a_stream_that_is_stopped_is_stale_and_one_that_goes_on_live(
    root: Path, chrome: Tab, port: int
) -> None:
    play(root, 3)
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, STATE, "live")
        until(chrome, STATE, "stale")
        told = chrome.text("#state")

        append(root, streamed.VWAP_STREAM, [just_now(walk("AAPL", 4)[-1])])
        until(chrome, STATE, "live")

    assert told.startswith("stale: nothing for ")


def test_a_session_that_is_over_is_not_stale(root: Path, chrome: Tab, port: int) -> None:
    append(root, streamed.VWAP_STREAM, walk("AAPL", 390))
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, STATE, "closed")
        until(chrome, "clock.textContent", "15:59")

        assert chrome.text("#state") == "session over"


def test_a_server_that_went_away_is_missed_and_one_that_comes_back_is_taken(
    root: Path, chrome: Tab, port: int
) -> None:
    play(root, 3)
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, STATE, "live")
    until(chrome, STATE, "lost")
    # The browser itself says that nobody answered: the one complaint that is right.
    refused = [said for said in chrome.complaints if "ERR_CONNECTION_REFUSED" not in said]

    append(root, streamed.VWAP_STREAM, [just_now(walk("AAPL", 4)[-1])])
    with served(root, port=port):
        until(chrome, "clock.textContent", "09:33")
        until(chrome, STATE, "live")

    assert refused == []
    chrome.complaints[:] = [s for s in chrome.complaints if "ERR_CONNECTION_REFUSED" not in s]


def test_a_page_that_was_refused_asks_again(root: Path, chrome: Tab, port: int) -> None:
    play(root, 3)
    with served(root, port=port) as server:
        for _ in range(STREAMS):
            assert server.streams.acquire(blocking=False)
        chrome.open(server.address)
        until(chrome, "performance.getEntriesByType('resource').length >= 6", wanted=True)
        until(chrome, STATE, "lost")
        for _ in range(STREAMS):
            server.streams.release()

        until(chrome, "clock.textContent", "09:32")

    # The browser itself says that it was refused.
    chrome.complaints[:] = [said for said in chrome.complaints if "status of 503" not in said]


def test_a_late_and_a_corrected_bar_take_their_places(root: Path, chrome: Tab, port: int) -> None:
    day = walk("AAPL", 6)
    append(root, streamed.VWAP_STREAM, [row for at, row in enumerate(day) if at != 2])
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, "clock.textContent", "09:35")

        corrected = day[4] | {"close": 77.0, "bar_low": 77.0, "bar_revision": 1}
        merge(root, [day[2], corrected, day[5] | {"vwap": 88.0}])
        until(chrome, "vwap.textContent", "88.00")
        box = chrome.run("(b => [b.left, b.top, b.width])(chart.getBoundingClientRect())")
        seen = set()
        for x in range(int(box[2])):
            chrome.mouse("mouseMoved", box[0] + x, box[1] + 60)
            seen.add(chrome.run("readout.textContent"))

    told = {text[:5]: text for text in seen}
    assert sorted(told) == ["09:30", "09:31", "09:32", "09:33", "09:34", "09:35"]
    assert " C 77.00 " in told["09:34"]
    assert told["09:34"].endswith("revision 1")


def test_another_ticker_is_picked_in_five_ways(root: Path, chrome: Tab, port: int) -> None:
    play(root, 5)
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, "document.title.split(' ')[0]", "AAPL")

        ways = (
            ("after.click()", "MSFT"),
            ("ticker.value = 'NVDA'; ticker.dispatchEvent(new Event('change'))", "NVDA"),
            ("location.hash = 'AAPL'", "AAPL"),
            ("document.querySelector('#watch tr:nth-child(3) button').click()", "NVDA"),
        )
        for script, wanted in ways:
            chrome.run(script)
            close = f"{walk(wanted, 5)[-1]['close']:.2f}"
            until(chrome, "document.title", f"{wanted} {close} · barlake")
            until(chrome, f"readout.textContent.includes('C {close} ')", wanted=True)
        chrome.run("document.activeElement.blur()")
        chrome.press("ArrowLeft")
        until(chrome, "document.title.split(' ')[0]", "MSFT")
        assert chrome.run("ticker.value") == "MSFT"


def test_a_new_session_takes_the_place_of_the_old_one(root: Path, chrome: Tab, port: int) -> None:
    play(root, 30)
    append(root, streamed.ALERTS, [alert("AAPL", 7)])
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, "clock.textContent", "09:59")

        append(root, streamed.VWAP_STREAM, [just_now(row) for row in walk("AAPL", 2, day=NEXT_DAY)])
        until(chrome, "clock.textContent", "09:31")

        assert chrome.text("#session") == "Live VWAP, session of 2026-11-25, minute 2 of 390"
        assert texts(chrome, "#watch td.name") == ["AAPL"]
        assert chrome.run("none.hidden") is False


def test_whatever_stands_in_the_tables_is_shown_as_text(root: Path, chrome: Tab, port: int) -> None:
    append(root, streamed.VWAP_STREAM, [bar(name, 0) for name in (*HOSTILE, "AAPL")])
    told = [alert(name, 0, rule=name, message=name, direction=name) for name in HOSTILE]
    append(root, streamed.ALERTS, told)
    with served(root, port=port) as server:
        chrome.open(server.address, "#%")
        until(chrome, "document.querySelectorAll('#alerts tr').length", len(HOSTILE))
        for name in HOSTILE:
            chrome.run(f"ticker.value = {name!r}; ticker.dispatchEvent(new Event('change'))")
            until(chrome, "document.getElementById('name').textContent", name)
            until(chrome, "document.title.endsWith(' 100.00 · barlake')", wanted=True)

        assert sorted(texts(chrome, "#alerts td:last-child")) == sorted(HOSTILE)
        assert sorted(texts(chrome, "#watch td.name")) == sorted((*HOSTILE, "AAPL"))
        assert chrome.run("window.owned") is None
        assert chrome.run("document.querySelectorAll('main script, main img').length") == 0


def test_200_tickers_are_listed_and_sifted(root: Path, chrome: Tab, port: int) -> None:
    names = tuple(f"{first}{second}" for first in "ABCDEFGHIJKLMNOPQRST" for second in "ABCDEFGHIJ")
    play(root, 30, names)
    append(root, streamed.ALERTS, [alert(name, at) for name in names for at in (3, 9)])
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, "document.querySelectorAll('#watch tr').length", 200)
        until(chrome, "more.textContent", "and 200 earlier")

        chrome.run("filter.value = 'sb'; filter.dispatchEvent(new Event('input'))")
        left = texts(chrome, "#watch tr:not([hidden]) td.name")
        chrome.run("filter.focus()")
        chrome.press("Enter")
        until(chrome, "document.getElementById('name').textContent", "SB")

        assert left == ["SB"]
        assert chrome.run("document.querySelectorAll('*').length") < 4000


def test_a_lake_that_cannot_be_read_is_told(root: Path, chrome: Tab, port: int) -> None:
    play(root, 3)
    with served(root, port=port) as server:
        chrome.open(server.address)
        until(chrome, STATE, "live")
        log = root / streamed.VWAP_STREAM.path / "_delta_log"
        broken = log / f"{len(list(log.glob('*.json'))):020d}.json"

        broken.write_bytes(b"{ <b>half")
        until(chrome, STATE, "broken")
        told = chrome.text("#fault")
        broken.unlink()
        until(chrome, "fault.hidden", wanted=True)

    assert told.startswith("The lake cannot be read; this page goes on as soon as it can. ")


@pytest.mark.parametrize("size", [DESK, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits(
    root: Path, chrome: Tab, port: int, scheme: str, size: tuple[int, int]
) -> None:
    play(root, 90)
    append(root, streamed.ALERTS, [alert("AAPL", 60, message="a long sentence " * 20)])
    chrome.dress(scheme)
    with served(root, port=port) as server:
        chrome.open(server.address, size=size)
        until(chrome, "document.querySelectorAll('#alerts tr').length", 1)

        assert chrome.run("document.documentElement.scrollWidth") <= size[0]


def test_the_chart_names_its_maker(root: Path, chrome: Tab, port: int) -> None:
    with served(root, port=port) as server:
        chrome.open(server.address)
        links = chrome.run("[...document.links].map(a => a.href)")

    assert "https://www.tradingview.com/" in links
    assert f"http://127.0.0.1:{port}/lightweight-charts-NOTICE.txt" in links


SHOTS = {
    "live": ("light", (1280, 960)),
    "live-dark": ("dark", (1280, 960)),
    "live-phone": ("light", PHONE),
}


@pytest.mark.parametrize(("name", "shot"), SHOTS.items(), ids=[*SHOTS])
def test_the_readme_shows_the_live_page_as_it_is_drawn(
    root: Path,
    chrome: Tab,
    port: int,
    keep: Callable[[str, bytes], None],
    name: str,
    shot: tuple[str, tuple[int, int]],
) -> None:
    play(root, 139, MANY)
    append(root, streamed.ALERTS, [told for name in MANY for told in crossings(walk(name, 139))])
    scheme, size = shot
    chrome.dress(scheme)
    with served(root, port=port) as server:
        chrome.open(server.address, "#NVDA", size=size)
        until(chrome, "clock.textContent", "11:48")
        append(root, streamed.VWAP_STREAM, [just_now(walk(found, 140)[-1]) for found in MANY])
        until(chrome, "clock.textContent", "11:49")
        until(chrome, STATE, "live")

        picture = chrome.shoot()

    assert len(picture) < 150_000
    keep(name, picture)
