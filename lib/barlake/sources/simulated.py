"""A simulated vendor of a simulated exchange: deterministic, and as ill-mannered as asked."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from barlake.model.errors import InputError
from barlake.model.landed import Facts, Outcome
from barlake.sources.daily import daily_served, with_dates
from barlake.sources.exchange import Bars, Day, instant, joined
from barlake.sources.expected import empty, sessions_over
from barlake.sources.manners import Manners
from barlake.sources.refusals import Asked, Verdict, refusal, rows_before_break
from barlake.sources.served import as_text, day_served, with_float_noise, with_silent_first
from barlake.sources.source import DAILY_REQUEST, Answer, Request

NO_BARS = "Data doesn't exist for startDate = {}, endDate = {}"
BROKEN_OFF = "the payload ended early"


class SimulatedSource:
    """Bars that follow from the seed, the ticker, the session and the instant of the fetch.

    They do not depend on the order of asking, nor on the request that covers them, apart from the
    manners that belong to a request: first row, rate limits, partial answers.

    Args:
        seed: Names the world.
        clock: Gives the instant of a fetch, aware; nothing else tells the time.
        manners: In which ways the vendor differs from the exchange.
    """

    def __init__(self, *, seed: int, clock: Callable[[], datetime], manners: Manners) -> None:
        self._seed = seed
        self._clock = clock
        self._manners = manners

    @property
    def name(self) -> str:
        """Give the word that bronze.bars.source keeps."""
        return "simulated"

    def requests(self, wanted: Sequence[Request]) -> Sequence[Request]:
        """Give what is wanted: the vendor is asked just that."""
        return wanted

    def fetch(self, request: Request) -> Answer:
        """Answer at once; a failure is an outcome.

        Raises:
            InputError: The request names no ticker or no range, or the range has no zone.
        """
        asked = _asked(request, self._clock())
        refused = refusal(asked, self._seed, self._manners)
        served = joined(()) if refused else self._served(asked)
        arrived = served.take(
            slice(rows_before_break(len(served), asked, self._seed, self._manners))
        )
        verdict = refused or _verdict(asked, len(served), len(arrived))
        return self._answer(asked, verdict, arrived)

    def daily(self, request: Request) -> Answer:
        """Answer with one bar per session whose open is in the range; as `fetch` otherwise.

        Neither the horizon nor the window of one-minute bars holds here.

        Raises:
            InputError: The request names no ticker or no range, or the range has no zone.
        """
        asked = _asked(request, self._clock())
        ticker, start, end, received_at = asked
        refused = refusal(asked, self._seed, replace(self._manners, horizon=None, window=None))
        days = [
            Day(self._seed, ticker, session)
            for session in sessions_over(start, min(end, received_at))
            if start <= session.open_utc < end
        ]
        shown = [] if refused else [daily_served(d, self._manners, received_at) for d in days]
        served = joined(shown)
        noisy = with_float_noise(served) if self._manners.float_noise else served
        verdict = refused or _verdict(asked, len(noisy), len(noisy))
        answer = self._answer(asked, verdict, noisy, suffix=DAILY_REQUEST)
        dates = [f"{instant(int(ts)):%Y-%m-%d}" for ts in noisy.ts]  # an open is on its UTC date
        return replace(answer, rows=with_dates(answer.rows, dates))

    def _served(self, asked: Asked) -> Bars:
        """Give the whole payload."""
        ticker, start, end, received_at = asked
        sessions = sessions_over(start, min(end, received_at))
        days = (Day(self._seed, ticker, session) for session in sessions)
        known = joined([day_served(day, self._manners, received_at) for day in days])
        is_asked = (known.ts >= start.timestamp()) & (known.ts < end.timestamp())
        shown = known.take(is_asked)
        if self._manners.first_row:
            for session in sessions:
                shown = with_silent_first(shown, start, session)
        return with_float_noise(shown) if self._manners.float_noise else shown

    def _answer(self, asked: Asked, verdict: Verdict, arrived: Bars, *, suffix: str = "") -> Answer:
        ticker, start, end, received_at = asked
        names = (self.name, self._seed, ticker, start, end, received_at)
        request_id = sha256("/".join(map(str, names)).encode()).hexdigest()[:32] + suffix
        outcome, detail = verdict
        facts = Facts(
            request_id=request_id,
            ticker=ticker,
            range_start=start,
            range_end=end,
            requested_at=received_at,
            received_at=received_at,
            attempts=1,
            rows=len(arrived),
            outcome=outcome,
            detail=detail,
        )
        rows = as_text(arrived, request_id=request_id, ticker=ticker, fetched_at=received_at)
        return Answer(facts=facts, rows=rows)


def _asked(request: Request, now: datetime) -> Asked:
    """What is asked and when, in UTC: names of chances must not depend on a zone."""
    ticker, start, end = request.ticker, request.start, request.end
    if ticker is None or start is None or end is None:
        raise InputError(f"a vendor is asked for a ticker and a range, not for {request}")
    if any(moment.tzinfo is None for moment in (start, end, now)):
        raise InputError(f"{start}, {end} and the clock's {now} must all have a zone")
    return ticker, start.astimezone(UTC), end.astimezone(UTC), now.astimezone(UTC)


def _verdict(asked: Asked, served: int, arrived: int) -> Verdict:
    _, start, end, received_at = asked
    if arrived < served:
        return Outcome.PARTIAL, BROKEN_OFF
    if arrived:
        return Outcome.OK, ""
    until = min(end, received_at)
    return empty(start, until), NO_BARS.format(int(start.timestamp()), int(end.timestamp()))
