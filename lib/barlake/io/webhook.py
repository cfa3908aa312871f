"""One signed POST, tried again a bounded number of times."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import stamina

from barlake.model.errors import BarlakeError

SIGNATURE = "X-Barlake-Signature"
_BUSY = 429
_FAULT = 500


class WebhookError(BarlakeError):
    """The receiver has not taken what it was sent."""


class _Stay(HTTPRedirectHandler):
    """Follow nobody elsewhere: a redirected POST would become a GET, or leave the machine."""

    def redirect_request(self, *_asked: object, **_more: object) -> None:
        """Refuse; urllib then raises the answer as an error."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver of JSON; `secret` signs what it gets, and is shown nowhere."""

    url: str
    secret: bytes
    attempts: int
    timeout_seconds: float

    def __repr__(self) -> str:
        return f"Webhook({self.url!r})"

    def post(self, body: bytes) -> None:
        """Send one body; the receiver may get it twice.

        Raises:
            WebhookError: The receiver refused it, or did not answer in any attempt.
        """
        headers = {"Content-Type": "application/json", SIGNATURE: signature(self.secret, body)}
        try:
            for attempt in stamina.retry_context(
                on=_is_passing,
                attempts=self.attempts,
                timeout=None,
                wait_initial=0.2,
                wait_max=10.0,
            ):
                with attempt:
                    self._once(body, headers)
        except (OSError, HTTPException) as error:
            raise WebhookError(f"{self.url} has not taken it: {error}") from error

    def _once(self, body: bytes, headers: Mapping[str, str]) -> None:
        request = Request(self.url, body, dict(headers), method="POST")  # noqa: S310 - the settings allow http and https alone
        with build_opener(_Stay).open(request, timeout=self.timeout_seconds) as answer:
            answer.read()


def signature(secret: bytes, body: bytes) -> str:
    """Give what proves that a body is ours and whole: HMAC-SHA256 with the shared secret."""
    return f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}"


def _is_passing(error: Exception) -> bool:
    """Tell whether another attempt may end otherwise."""
    if isinstance(error, HTTPError):
        return error.code == _BUSY or error.code >= _FAULT
    return isinstance(error, OSError | HTTPException)
