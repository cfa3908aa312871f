"""Yahoo's own recorded answers, said again on loopback."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from barlake import calendar
from barlake.model.landed import Outcome
from barlake.sources.source import Answer, Request
from tests.real.adapters import real_data
from tests.vendor.conftest import Client
from tests.vendor.loopback import Say, Vendor

pytestmark = pytest.mark.real

Make = Callable[..., Client]


@pytest.fixture(scope="module")
def recordings() -> Path:
    """The folder of recorded answers."""
    return real_data() / "node-yahoo-finance2"


def replayed(
    vendor: Vendor, client: Make, file: Path, ticker: str, days: tuple[date, date]
) -> Answer:
    """Ask for some days, on the evening after; Yahoo says what it once said."""
    response = json.loads(file.read_text())["response"]
    body = response.get("bodyJson") or json.loads(response["body"])
    vendor.always[ticker] = Say(response["status"], body)
    first, last = (calendar.day_bounds(day) for day in days)
    evening = datetime.combine(days[1] + timedelta(days=1), datetime.min.time(), UTC)
    return client(at=lambda: evening + timedelta(hours=2)).ask(ticker, first[0], last[1])


def test_a_recorded_session_lands_whole_but_for_the_stamp_of_another_day(
    vendor: Vendor, client: Make, recordings: Path
) -> None:
    [file] = recordings.glob("chart-AAPL-2024-10-02-*-1m.json")
    day = date(2024, 10, 2)
    body = json.loads(json.loads(file.read_text())["response"]["body"])
    result = body["chart"]["result"][0]
    quote = result["indicators"]["quote"][0]

    answer = replayed(vendor, client, file, "AAPL", (day, day))

    stamps = [datetime.fromtimestamp(at, UTC) for at in result["timestamp"]]
    assert (answer.facts.outcome, answer.facts.attempts) == (Outcome.OK, 1)
    assert stamps[-1].date() == date(2024, 10, 3)
    assert answer.rows["ts_text"].to_pylist() == [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in stamps[:-1]]
    for name in ["open", "high", "low", "close"]:
        said = [None if price is None else repr(float(price)) for price in quote[name][:-1]]
        assert answer.rows[f"{name}_text"].to_pylist() == said
    volumes = [None if volume is None else str(volume) for volume in quote["volume"][:-1]]
    assert answer.rows["volume_text"].to_pylist() == volumes
    assert None in volumes


def test_recorded_days_land_by_date_and_their_split_on_its_own_day(
    vendor: Vendor, client: Make, recordings: Path
) -> None:
    """AAPL, 4 for 1 on 2020-08-31: Yahoo gave the days before in new shares."""
    file = recordings / "chart-AAPL-2020-08-31-to-2020-11-07.json"
    response = json.loads(file.read_text())["response"]
    body = response.get("bodyJson") or json.loads(response["body"])
    vendor.always["AAPL"] = Say(response["status"], body)
    result = body["chart"]["result"][0]
    closes = result["indicators"]["quote"][0]["close"]
    first, last = date(2020, 8, 31), date(2020, 11, 6)
    asked = Request(
        ticker="AAPL",
        start=calendar.day_bounds(first)[0],
        end=calendar.day_bounds(last)[1],
    )
    source = client(at=lambda: datetime(2020, 11, 8, tzinfo=UTC)).source

    daily, actions = source.daily(asked), source.actions(asked)

    days = [f"{day.session_date}" for day in calendar.between(first, last)]
    assert daily.facts.outcome is Outcome.OK
    assert daily.rows["ts_text"].to_pylist() == days
    assert daily.rows["close_text"].to_pylist() == [repr(float(close)) for close in closes]
    assert daily.rows["split_text"].to_pylist() == ["4.0", *[None] * (len(days) - 1)]
    assert actions.facts.outcome is Outcome.OK
    told = actions.rows.select(["ts_text", "split_text", "dividend_text"]).to_pylist()
    assert told[0] == {
        "ts_text": "2020-08-31T13:30:00Z",
        "split_text": "4.0",
        "dividend_text": None,
    }
    assert [row["ts_text"] for row in told[1:]] == ["2020-11-06T14:30:00Z"]
    assert len(vendor.charts) == 2


@pytest.mark.parametrize(
    ("pattern", "ticker", "days", "outcome"),
    [
        (
            "chart-AAPL-2025-02-01-*-1m.json",
            "AAPL",
            (date(2025, 2, 1), date(2025, 2, 2)),
            Outcome.EMPTY_EXPECTED,
        ),
        (
            "chart-BEKE-2020-*.json",
            "BEKE",
            (date(2020, 1, 2), date(2020, 1, 2)),
            Outcome.EMPTY_UNEXPECTED,
        ),
        (
            "historical-via-chart-SI-*.json",
            "SI",
            (date(2020, 1, 2), date(2020, 1, 2)),
            Outcome.UNKNOWN_TICKER,
        ),
    ],
    ids=["weekend", "before it was listed", "delisted"],
)
def test_a_recorded_answer_without_bars_is_what_it_is_after_one_question(
    pattern: str,
    ticker: str,
    days: tuple[date, date],
    outcome: Outcome,
    vendor: Vendor,
    client: Make,
    recordings: Path,
) -> None:
    [file] = recordings.glob(pattern)

    answer = replayed(vendor, client, file, ticker, days)

    assert (answer.facts.outcome, answer.facts.rows) == (outcome, 0)
    assert (answer.facts.attempts, len(vendor.charts)) == (1, 1)
