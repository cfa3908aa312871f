"""A proxy before a store that counts requests, and spoils those that a test names.

It forwards every byte as it is, the Host field too, so that what a client signed stays signed: the
client's endpoint is the proxy's own `url`.

    with Proxy(("127.0.0.1", 9000)) as proxy:
        fault = proxy.inject(Action.DROP_AFTER, "PUT", r"/_delta_log/.*[.]json$", nth=2)
        ...
        assert fault.struck == 1
        assert proxy.counted(method="PUT", path=r"/_delta_log/") == 3
"""

import select
import socket
import struct
from collections.abc import Iterable
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Any, Self

from tests.stores.faults import Action, Fault, Request
from tests.stores.wire import Head, body, is_bodiless, read_head


class Proxy:
    """Listens on a free port of 127.0.0.1 from its start to the end of its `with`."""

    def __init__(self, store: tuple[str, int]) -> None:
        self.store = store
        self.requests: list[Request] = []
        self.closing = Event()
        self._faults: list[Fault] = []
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._server = _Server(("127.0.0.1", 0), _Connection)
        self._server.proxy = self
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that a client connects to."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The endpoint for a client."""
        return f"http://127.0.0.1:{self.port}"

    def inject(self, action: Action, method: str, path: str, **how: Any) -> Fault:
        """Strike requests of `method` whose path and query hold the pattern `path`.

        Of several faults that match a request, the first that was injected strikes.
        """
        fault = Fault(action, method, path, **how)
        with self._lock:
            self._faults.append(fault)
        return fault

    def matching(self, method: str | None = None, path: str | None = None) -> list[Request]:
        """Give the requests of this method whose path and query hold this pattern, in order."""
        return [request for request in list(self.requests) if request.matches(method, path)]

    def counted(self, method: str | None = None, path: str | None = None) -> int:
        """Count the requests of this method whose path and query hold this pattern."""
        return len(self.matching(method, path))

    def clear(self) -> None:
        """Forget the requests and the faults so far; what is held goes on."""
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults = []
            self.requests = []

    def close(self) -> None:
        """End every connection and stop listening."""
        self.closing.set()
        self.clear()
        self._server.shutdown()
        with self._lock:
            for connection in self._sockets:
                _ended(connection)
        self._server.server_close()
        self._thread.join()

    def noted(self, head: Head) -> tuple[Request, Fault | None]:
        """Take down a request that arrives, and give the fault that strikes it."""
        condition, version = (head.fields.get(name) for name in ("if-none-match", "if-match"))
        request = Request(head.first[0], head.first[1], condition, version)
        with self._lock:
            self.requests.append(request)
            return request, next((one for one in self._faults if one.strikes(request)), None)

    def tracked(self, connection: socket.socket) -> socket.socket:
        """Keep a connection, to end it at `close`; one that comes too late ends at once."""
        with self._lock:
            self._sockets = [one for one in self._sockets if one.fileno() >= 0]
            self._sockets.append(connection)
        if self.closing.is_set():
            _ended(connection)
        return connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingTCPServer):
    request_queue_size = 128
    proxy: Proxy

    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)  # a shutdown first would end a connection that is to be reset

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a connection that breaks is a proxy's daily bread, and its end."""


class _Connection(BaseRequestHandler):
    """A client's connection, and one to the store for it alone."""

    def handle(self) -> None:
        self.proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        self.client: socket.socket = self.proxy.tracked(self.request)
        with (
            self.proxy.tracked(socket.create_connection(self.proxy.store)) as self.store,
            self.client.makefile("rb") as self.asked,
            self.store.makefile("rb") as self.answered,
        ):
            self.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.store.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (head := self._next()) and self._exchange(head):
                pass

    def _next(self) -> Head | None:
        """Wait for a request; where the store hangs up meanwhile, so do we, as it would."""
        ready, _, _ = select.select([self.client, self.store], [], [])
        return None if self.store in ready else read_head(self.asked)

    def _exchange(self, head: Head) -> bool:
        """Serve a request; say whether the connection lives on."""
        request, fault = self.proxy.noted(head)
        action = fault.action if fault else Action.PASS
        if fault and action is not Action.HOLD_AFTER:
            self._strike(fault)
        if action is Action.DROP_BEFORE:
            return self._reset()
        if fault and action is Action.STATUS:
            return self._refuse(head, request, fault)
        answer = self._forward(head, request)
        if fault and action is Action.HOLD_AFTER:
            self._strike(fault)
        if action is Action.DROP_AFTER:
            for piece in self._answer_body(answer, request):
                request.received += len(piece)
            return self._reset()
        keep = fault.keep if fault and action is Action.TRUNCATE else None
        return self._give_back(answer, request, keep) and head.keeps_alive

    def _strike(self, fault: Fault) -> None:
        fault.reached.set()
        if fault.action is Action.DELAY:
            self.proxy.closing.wait(fault.seconds)
        if fault.action in {Action.HOLD, Action.HOLD_AFTER}:
            fault.released.wait()

    def _forward(self, head: Head, request: Request) -> Head:
        """Send a request to the store, and give the head of its answer."""
        self.store.sendall(head.raw)
        early = self._answer_head() if "expect" in head.fields else None
        if early is None or early.first[1] == "100":
            if early:
                self.client.sendall(early.raw)
            for piece in body(self.asked, head):
                request.sent += len(piece)
                self.store.sendall(piece)
            early = self._answer_head()
        request.status = int(early.first[1])
        return early

    def _answer_head(self) -> Head:
        head = read_head(self.answered)
        if head is None:
            raise ConnectionError("the store hung up")
        return head

    def _answer_body(self, answer: Head, request: Request) -> Iterable[bytes]:
        empty = is_bodiless(request.method, int(answer.first[1]))
        return () if empty else body(self.answered, answer)

    def _give_back(self, answer: Head, request: Request, keep: int | None) -> bool:
        """Pass an answer on, or only `keep` bytes of its body; say whether all went well."""
        self.client.sendall(answer.raw)
        for piece in self._answer_body(answer, request):
            kept = piece if keep is None else piece[: keep - request.received]
            request.received += len(kept)
            self.client.sendall(kept)
            if len(kept) < len(piece):
                return False
        return answer.keeps_alive

    def _refuse(self, head: Head, request: Request, fault: Fault) -> bool:
        if "expect" not in head.fields:
            for piece in body(self.asked, head):
                request.sent += len(piece)
        request.status = fault.status
        text = f"<Error><Code>{fault.code}</Code><Message>by a test</Message></Error>".encode()
        fields = f"Content-Length: {len(text)}\r\nConnection: close"
        answer = f"HTTP/1.1 {fault.status} By-a-test\r\n{fields}\r\n\r\n".encode()
        self.client.sendall(answer + (b"" if request.method == "HEAD" else text))
        return False

    def _reset(self) -> bool:
        """End the client's connection with a reset, rather than with an end."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False


def _ended(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended already
