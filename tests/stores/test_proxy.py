"""The proxy passes every kind of message on unchanged, counts it, and spoils what it is told to."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.stores.faults import Action
from tests.stores.proxy import Proxy

BIG = b"0123456789" * 50_000


class Store(BaseHTTPRequestHandler):
    """Keeps what is put, in memory."""

    protocol_version = "HTTP/1.1"
    kept: dict[str, bytes]
    hosts: set[str]

    def do_PUT(self) -> None:
        self.kept[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.hosts.add(self.headers["Host"])
        self._say(200, b"")

    def do_POST(self) -> None:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in [*parts, b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    def do_GET(self) -> None:
        if self.headers["If-None-Match"] == "same":
            self._say(304, None)
        elif self.path in self.kept:
            self._say(200, self.kept[self.path])
        else:
            self._say(404, b"no")

    def do_HEAD(self) -> None:
        self._say(200, b"", length=7)

    def do_DELETE(self) -> None:
        self.kept.pop(self.path, None)
        self._say(204, None)

    def _say(self, status: int, body: bytes | None, length: int | None = None) -> None:
        self.send_response(status)
        if body is not None:
            self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    Store.kept, Store.hosts = {}, set()
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.05,)).start()
        with Proxy(("127.0.0.1", server.server_port)) as proxy:
            yield proxy
        server.shutdown()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    yield connection
    connection.close()


def ask(
    client: http.client.HTTPConnection, method: str, path: str, body: bytes = b"", **fields: str
) -> tuple[int, bytes]:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    client.request(method, path, body or None, named)
    answer = client.getresponse()
    return answer.status, answer.read()


def test_one_connection_carries_every_kind_of_message(
    proxy: Proxy, client: http.client.HTTPConnection
) -> None:
    said = [
        ask(client, "PUT", "/a?x=1", BIG, If_None_Match="*"),
        ask(client, "HEAD", "/a?x=1"),
        ask(client, "GET", "/a?x=1"),
        ask(client, "GET", "/a?x=1", If_None_Match="same"),
        ask(client, "DELETE", "/a?x=1", If_Match="tag"),
        ask(client, "GET", "/a?x=1"),
    ]
    client.request("POST", "/b", iter([b"one", b"two"]), encode_chunked=True)
    chunked = client.getresponse().read()

    assert said == [(200, b""), (200, b""), (200, BIG), (304, b""), (204, b""), (404, b"no")]
    assert chunked == b"onetwo"
    assert Store.hosts == {f"127.0.0.1:{proxy.port}"}
    assert [(one.method, one.status, one.sent, one.received) for one in proxy.requests] == [
        ("PUT", 200, len(BIG), 0),
        ("HEAD", 200, 0, 0),
        ("GET", 200, 0, len(BIG)),
        ("GET", 304, 0, 0),
        ("DELETE", 204, 0, 0),
        ("GET", 404, 0, 2),
        ("POST", 200, 21, 21),
    ]
    assert [one.if_none_match for one in proxy.requests[:4]] == ["*", None, None, "same"]
    assert [one.if_match for one in proxy.matching("DELETE")] == ["tag"]
    assert proxy.counted("GET", r"/a[?]x") == 3
    assert proxy.counted(path="^/b$") == 1


def test_a_client_that_awaits_100_is_told_to_go_on(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as raw:
        raw.sendall(b"PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n")
        raw.sendall(b"Expect: 100-continue\r\n\r\n")
        first = raw.recv(1000)
        raw.sendall(b"abc")
        second = raw.recv(1000)

    assert first.startswith(b"HTTP/1.1 100 ")
    assert second.startswith(b"HTTP/1.1 200 ")
    assert Store.kept == {"/c": b"abc"}


@pytest.mark.parametrize(
    ("action", "landed"), [(Action.DROP_BEFORE, {}), (Action.DROP_AFTER, {"/d": b"body"})]
)
def test_a_dropped_put_is_reset_before_or_after_it_landed(
    proxy: Proxy, client: http.client.HTTPConnection, action: Action, landed: dict[str, bytes]
) -> None:
    fault = proxy.inject(action, "PUT", "^/d")

    with pytest.raises(ConnectionResetError):
        ask(client, "PUT", "/d", b"body")
    client.close()

    assert Store.kept == landed
    assert fault.struck == 1
    assert ask(client, "PUT", "/d", b"again") == (200, b"")


def test_the_nth_request_is_refused_and_some_after_it(
    proxy: Proxy, client: http.client.HTTPConnection
) -> None:
    proxy.inject(Action.STATUS, "PUT", "^/e", nth=2, times=2, status=503)

    said = [ask(client, "PUT", f"/e{number}", b"body")[0] for number in range(4)]

    assert said == [200, 503, 503, 200]
    assert [one.status for one in proxy.requests] == said
    assert set(Store.kept) == {"/e0", "/e3"}


def test_a_truncated_body_ends_early(proxy: Proxy, client: http.client.HTTPConnection) -> None:
    ask(client, "PUT", "/f", BIG)
    proxy.inject(Action.TRUNCATE, "GET", "^/f", keep=100_001)

    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(client, "GET", "/f")
    client.close()

    assert cut.value.partial == BIG[:100_001]
    assert ask(client, "GET", "/f") == (200, BIG)


@pytest.mark.parametrize(
    ("action", "landed"), [(Action.HOLD, {}), (Action.HOLD_AFTER, {"/g": b"body"})]
)
def test_a_held_request_goes_on_when_it_is_released(
    proxy: Proxy, client: http.client.HTTPConnection, action: Action, landed: dict[str, bytes]
) -> None:
    fault = proxy.inject(action, "PUT", "^/g")
    said: list[tuple[int, bytes]] = []
    asking = Thread(target=lambda: said.append(ask(client, "PUT", "/g", b"body")))
    asking.start()
    fault.wait()

    assert said == []
    assert Store.kept == landed
    fault.release()
    asking.join()
    assert said == [(200, b"")]
    assert Store.kept == {"/g": b"body"}


def test_the_end_of_a_proxy_ends_what_it_holds(proxy: Proxy) -> None:
    held = proxy.inject(Action.HOLD, "GET", "^/h")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as raw:
        raw.sendall(b"GET /h HTTP/1.1\r\nHost: x\r\n\r\n")
        held.wait()
        proxy.close()

        with suppress(ConnectionResetError):
            while raw.recv(1000):  # until it ends, or 20 seconds are over
                pass
    assert held.released.is_set()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
