"""The connection to Yahoo: every request that yfinance makes goes through here, and is counted."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from curl_cffi.requests import Response, Session
from yfinance.exceptions import YFRateLimitError

CHART = "/v8/finance/chart/"
CRUMB = "/v1/test/getcrumb"
# Yahoo says so where a cookie or a crumb is stale: yfinance gets new ones, and asks again.
STALE = (401, 403)
# Of what a vendor says where it refuses, as much as a person reads.
SAID_MAX = 300


class RefusedError(Exception):
    """Yahoo answered a chart with an error.

    Attributes:
        status: Of the answer, 400 and above.
        code: Yahoo's own word for it, such as "Not Found"; empty where the answer is no chart.
        said: Yahoo's sentence, or the beginning of the answer.
    """

    def __init__(self, status: int, code: str, said: str) -> None:
        super().__init__(f"{status} {code}: {said}")
        self.status = status
        self.code = code
        self.said = said


class CountedSession(Session[Response]):
    """A session that sends nothing without leave, and counts what it sent.

    yfinance answers a refusal by changing its cookies and asking again at once: three requests for
    one. Here a refused chart ends as `RefusedError` after one.

    Args:
        leave: Called before each request; waits, or raises where none may go out.
        timeout: Seconds for each request; yfinance's own differ from path to path.
        options: Of the session: proxies, verify.

    Attributes:
        sent: Requests that went out, redirections included.
        chart: The newest answer to a chart request; None before the first.
    """

    def __init__(self, *, leave: Callable[[], None], timeout: float, **options: Any) -> None:  # noqa: ANN401
        super().__init__(impersonate="chrome", **options)
        self.sent = 0
        self.chart: Response | None = None
        self._leave = leave
        self._seconds = timeout
        self._has_no_crumb = False

    def request(self, method: Any, url: str, *args: Any, **given: Any) -> Response:  # noqa: ANN401
        """Send one request.

        Raises:
            RefusedError: A chart was refused.
            YFRateLimitError: A crumb was refused; the charts are had without.
            SpentError: No request may go out.
        """
        path = urlsplit(url).path
        if path == CRUMB and self._has_no_crumb:
            raise YFRateLimitError
        self._leave()
        self.sent += 1
        answer = super().request(method, url, *args, **(given | {"timeout": self._seconds}))
        self.sent += answer.redirect_count
        if path == CRUMB and not answer.ok:
            # Kept as the crumb by yfinance, the error's text would go along with every request.
            self._has_no_crumb = True
            raise YFRateLimitError
        if path.startswith(CHART):
            self.chart = answer
            _refuse(answer)
        return answer

    def forget(self) -> None:
        """Forget the newest chart, so that the next one cannot be mistaken for it."""
        self.chart = None


def _refuse(answer: Response) -> None:
    if answer.status_code < 400 or answer.status_code in STALE:
        return
    error = chart_error(answer)
    if error is None:
        raise RefusedError(answer.status_code, "", answer.text[:SAID_MAX].strip())
    code, said = str(error.get("code", "")), str(error.get("description", ""))
    raise RefusedError(answer.status_code, code, said[:SAID_MAX])


def chart_error(answer: Response) -> dict[str, Any] | None:
    """Give Yahoo's own error of a chart; None where it gave none."""
    try:
        told = answer.json()["chart"]["error"]
    except (ValueError, KeyError, TypeError):
        return None
    return told if isinstance(told, dict) else None
