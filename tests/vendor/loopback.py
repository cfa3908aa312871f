"""Yahoo on loopback: chart, cookie and crumb over TLS, behind a proxy, with faults on demand."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.vendor.charts import Events, Row, chart, error, spans_of

CHART = "/v8/finance/chart/"
CRUMB = "/v1/test/getcrumb"
COOKIE = "A3=d=loopback; Expires=Fri, 31 Dec 2038 23:59:59 GMT; Domain=yahoo.com; Path=/"
DAY = 86_400
RESET = b"\x01\0\0\0\0\0\0\0"  # linger for no second: what is unsent is thrown away


@dataclass(frozen=True, slots=True)
class Say:
    """One answer; `cut` gives that many bytes of it and breaks off."""

    status: int
    body: bytes | dict[str, Any]
    headers: tuple[tuple[str, str], ...] = ()
    cut: int | None = None

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that arrived."""

    host: str
    path: str
    query: dict[str, str]

    @property
    def ticker(self) -> str:
        return unquote(self.path.rsplit("/", 1)[1]) if self.path.startswith(CHART) else ""


Fault = Say | str  # or "reset", or "stall"
TOO_MANY = Say(429, b"Edge: Too Many Requests\r\n")
UNKNOWN = Say(404, error("Not Found", "No data found, symbol may be delisted"))


@dataclass(slots=True)
class Vendor:
    """What Yahoo holds, and how it behaves.

    Attributes:
        address: The proxy's.
        bars: Per ticker, in time order; a ticker that is not there is unknown.
        events: Per ticker: its dividends and splits.
        faults: Per ticker or path, and "" for every chart: what is said instead, one a request.
        always: The same, for ever.
        rewrite: Changes the answers to charts.
        now: Seconds since 1970; bars that begin later are not served yet. None: no bar is later.
        log: Every request.
    """

    address: str = ""
    bars: dict[str, list[Row]] = field(default_factory=dict)
    events: dict[str, Events] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    always: dict[str, Fault] = field(default_factory=dict)
    rewrite: Callable[[Asked, dict[str, Any]], Say | dict[str, Any]] | None = None
    now: float | None = None
    log: list[Asked] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def charts(self) -> list[Asked]:
        return [asked for asked in self.log if asked.path.startswith(CHART)]

    def counted(self) -> dict[str, int]:
        """Give how often each ticker, host or path was asked for."""
        names = [asked.ticker or asked.path.rsplit("/", 1)[1] or asked.host for asked in self.log]
        return {name: names.count(name) for name in dict.fromkeys(names)}

    def answer(self, asked: Asked) -> Fault:
        with self.lock:
            self.log.append(asked)
            keys = [asked.ticker or asked.path, *([""] if asked.ticker else [])]
            for key in keys:
                if self.faults.get(key):
                    return self.faults[key].pop(0)
            for key in keys:
                if key in self.always:
                    return self.always[key]
        return self._chart(asked) if asked.ticker else _other(asked)

    def _chart(self, asked: Asked) -> Say:
        rows = self.bars.get(asked.ticker)
        if rows is None:
            return UNKNOWN
        start, end = int(asked.query["period1"]), int(asked.query["period2"])
        now = self.now or max((row[0] for row in rows), default=end) + 60
        interval = asked.query["interval"]
        refused = _refusal(start, end, now) if interval == "1m" else None
        if refused is not None:
            return refused
        shown = [row for row in rows if start <= row[0] < end and row[0] <= now]
        held = shown if interval == "1m" else spans_of(shown, interval)
        events = self.events.get(asked.ticker, Events()).between(start, end)
        told = chart(asked.ticker, held, events, interval=interval)
        changed = self.rewrite(asked, told) if self.rewrite else told
        return changed if isinstance(changed, Say) else Say(200, changed)


@contextmanager
def serving(certificate: Path) -> Iterator[Vendor]:
    """Serve on a free port; the proxy ends TLS itself, with `certificate` (its key in it)."""
    vendor = Vendor()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["http/1.1"])
    handler = type("Handler", (_Handler,), {"vendor": vendor, "context": context})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    vendor.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield vendor
    finally:
        vendor.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    """Ends TLS behind CONNECT, and says what the vendor says."""

    protocol_version = "HTTP/1.1"
    vendor: Vendor
    context: ssl.SSLContext
    host = ""

    def log_message(self, *_: object) -> None:
        """Keep standard error for what failed."""

    def do_CONNECT(self) -> None:
        self.host = self.path.split(":")[0]
        self.send_response(200)
        self.end_headers()
        self.connection = self.context.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        said = self.vendor.answer(Asked(self.host, url.path, query))
        if said == "stall":
            self.vendor.closing.wait(30)
        if not isinstance(said, Say):
            self._break_off()
            return
        self.send_response(said.status)
        for name, value in (*said.headers, ("Content-Length", str(len(said.raw)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.raw[: said.cut])
        if said.cut is not None:
            self._break_off()

    do_POST = do_GET  # noqa: N815

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the other side hung up

    def _break_off(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()
        self.close_connection = True


def _refusal(start: int, end: int, now: float) -> Say | None:
    span = f"1m data not available for startTime={start} and endTime={end}."
    if end - start > 8 * DAY:
        why = "Only 8 days worth of 1m granularity data are allowed to be fetched per request."
        return Say(422, error("Unprocessable Entity", f"{span} {why}"))
    if start < now - 30 * DAY:
        why = "The requested range must be within the last 30 days."
        return Say(422, error("Unprocessable Entity", f"{span} {why}"))
    return None


def _other(asked: Asked) -> Say:
    if asked.path == CRUMB:
        return Say(200, b"crumb")
    if asked.host == "fc.yahoo.com":
        return Say(404, b"", (("Set-Cookie", COOKIE),))
    return Say(404, b"not here")


def epoch(moment: datetime) -> int:
    """Seconds since 1970."""
    return int(moment.timestamp())
