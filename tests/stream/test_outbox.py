"""Alerts go out at least once, signed, and never hold the stream up."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from barlake.io.webhook import SIGNATURE, Webhook, WebhookError
from barlake.streaming.outbox import Outbox

SECRET = b"a shared secret"
ALERTS = [{"alert_id": f"{n:02d}", "ticker": "AAPL"} for n in range(3)]


class Receiver:
    """Takes POSTs, answering each with the next of `codes`, and with 200 after the last."""

    def __init__(self, codes: list[int]) -> None:
        self.codes = list(codes)
        self.bodies: list[bytes] = []
        self.signatures: list[str | None] = []
        self.url = ""

    def answer(self, body: bytes, signature: str | None) -> int:
        self.bodies.append(body)
        self.signatures.append(signature)
        return self.codes.pop(0) if self.codes else 200


@contextmanager
def receiver(*codes: int) -> Iterator[Receiver]:
    taken = Receiver(list(codes))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(taken.answer(body, self.headers[SIGNATURE]))
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_told: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    taken.url = f"http://127.0.0.1:{server.server_port}/alerts"
    try:
        yield taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def hook(url: str, attempts: int = 3) -> Webhook:
    return Webhook(url, SECRET, attempts, timeout_seconds=2)


def sent(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def test_what_is_posted_is_signed_and_tried_again_while_the_receiver_is_busy() -> None:
    with receiver(503, 429) as taken:
        hook(taken.url).post(b'{"a": 1}')
    expected = "sha256=" + hmac.new(SECRET, b'{"a": 1}', hashlib.sha256).hexdigest()
    assert taken.bodies == [b'{"a": 1}'] * 3
    assert set(taken.signatures) == {expected}


@pytest.mark.parametrize(("codes", "posts"), [((404,), 1), ((302,), 1), ((500,) * 9, 3)])
def test_a_receiver_that_does_not_take_it_is_asked_a_bounded_number_of_times(
    codes: tuple[int, ...], posts: int
) -> None:
    with receiver(*codes) as taken, pytest.raises(WebhookError, match="has not taken it"):
        hook(taken.url).post(b"{}")
    assert len(taken.bodies) == posts


def test_a_secret_is_not_shown() -> None:
    assert "secret" not in repr(hook("http://127.0.0.1:1/"))


def test_each_alert_is_sent_once_and_again_after_a_start_only_where_it_was_not_taken(
    tmp_path: Path,
) -> None:
    path = tmp_path / "sent"
    path.write_text("01\n")
    with receiver(404) as taken:
        box = Outbox("hook", lambda _key, body: hook(taken.url).post(body), path)
        box.offer([*ALERTS, ALERTS[2]])
        box.close(20)
        assert (box.counts, sent(path)) == ({"failed": 1, "sent": 1}, ["01", "02"])

        again = Outbox("hook", lambda _key, body: hook(taken.url).post(body), path)
        again.offer(ALERTS)
        again.close(20)
    assert sent(path) == ["01", "02", "00"]
    assert [json.loads(body)["alert_id"] for body in taken.bodies] == ["00", "02", "00"]


def test_an_outbox_that_is_stuck_takes_alerts_at_once_and_counts_what_is_left(
    tmp_path: Path,
) -> None:
    free = Event()

    def wait(_key: bytes, _body: bytes) -> None:
        free.wait(30)

    box = Outbox("stuck", wait, tmp_path / "sent")
    box.offer(ALERTS)
    box.close(0.3)
    assert box.counts["left"] == 2
    assert sent(tmp_path / "sent") == []
    free.set()
