"""A store that is not quite one: it passes requests on to a real store, and alters a header."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.server import HOST, REGION, Server
from tests.object_stores import Place

_SIGNED_ANEW = {"authorization", "x-amz-date", "x-amz-content-sha256", "host", "content-length"}
_OF_ONE_CONNECTION = {"transfer-encoding", "connection", "content-length"}


@contextmanager
def liar(place: Place, *, deaf_to: str = "", date: str | None = None) -> Iterator[Place]:
    """Serve what `place` holds; leave a header out of requests, or tell another `date`.

    It knows the store's credentials, and signs anew what it has altered.
    """
    handler = type("Handler", (_Handler,), {"store": place.server, "deaf": deaf_to, "date": date})
    server = ThreadingHTTPServer((HOST, 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        url = f"http://{HOST}:{server.server_port}"
        yield replace(place, server=place.server._replace(url=url))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Server
    deaf: str
    date: str | None

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        connection = http.client.HTTPConnection(HOST, self.store.port, timeout=30)
        connection.request(self.command, self.path, body, self._signed(body))
        came = connection.getresponse()
        content = came.read()
        connection.close()
        self.send_response_only(came.status)
        told = dict(came.getheaders())
        told["Date"] = self.date or told["Date"]
        length = told.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        for name, value in told.items():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - as http.server asks

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _signed(self, body: bytes) -> dict[str, str]:
        passed = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in _SIGNED_ANEW | {self.deaf.lower(), "expect"}
        }
        url = f"http://{HOST}:{self.store.port}{self.path}"
        request = AWSRequest(method=self.command, url=url, data=body, headers=passed)
        owner = Credentials(self.store.key, self.store.secret)
        S3SigV4Auth(owner, "s3", REGION).add_auth(request)
        return dict(request.headers.items())
