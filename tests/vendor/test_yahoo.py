"""The real yfinance against Yahoo on loopback: what lands, as what, and after how many requests."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from curl_cffi.requests import Response, Session

from barlake import calendar
from barlake.model.landed import Outcome
from barlake.settings import load
from barlake.sources.source import SERVED_SCHEMA, Answer, Request
from tests.vendor.charts import Events, Row, bar, day_of, error, null
from tests.vendor.conftest import EVENING, Client
from tests.vendor.loopback import TOO_MANY, Asked, Fault, Say, Vendor, epoch

Make = Callable[..., Client]

[FRIDAY] = calendar.between(date(2026, 11, 20), date(2026, 11, 20))
OPEN = epoch(FRIDAY.open_utc)
COLD = 2  # a cookie and a crumb, once a process
DOWN = Say(503, b"<html>Service Unavailable</html>")
PAUSE = 150.0
NOISY = 248.3596954345703
CRUMB = "/v1/test/getcrumb"


@pytest.fixture
def apple(vendor: Vendor, client: Make) -> Client:
    """A client, and a vendor that holds one regular session of AAPL."""
    vendor.bars["AAPL"] = day_of(FRIDAY.session_date)
    return client()


def friday(client: Client, ticker: str = "AAPL") -> Answer:
    """Ask for the whole Friday."""
    return client.ask(ticker, FRIDAY.first, FRIDAY.last)


def told(answer: Answer, *names: str) -> list[tuple[Any, ...]]:
    """Give some columns of the rows."""
    return list(zip(*(answer.rows[f"{name}_text"].to_pylist() for name in names), strict=True))


# --- what lands


def test_a_session_lands_as_served_with_its_facts(apple: Client) -> None:
    answer = friday(apple)

    assert answer.rows.schema == SERVED_SCHEMA
    assert told(answer, "ts", "open", "high", "low", "close", "volume", "dividend", "split")[1] == (
        "2026-11-20T14:31:00Z",
        *("100.0", "100.04", "99.96000000000001", "100.01"),
        "1004",
        *(None, None),
    )
    assert answer.rows["fetched_at"].unique().to_pylist() == [EVENING]
    facts = answer.facts
    assert (facts.ticker, facts.range_start, facts.range_end) == ("AAPL", FRIDAY.first, FRIDAY.last)
    assert (facts.outcome, facts.rows, facts.attempts) == (Outcome.OK, 391, 1)
    assert facts.detail == "3 requests"


def test_a_cookie_and_a_crumb_are_asked_for_once_and_a_time_zone_never(
    apple: Client, vendor: Vendor
) -> None:
    vendor.bars["MSFT"] = vendor.bars["AAPL"]

    for ticker in ["AAPL", "MSFT", "AAPL"]:
        friday(apple, ticker)

    assert vendor.counted() == {"fc.yahoo.com": 1, "getcrumb": 1, "AAPL": 2, "MSFT": 1}
    assert apple.source.sent == len(vendor.log) == 5


def test_the_closing_auction_the_pre_and_the_post_market_land(
    apple: Client, vendor: Vendor
) -> None:
    early, late = epoch(FRIDAY.first), epoch(FRIDAY.last) - 60
    vendor.bars["AAPL"] = [bar(early, 99.0), *vendor.bars["AAPL"], bar(late, 101.0)]

    answer = friday(apple)

    stamps = answer.rows["ts_text"].to_pylist()
    assert [stamps[0], *stamps[-2:]] == [
        "2026-11-20T09:00:00Z",
        "2026-11-20T21:00:00Z",
        "2026-11-21T00:59:00Z",
    ]


def test_a_null_minute_lands_as_null_and_a_null_volume_is_no_zero(
    apple: Client, vendor: Vendor
) -> None:
    rows = vendor.bars["AAPL"]
    rows[1] = null(rows[1][0])
    rows[2] = (*rows[2][:5], None)
    rows[3] = (*rows[3][:5], 0)

    answer = friday(apple)

    assert told(answer, "ts", "close", "volume")[1:4] == [
        ("2026-11-20T14:31:00Z", None, None),
        ("2026-11-20T14:32:00Z", "100.02", None),
        ("2026-11-20T14:33:00Z", "100.03", "0"),
    ]
    assert (answer.facts.outcome, len(vendor.charts)) == (Outcome.OK, 1)


def test_a_float_of_32_bits_keeps_the_text_of_what_came(apple: Client, vendor: Vendor) -> None:
    vendor.bars["AAPL"][0] = (OPEN, NOISY, NOISY, NOISY, NOISY, 7)

    assert told(friday(apple), "open")[0] == ("248.3596954345703",)


def test_the_live_row_off_the_grid_lands_as_it_is(vendor: Vendor, client: Make) -> None:
    """Only where the quote is in the minute of the last bar, yfinance joins the two."""
    noon = OPEN + 150 * 60
    rows = [row for row in day_of(FRIDAY.session_date) if row[0] < noon]
    vendor.bars["AAPL"] = [*rows, bar(noon + 135, 107.0)]

    answer = friday(client(at=lambda: datetime.fromtimestamp(noon + 140, UTC)))

    assert told(answer, "ts", "close")[-2:] == [
        ("2026-11-20T16:59:00Z", "100.01"),
        ("2026-11-20T17:02:15Z", "107.0"),
    ]
    assert (answer.facts.outcome, len(vendor.charts)) == (Outcome.OK, 1)


def test_the_live_row_on_the_grid_lands_as_the_last_bar(vendor: Vendor, client: Make) -> None:
    noon = OPEN + 150 * 60
    rows = [row for row in day_of(FRIDAY.session_date) if row[0] < noon]
    vendor.bars["AAPL"] = [*rows, (noon, 107.0, 107.0, 107.0, 107.0, 0)]

    answer = friday(client(at=lambda: datetime.fromtimestamp(noon, UTC)))

    assert told(answer, "ts", "close", "volume")[-1] == ("2026-11-20T17:00:00Z", "107.0", "0")
    assert (answer.facts.outcome, len(vendor.charts)) == (Outcome.OK, 1)


def test_the_last_16_minutes_land_as_they_are_told_provisional_and_final(
    vendor: Vendor, client: Make
) -> None:
    """Of NYSE names, until some minutes have passed; the first of them without volume."""
    vendor.bars["IBM"] = day_of(FRIDAY.session_date)
    asked_at = [FRIDAY.close_utc + timedelta(minutes=minutes) for minutes in (2, 20)]
    now = iter([asked_at[0], asked_at[0], asked_at[1], asked_at[1]])

    def provisional(_: Asked, answer: dict[str, Any]) -> dict[str, Any]:
        quote = answer["chart"]["result"][0]["indicators"]["quote"][0]
        if len(vendor.charts) == 1:
            quote["close"][-16:] = [100.3] * 16
            quote["volume"][-16] = 0
        return answer

    vendor.rewrite = provisional
    made = client(at=lambda: next(now))

    first, second = (told(friday(made, "IBM"), "close", "volume") for _ in range(2))

    final = [(str(row[4]), str(row[5])) for row in vendor.bars["IBM"]]
    assert second == final
    assert first[:-16] == final[:-16]
    assert {close for close, _ in first[-16:]} == {"100.3"}
    assert [volume for _, volume in first[-16:]] == ["0", *(volume for _, volume in final[-15:])]
    assert len(vendor.charts) == 2


def test_bars_beyond_the_range_land_but_for_the_last_one(apple: Client, vendor: Vendor) -> None:
    """One is dropped by yfinance; the gate judges the others like any row."""
    monday = epoch(FRIDAY.open_utc + timedelta(days=3))

    def with_more(_: Asked, answer: dict[str, Any]) -> dict[str, Any]:
        result = answer["chart"]["result"][0]
        result["timestamp"] += [monday, monday + 60]
        for column in result["indicators"]["quote"][0].values():
            column.extend(column[-2:])
        return answer

    vendor.rewrite = with_more

    answer = friday(apple)

    assert answer.rows["ts_text"].to_pylist()[-2:] == [
        "2026-11-20T21:00:00Z",
        "2026-11-23T14:30:00Z",
    ]
    assert (answer.facts.outcome, len(vendor.charts)) == (Outcome.OK, 1)


def test_a_split_and_a_dividend_stand_on_the_first_row_of_their_day(
    apple: Client, vendor: Vendor
) -> None:
    vendor.events["AAPL"] = Events(splits=((OPEN, 4, 1),), dividends=((OPEN, 0.26),))

    rows = told(friday(apple), "ts", "dividend", "split")

    assert [row for row in rows if row[1:] != (None, None)] == [
        ("2026-11-20T14:30:00Z", "0.26", "4.0")
    ]


def test_an_answer_about_another_ticker_is_an_error(apple: Client, vendor: Vendor) -> None:
    def of_another(_: Asked, answer: dict[str, Any]) -> dict[str, Any]:
        answer["chart"]["result"][0]["meta"]["symbol"] = "MSFT"
        return answer

    vendor.rewrite = of_another

    answer = friday(apple)

    assert (answer.facts.outcome, answer.facts.rows) == (Outcome.ERROR, 0)
    assert "answered for MSFT" in answer.facts.detail


# --- splits and dividends


def test_splits_and_dividends_are_told_by_their_own_day_over_any_range(
    vendor: Vendor, client: Make
) -> None:
    """As fewest bars, of quarters, on which yfinance's frame puts them."""
    days = calendar.between(date(2025, 1, 2), FRIDAY.session_date)[::20]
    vendor.bars["AAPL"] = [day_of(day.session_date)[0] for day in days]
    split, dividend = (epoch(days[at].open_utc) for at in (4, 9))
    vendor.events["AAPL"] = Events(splits=((split, 3, 2),), dividends=((dividend, 0.26),))

    asked = Request(ticker="AAPL", start=datetime(1900, 1, 1, tzinfo=UTC), end=EVENING)
    answer = client().source.actions(asked)

    assert (answer.facts.outcome, answer.facts.rows) == (Outcome.OK, 2)
    assert answer.facts.request_id.endswith("-actions")
    assert [(q["interval"], int(q["period1"])) for q in (c.query for c in vendor.charts)] == [
        ("3mo", epoch(asked.start or EVENING))
    ]
    assert answer.rows.schema == SERVED_SCHEMA
    assert told(answer, "ts", "close", "dividend", "split") == [
        (f"{days[4].open_utc:%Y-%m-%dT%H:%M:%SZ}", None, None, "1.5"),
        (f"{days[9].open_utc:%Y-%m-%dT%H:%M:%SZ}", None, "0.26", None),
    ]


def test_a_ticker_without_splits_and_dividends_has_told_so(apple: Client) -> None:
    asked = Request(ticker="AAPL", start=datetime(1900, 1, 1, tzinfo=UTC), end=EVENING)

    answer = apple.source.actions(asked)

    assert (answer.facts.outcome, answer.facts.rows) == (Outcome.OK, 0)


# --- daily bars


def test_daily_bars_land_by_date_one_a_session_over_any_range(vendor: Vendor, client: Make) -> None:
    days = calendar.between(date(2026, 9, 1), FRIDAY.session_date)
    vendor.bars["AAPL"] = [row for day in days for row in day_of(day.session_date)[::195]]
    vendor.events["AAPL"] = Events(splits=((OPEN, 4, 1),))

    asked = Request(ticker="AAPL", start=days[0].first, end=FRIDAY.last)
    answer = client().source.daily(asked)

    assert (answer.facts.outcome, answer.facts.rows) == (Outcome.OK, len(days))
    assert answer.facts.request_id.endswith("-1d")
    assert told(answer, "ts")[0] == ("2026-09-01",)
    assert told(answer, "ts", "open", "high", "low", "close", "volume", "split")[-1] == (
        "2026-11-20",
        *("99.99", "100.23", "99.95", "100.2"),
        str(sum(row[5] or 0 for row in vendor.bars["AAPL"][-3:])),
        "4.0",
    )


def test_a_day_without_a_price_or_a_volume_lands_so_and_one_that_lacks_is_told(
    vendor: Vendor, client: Make
) -> None:
    days = calendar.between(date(2026, 11, 17), FRIDAY.session_date)
    vendor.bars["AAPL"] = [row for day in days[1:] for row in day_of(day.session_date)[::195]]

    def with_nulls(_: Asked, answer: dict[str, Any]) -> dict[str, Any]:
        quote = answer["chart"]["result"][0]["indicators"]["quote"][0]
        quote["volume"][0] = None
        for column in quote.values():
            column[1] = None
        return answer

    vendor.rewrite = with_nulls

    asked = Request(ticker="AAPL", start=days[0].first, end=FRIDAY.last)
    answer = client().source.daily(asked)

    assert told(answer, "ts", "close", "volume")[:2] == [
        ("2026-11-18", "100.2", None),
        ("2026-11-19", None, None),
    ]
    assert answer.facts.outcome is Outcome.PARTIAL
    assert answer.facts.detail.startswith("nothing of 2026-11-17, 2026-11-19; ")


# --- how it ends


def without_quotes(answer: dict[str, Any]) -> dict[str, Any]:
    answer["chart"]["result"][0]["indicators"]["quote"] = [{}]
    return answer


def with_unequal_columns(answer: dict[str, Any]) -> dict[str, Any]:
    answer["chart"]["result"][0]["timestamp"].pop()
    return answer


STALE = Say(401, {"finance": {"error": {"code": "x"}}})
PASSING: dict[str, tuple[Fault, Outcome]] = {
    "429": (TOO_MANY, Outcome.RATE_LIMITED),
    "500": (Say(500, b"oops"), Outcome.ERROR),
    "503 with a page": (DOWN, Outcome.ERROR),
    "502 with JSON": (Say(502, {"finance": {"error": {"code": "Bad Gateway"}}}), Outcome.ERROR),
    "401, crumb or not": (STALE, Outcome.ERROR),
    "a page with 200": (Say(200, b"<html>Oops</html>"), Outcome.ERROR),
    "down with 200": (Say(200, b"Will be right back"), Outcome.ERROR),
    "JSON cut short": (Say(200, b'{"chart":{"result":[{"meta":'), Outcome.ERROR),
    "JSON of another shape": (Say(200, {"chart": {"result": [{}], "error": None}}), Outcome.ERROR),
    "broken off": (Say(200, b"x" * 5_000, cut=1_000), Outcome.ERROR),
    "reset": ("reset", Outcome.ERROR),
    "404 of a proxy": (Say(404, b"no such page"), Outcome.ERROR),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_asked_again_and_lands(
    fault: tuple[Fault, Outcome], apple: Client, vendor: Vendor
) -> None:
    vendor.faults["AAPL"] = [fault[0], fault[0]]

    answer = friday(apple)

    assert (answer.facts.outcome, answer.facts.rows) == (Outcome.OK, 391)
    assert 2 <= answer.facts.attempts <= 3  # yfinance asks twice of itself where a crumb is stale
    assert len(vendor.charts) == 3
    assert apple.source.sent == len(vendor.log)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_does_not_pass_ends_as_what_it_is(
    fault: tuple[Fault, Outcome], apple: Client, vendor: Vendor
) -> None:
    vendor.always["AAPL"] = fault[0]

    answer = friday(apple)

    assert (answer.facts.outcome, answer.facts.rows) == (fault[1], 0)
    assert (
        answer.facts.attempts == 5
    )  # four, a pause, and one more; after a 401 yfinance asks twice
    assert len(vendor.charts) == (10 if fault[0] is STALE else 5)
    assert answer.facts.detail
    assert apple.source.sent == len(vendor.log)


def test_a_stalled_answer_is_given_up_and_asked_for_again(vendor: Vendor, client: Make) -> None:
    vendor.bars["AAPL"] = day_of(FRIDAY.session_date)
    vendor.faults["AAPL"] = ["stall"]

    answer = friday(client(timeout_seconds=0.5))

    assert (answer.facts.outcome, answer.facts.attempts, answer.facts.rows) == (Outcome.OK, 2, 391)
    assert len(vendor.charts) == 2


def test_no_request_waits_longer_than_the_settings_say(
    apple: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even those that yfinance makes of itself, with a patience of its own."""
    patience: list[float] = []
    send = Session.request

    def watched(self: Session[Response], *args: Any, **given: Any) -> Response:
        patience.append(given["timeout"])
        return send(self, *args, **given)

    monkeypatch.setattr(Session, "request", watched)

    friday(apple)

    assert patience == [5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        (
            Say(404, error("Not Found", "No data found, symbol may be delisted")),
            Outcome.UNKNOWN_TICKER,
        ),
        (
            Say(400, error("Bad Request", "Data doesn't exist for startDate = 1, endDate = 429")),
            Outcome.EMPTY_UNEXPECTED,
        ),
        (
            Say(422, error("Unprocessable Entity", "1m data not available for startTime=429")),
            Outcome.ERROR,
        ),
    ],
    ids=["404", "400", "422"],
)
def test_what_cannot_succeed_is_asked_once(
    said: Say, outcome: Outcome, apple: Client, vendor: Vendor
) -> None:
    vendor.always["AAPL"] = said

    answer = friday(apple)

    assert (answer.facts.outcome, answer.facts.attempts) == (outcome, 1)
    assert len(vendor.log) == COLD + 1
    assert str(said.status) in answer.facts.detail


def test_a_range_that_the_vendor_no_longer_has_is_an_error_with_its_words(
    apple: Client, vendor: Vendor
) -> None:
    vendor.now = epoch(EVENING + timedelta(days=31))

    answer = friday(apple)

    assert answer.facts.outcome is Outcome.ERROR
    assert "must be within the last 30 days" in answer.facts.detail
    assert len(vendor.charts) == 1


def test_more_days_than_the_vendor_gives_at_once_are_an_error_with_its_words(
    apple: Client, vendor: Vendor
) -> None:
    answer = apple.ask("AAPL", FRIDAY.last - timedelta(days=9), FRIDAY.last)

    assert (answer.facts.outcome, answer.facts.attempts) == (Outcome.ERROR, 1)
    assert "Only 8 days worth of 1m granularity data" in answer.facts.detail
    assert len(vendor.charts) == 1


def test_an_unknown_ticker_is_asked_for_once_a_run(apple: Client, vendor: Vendor) -> None:
    answers = [friday(apple, "GONE"), friday(apple, "GONE"), friday(apple)]

    assert [a.facts.outcome for a in answers] == [
        Outcome.UNKNOWN_TICKER,
        Outcome.UNKNOWN_TICKER,
        Outcome.OK,
    ]
    assert [a.facts.attempts for a in answers] == [1, 0, 1]
    assert vendor.counted()["GONE"] == 1
    assert "may be delisted" in answers[1].facts.detail


def test_a_weekend_without_a_bar_is_expected_and_asked_once(apple: Client, vendor: Vendor) -> None:
    saturday = FRIDAY.first + timedelta(days=1)

    answer = apple.ask("AAPL", saturday, saturday + timedelta(days=1))

    assert (answer.facts.outcome, answer.facts.attempts) == (Outcome.EMPTY_EXPECTED, 1)
    assert len(vendor.charts) == 1


def test_a_session_without_a_bar_is_asked_for_again_before_it_is_believed(
    apple: Client, vendor: Vendor
) -> None:
    held: list[Row] = vendor.bars["AAPL"]
    vendor.bars["AAPL"] = []
    vendor.bars["MSFT"] = held
    vendor.rewrite = lambda asked, told: without_quotes(told) if asked.ticker == "MSFT" else told

    answers = [friday(apple), friday(apple, "MSFT")]

    assert [a.facts.outcome for a in answers] == [Outcome.EMPTY_UNEXPECTED] * 2
    assert [a.facts.attempts for a in answers] == [4, 4]


def test_an_answer_that_lacks_a_whole_session_is_partial(apple: Client) -> None:
    answer = apple.ask("AAPL", FRIDAY.first - timedelta(days=1), FRIDAY.last)

    assert (answer.facts.outcome, answer.facts.rows) == (Outcome.PARTIAL, 391)
    assert answer.facts.detail.startswith("nothing of 2026-11-19; ")


# --- a crumb that is refused


def test_without_a_crumb_charts_are_had_and_it_is_asked_for_once(
    apple: Client, vendor: Vendor
) -> None:
    vendor.always[CRUMB] = Say(429, b"Too Many Requests\r\n")

    answers = [friday(apple), friday(apple)]

    assert [a.facts.outcome for a in answers] == [Outcome.OK, Outcome.OK]
    assert vendor.counted() == {"fc.yahoo.com": 1, "getcrumb": 1, "AAPL": 2}
    assert all("crumb" not in asked.query for asked in vendor.charts)


def test_a_host_for_cookies_that_is_not_there_does_no_harm(apple: Client, vendor: Vendor) -> None:
    vendor.always["/"] = "reset"

    assert friday(apple).facts.outcome is Outcome.OK


def test_a_detour_over_the_consent_page_costs_one_question(apple: Client, vendor: Vendor) -> None:
    """The form is sent by yfinance, redirections are counted, and the next question answered."""
    path = "/v2/collectConsent"
    form = b'<form method="post"><input name="csrfToken" type="hidden" value="x"/></form>'
    vendor.faults["AAPL"] = [
        Say(302, b"", (("Location", f"https://consent.yahoo.com{path}?sessionId=1"),))
    ]
    vendor.faults[path] = [Say(200, form), Say(200, b"<html>thanks</html>")]

    answer = friday(apple)

    assert (answer.facts.outcome, answer.facts.attempts) == (Outcome.OK, 2)
    assert vendor.counted() == {"fc.yahoo.com": 1, "getcrumb": 1, "AAPL": 2, "collectConsent": 2}
    assert apple.source.sent == len(vendor.log)


def test_a_proxy_whose_certificate_nobody_named_is_not_trusted(
    vendor: Vendor, client: Make
) -> None:
    answer = friday(client(ca_file=None))

    assert answer.facts.outcome is Outcome.ERROR
    assert "CertificateVerifyError" in answer.facts.detail
    assert vendor.log == []


# --- restraint


def test_after_refusals_in_a_row_the_vendor_is_left_alone(vendor: Vendor, client: Make) -> None:
    """After two pauses, and a question after each."""
    made = client()
    vendor.always[""] = TOO_MANY

    answers = [friday(made, f"T{n}") for n in range(200)]

    assert {a.facts.outcome for a in answers} == {Outcome.RATE_LIMITED}
    assert [a.facts.attempts for a in answers[:4]] == [5, 2, 0, 0]
    assert len(vendor.charts) == 7
    assert made.waits.count(PAUSE) == 2
    assert answers[-1].facts.detail == "not asked: 7 refusals in a row; 0 requests"


def test_an_outage_of_two_minutes_is_waited_out_and_all_lands(vendor: Vendor, client: Make) -> None:
    made = client()
    vendor.bars = {f"T{n}": day_of(FRIDAY.session_date) for n in range(20)}
    vendor.rewrite = lambda _, told: DOWN if 5 <= sum(made.waits) < 125 else told

    answers = [friday(made, ticker) for ticker in vendor.bars]

    assert {a.facts.outcome for a in answers} == {Outcome.OK}
    assert sorted(a.facts.attempts for a in answers) == [*[1] * 19, 5]
    assert len(vendor.charts) == 20 + 4
    assert made.waits.count(PAUSE) == 1


def test_a_longer_outage_costs_one_ticker_and_the_rest_lands(vendor: Vendor, client: Make) -> None:
    made = client()
    vendor.bars = {f"T{n}": day_of(FRIDAY.session_date) for n in range(20)}
    vendor.rewrite = lambda _, told: DOWN if sum(made.waits) < 270 else told

    answers = [friday(made, ticker) for ticker in vendor.bars]

    assert [a.facts.attempts for a in answers] == [5, 2, *[1] * 18]
    assert [a.facts.outcome for a in answers] == [Outcome.ERROR, *[Outcome.OK] * 19]


def test_tickers_that_fail_alone_do_not_stop_the_others(vendor: Vendor, client: Make) -> None:
    made = client()
    vendor.bars = {f"T{n}": day_of(FRIDAY.session_date) for n in range(6)}
    vendor.always = dict.fromkeys(["T0", "T2", "T4"], DOWN)

    answers = [friday(made, ticker) for ticker in vendor.bars]

    assert [a.facts.attempts for a in answers] == [5, 1, 5, 1, 4, 1]
    assert [a.facts.outcome for a in answers] == [Outcome.ERROR, Outcome.OK] * 3
    assert made.waits.count(PAUSE) == 2


def test_an_answer_starts_the_count_of_refusals_anew(vendor: Vendor, client: Make) -> None:
    made = client(refusals_max=3, attempts=3)
    vendor.bars["AAPL"] = day_of(FRIDAY.session_date)
    vendor.faults[""] = [TOO_MANY, TOO_MANY]

    storm = [friday(made)]
    vendor.faults[""] = [TOO_MANY, TOO_MANY]
    storm.append(friday(made))

    assert [a.facts.outcome for a in storm] == [Outcome.OK, Outcome.OK]


def test_every_request_waits_its_turn_whoever_makes_it(apple: Client) -> None:
    friday(apple)

    assert [round(seconds, 1) for seconds in apple.waits] == [0.7, 0.7]


def test_when_the_days_requests_are_spent_the_rest_is_not_asked(
    vendor: Vendor, client: Make
) -> None:
    vendor.bars["AAPL"] = day_of(FRIDAY.session_date)
    made = client(requests_per_day=COLD + 2)

    answers = [friday(made) for _ in range(4)]

    assert [a.facts.outcome for a in answers] == [Outcome.OK] * 2 + [Outcome.RATE_LIMITED] * 2
    assert len(vendor.log) == COLD + 2
    assert "requests of a day are spent" in answers[-1].facts.detail


@pytest.mark.slow
def test_200_tickers_over_7_sessions_cost_two_requests_each_at_the_pace_that_is_set(
    vendor: Vendor, client: Make
) -> None:
    """And a cookie and a crumb more, where no request went before."""
    days = calendar.between(date(2026, 11, 12), date(2026, 11, 20))
    rows = [row for day in days for row in day_of(day.session_date)[::30]]
    vendor.bars = {f"T{n}": rows for n in range(200)}
    usual = load().yahoo
    made = client()

    def all_asked() -> tuple[int, float]:
        """Ask for all; give the requests that it took, and the seconds."""
        before = len(vendor.log), sum(made.waits)
        answers = [
            made.ask(ticker, span[0].first, span[-1].last)
            for span in (days[:5], days[5:])
            for ticker in vendor.bars
        ]
        assert {a.facts.outcome for a in answers} == {Outcome.OK}
        assert sum(a.facts.rows for a in answers) == 200 * len(rows)
        return len(vendor.log) - before[0], sum(made.waits) - before[1]

    cold, warm = all_asked(), all_asked()

    assert (cold[0], warm[0]) == (400 + COLD, 400)
    assert made.source.sent == len(vendor.log) <= usual.requests_per_day
    for requests, seconds in (cold, warm):
        assert seconds == pytest.approx(requests * usual.interval_ms / 1000, rel=0.01)
