"""The page's own small server: on loopback, for reading alone."""

import json
import sys
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog

from barlake.live.feed import Feed

logger = structlog.get_logger()
LOOPBACK = "127.0.0.1"
STREAMS = 32  # browsers' tabs that are served at once
_BEAT = 1.0  # seconds between two words to a page, at most
_SLOW = 20.0  # seconds after which a browser that takes nothing is left
_HERE = Path(__file__).parent
_STATIC = _HERE.parent / "pages" / "static"
_CHARTS = "lightweight-charts-5.2.1.js"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".txt": "text/plain"}
_FILES = {
    "/": _HERE / "page" / "live.html",
    **{f"/{name}": _HERE / "page" / name for name in ("live.css", "live.js")},
    **{
        f"/{name}": _STATIC / name
        for name in (
            *("style.css", _CHARTS),
            *("lightweight-charts-LICENSE.txt", "lightweight-charts-NOTICE.txt"),
        )
    },
}
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Server(ThreadingHTTPServer):
    """Serves a feed's book; `port` 0 takes a free one."""

    daemon_threads = True

    def __init__(self, feed: Feed, port: int) -> None:
        self.streams = BoundedSemaphore(STREAMS)
        super().__init__((LOOPBACK, port), partial(_Answer, feed))

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    def handle_error(self, *_asked: Any) -> None:  # noqa: ANN401 - as http.server has it
        """Log what broke an answer, unless a browser went away in the middle of a word."""
        broken = sys.exception()
        if not isinstance(broken, OSError):
            logger.error("not answered", reason=repr(broken)[:500])


class _Answer(BaseHTTPRequestHandler):
    server: Server
    server_version = "barlake"
    sys_version = ""
    timeout = _SLOW

    def __init__(self, feed: Feed, *given: Any) -> None:  # noqa: ANN401 - as http.server has it
        self.feed = feed
        super().__init__(*given)

    def do_GET(self) -> None:
        """Answer with a file, with the numbers as they are now, or with each change of them."""
        if self.headers.get("Host") not in self._names():
            # Another site's name that was made to lead here.
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server is asked by its address")
            return
        asked = urlsplit(self.path)
        ticker = parse_qs(asked.query).get("ticker", [""])[0][:32]
        if asked.path == "/events":
            self._stream(ticker)
        elif asked.path == "/now.json":
            _, told = self._told(ticker, "")
            self._send(HTTPStatus.OK, "application/json", json.dumps(told, allow_nan=False))
        elif asked.path in _FILES:
            file = _FILES[asked.path]
            self._send(HTTPStatus.OK, _TYPES[file.suffix], file.read_text())
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here; ask for /")

    def log_message(self, *_words: Any) -> None:  # noqa: ANN401 - as http.server has it
        """Keep the log for what the lake does."""

    def _names(self) -> set[str]:
        return {f"{name}:{self.server.server_port}" for name in (LOOPBACK, "localhost")}

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        self._send(status, "text/plain", sentence + "\n")

    def _send(self, status: HTTPStatus, kind: str, text: str) -> None:
        content = text.encode()
        self._head(status, kind, {"Content-Length": str(len(content))})
        self.wfile.write(content)

    def _head(self, status: HTTPStatus, kind: str, more: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": f"{kind}; charset=utf-8", **_SAFE, **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def _stream(self, ticker: str) -> None:
        if not self.server.streams.acquire(blocking=False):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many pages are open; close some")
            return
        try:
            self._head(HTTPStatus.OK, "text/event-stream", {})
            self.wfile.write(b"retry: 1000\n\n")
            self._tell(ticker, self.headers.get("Last-Event-ID", ""))
        except OSError:
            self.close_connection = True  # the browser is gone, or takes nothing any more
        finally:
            self.server.streams.release()

    def _tell(self, ticker: str, cursor: str) -> None:
        """Send each change, and between them, once a second, that all is well."""
        book = self.feed.book
        while not self.feed.is_ended:
            if book.wait(cursor, _BEAT) or not cursor:
                ticker = ticker or book.first() or ""
                cursor, told = self._told(ticker, cursor)
                self._event("news", told, cursor)
            else:
                self._event("pulse", self._pulse())
            self.wfile.flush()

    def _told(self, ticker: str, cursor: str) -> tuple[str, dict[str, Any]]:
        ticker = ticker or self.feed.book.first() or ""
        cursor, told = self.feed.book.since(ticker, cursor)
        return cursor, {"ticker": ticker, **told, "pulse": self._pulse()}

    def _pulse(self) -> dict[str, Any]:
        return {**self.feed.pulse().told(), "fault": self.feed.fault}

    def _event(self, kind: str, told: dict[str, Any], cursor: str | None = None) -> None:
        numbered = f"id: {cursor}\n" if cursor else ""
        text = json.dumps(told, allow_nan=False, separators=(",", ":"))
        self.wfile.write(f"event: {kind}\n{numbered}data: {text}\n\n".encode())
