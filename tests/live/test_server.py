"""The page's server, asked as a browser asks it, and as others do."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from barlake.live.server import STREAMS, Server
from barlake.model import streamed
from tests.live.serving import served
from tests.live.streams import NEXT_DAY, alert, append, bar

HOSTILE = "<script>owned</script>"


@contextmanager
def asked(server: Server, path: str, method: str = "GET", **headers: str) -> Iterator[HTTPResponse]:
    """Ask, and give the answer whose body is still to be read."""
    with closing(HTTPConnection("127.0.0.1", server.server_port, timeout=10)) as connection:
        connection.request(method, path, headers=headers)
        yield connection.getresponse()


def got(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
    """Ask, and give the whole answer; of a stream, which has no end, nothing but that it began."""
    with asked(server, path, method, **headers) as answer:
        is_stream = (answer.status, path) == (200, "/events")
        return answer.status, "" if is_stream else answer.read().decode()


def events(answer: HTTPResponse) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give each event of a stream: its kind, its id and what it says."""
    told: dict[str, str] = {}
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            told[name] = value
        elif "data" in told:
            yield told["event"], told.get("id", ""), json.loads(told["data"])
            told = {}


def news(answer: HTTPResponse, *, until: int) -> tuple[str, list[float]]:
    """Read until the ticker's minute `until` is told; give the last id and the minutes told."""
    minutes: list[float] = []
    for kind, cursor, told in events(answer):
        if kind == "news":
            opens = told["hours"]["opens"] if told["hours"] else 0
            minutes += [(found[0] - opens) / 60 for found in told["bars"]]
        if until in minutes:
            return cursor, minutes
    raise AssertionError(f"the stream ended after {minutes}")


def test_a_stream_tells_what_is_there_and_then_each_change(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0), bar("MSFT", 0)])
    with served(root) as server, asked(server, "/events?ticker=AAPL") as answer:
        _, first = news(answer, until=0)
        append(root, streamed.VWAP_STREAM, [bar("AAPL", 1), bar("MSFT", 1)])
        _, second = news(answer, until=1)

    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert (first, second) == ([0], [1])


def test_who_comes_back_gets_what_was_missed_and_nothing_twice(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    with served(root) as server:
        with asked(server, "/events?ticker=AAPL") as answer:
            cursor, _ = news(answer, until=0)
        for minute in (1, 2, 3):
            append(root, streamed.VWAP_STREAM, [bar("AAPL", minute)])
        back = {"Last-Event-ID": cursor}
        with asked(server, "/events?ticker=AAPL", **back) as answer:
            _, missed = news(answer, until=3)

    assert missed == [1, 2, 3]


def test_who_comes_back_to_another_server_gets_all(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    with served(root) as server, asked(server, "/events?ticker=AAPL") as answer:
        cursor, _ = news(answer, until=0)
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 1)])
    back = {"Last-Event-ID": cursor}
    with served(root) as server, asked(server, "/events?ticker=AAPL", **back) as answer:
        _, told = news(answer, until=1)

    assert told == [0, 1]


def test_without_a_ticker_the_first_one_is_told(root: Path) -> None:
    with served(root) as server, asked(server, "/events?ticker=") as answer:
        told = events(answer)
        before = next(told)[2]["ticker"]
        append(root, streamed.VWAP_STREAM, [bar("MSFT", 0), bar("AAPL", 0)])
        chosen = next(found for kind, _, found in told if kind == "news" and found["bars"])

    assert (before, chosen["ticker"]) == ("", "AAPL")


def test_a_stream_has_a_word_each_second(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    with served(root) as server, asked(server, "/events?ticker=AAPL") as answer:
        kinds = (kind for kind, _, _ in events(answer))
        found = next(kind for kind in kinds if kind == "pulse")

    assert found == "pulse"


def test_numbers_are_there_as_one_object(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0), bar("AAPL", 3, day=NEXT_DAY)])
    append(root, streamed.ALERTS, [alert("AAPL", 3, day=NEXT_DAY)])
    with served(root) as server:
        with asked(server, "/events?ticker=AAPL") as answer:
            news(answer, until=3)
        status, text = got(server, "/now.json?ticker=AAPL")

    told = json.loads(text)
    assert (status, told["hours"]["date"], len(told["bars"])) == (200, "2026-11-25", 1)
    assert (told["alerts"][0][0], told["pulse"]["state"]) == ("AAPL-2026-11-25-3", "stale")


@pytest.mark.parametrize("path", ["/", "/live.js", "/now.json", "/nothing", "/events"])
def test_every_answer_shuts_the_page_in(root: Path, path: str) -> None:
    with served(root) as server, asked(server, path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        kept = [answer.headers[name] for name in ("X-Content-Type-Options", "Cache-Control")]

    assert "default-src 'none'" in policy
    assert not re.search(r"unsafe|https?:|\*", policy)
    assert kept == ["nosniff", "no-store"]


def test_all_that_the_page_asks_for_is_there(root: Path) -> None:
    with served(root) as server:
        _, page = got(server, "/")
        linked = re.findall(r'(?:src|href)="([a-z0-9.-]+\.(?:js|css|txt))"', page, re.IGNORECASE)
        answers = {name: got(server, f"/{name}")[0] for name in linked}

    assert len(answers) == 6
    assert {*answers.values()} == {200}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "[::1]:{port}"]
)
def test_another_hosts_name_gets_nothing(root: Path, host: str) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    with served(root) as server:
        told = {"Host": host.format(port=server.server_port)}
        answers = [got(server, path, **told) for path in ("/", "/now.json", "/events")]
        named = got(server, "/", Host=f"localhost:{server.server_port}")[0]

    assert answers == [(421, "this server is asked by its address\n")] * 3
    assert named == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_but_reading_is_taken(root: Path, method: str) -> None:
    with served(root) as server:
        assert got(server, "/", method)[0] == 501


@pytest.mark.parametrize(
    "path", ["/../server.py", "/%2e%2e/server.py", "/page/live.html", "/etc/passwd"]
)
def test_no_other_file_is_given(root: Path, path: str) -> None:
    with served(root) as server:
        assert got(server, path) == (404, "there is nothing here; ask for /\n")


def test_no_other_machine_reaches_it(root: Path) -> None:
    with served(root) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("ticker", ["", "%00", "%ff", "A" * 5000, "%3Cscript%3E", "&ticker=x", "%"])
def test_whatever_ticker_is_asked_for(root: Path, ticker: str) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    with served(root) as server:
        status, text = got(server, f"/now.json?ticker={ticker}")

    assert status == 200
    assert len(json.loads(text)["ticker"]) <= 32


def test_a_hostile_name_cannot_leave_its_event(root: Path) -> None:
    name = f"A\n\nevent: news\ndata: {{}}{HOSTILE}"
    append(root, streamed.VWAP_STREAM, [bar(name, 0)])
    append(root, streamed.ALERTS, [alert(name, 0, message=f"\r\n\r\n{HOSTILE}")])
    with served(root) as server, asked(server, "/events?ticker=AAPL") as answer:
        told = next(found for kind, _, found in events(answer) if found.get("tickers"))

    assert [*told["tickers"]] == [name]
    assert told["alerts"][0][5].endswith(HOSTILE)


def test_one_page_too_many_is_refused_and_the_next_one_served(root: Path) -> None:
    with served(root) as server:
        for _ in range(STREAMS):
            assert server.streams.acquire(blocking=False)
        full = got(server, "/events")
        server.streams.release()
        with asked(server, "/events") as answer:
            kind, _, _ = next(events(answer))

    assert full == (503, "too many pages are open; close some\n")
    assert kind == "news"


def test_a_page_that_went_away_frees_its_place(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    with served(root) as server:
        for at in range(STREAMS + 1):
            with asked(server, "/events?ticker=AAPL") as answer:
                news(answer, until=0)
            # The server learns of it when it writes the next time.
            append(root, streamed.VWAP_STREAM, [bar("MSFT", 0, close=float(at + 1))])
        _, text = got(server, "/now.json?ticker=AAPL")

    assert json.loads(text)["ticker"] == "AAPL"


def test_half_a_request_holds_nobody_up(root: Path) -> None:
    with (
        served(root) as server,
        socket.create_connection(("127.0.0.1", server.server_port)) as half,
    ):
        half.sendall(b"GET / HT")
        assert got(server, "/")[0] == 200
