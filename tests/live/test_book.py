"""A page that takes what it lacks, whenever it likes, has what a new one gets."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from barlake.live.book import Book, Hours
from barlake.live.pulse import pulse
from tests.live.streams import DAY, NEXT_DAY, alert, bar


def hours(day: Any) -> Hours:
    return Hours(day, None, None, -18_000)


class Page:
    """What live.js keeps of what it is told."""

    def __init__(self, ticker: str) -> None:
        self.ticker = ticker
        self.cursor = ""
        self.forget()

    def forget(self) -> None:
        self.bars: dict[int, Any] = {}
        self.tickers: dict[str, Any] = {}
        self.alerts: dict[str, Any] = {}

    def ask(self, book: Book) -> "Page":
        self.cursor, told = book.since(self.ticker, self.cursor)
        if told["reset"]:
            self.forget()
        self.bars |= {found.minute: found for found in told["bars"]}
        self.tickers |= told["tickers"]
        self.alerts |= {found.alert_id: found for found in told["alerts"]}
        self.hours, self.clock = told["hours"], told["clock"]
        return self

    def kept(self) -> tuple[Any, ...]:
        return self.bars, self.tickers, self.alerts, self.hours, self.clock


@given(seed=st.integers(0, 1 << 32))
@pytest.mark.parametrize("asks", [0.05, 0.5, 0.95])
def test_a_page_that_asks_now_and_then_has_all(asks: float, seed: int) -> None:
    draw = Random(seed)  # noqa: S311
    book, page, day = Book(), Page("AAPL"), DAY
    book.begin(hours(day))

    for _ in range(60):
        if draw.random() < 0.05:
            day = NEXT_DAY
            book.begin(hours(day))
        rows = [
            bar(draw.choice(("AAPL", "MSFT")), draw.randrange(8), day=day, close=draw.random())
            for _ in range(draw.randrange(4))
        ]
        told = [alert("AAPL", draw.randrange(8), day=day)] if draw.random() < 0.2 else []
        book.put(rows, told, is_live=True)
        if draw.random() < asks:
            page.ask(book)
    book.put([bar("AAPL", 8, day=day)], [], is_live=True)

    assert page.ask(book).kept() == Page("AAPL").ask(book).kept()
    assert len(page.bars) > 0


@pytest.mark.parametrize(
    "cursor", ["", "-", "1", "other-2", "{run}-", "{run}-99", "{run}-x", "{run}-²"]
)
def test_who_comes_with_a_number_that_is_none_of_ours_gets_all(cursor: str) -> None:
    book = Book()
    book.begin(hours(DAY))
    book.put([bar("AAPL", 0)], [], is_live=True)
    run = book.cursor.partition("-")[0]

    _, told = book.since("AAPL", cursor.format(run=run))

    assert told["reset"]
    assert len(told["bars"]) == 1


def test_what_is_known_is_no_change() -> None:
    book = Book()
    book.begin(hours(DAY))
    book.put([bar("AAPL", 0)], [alert("AAPL", 0)], is_live=True)
    cursor = book.cursor

    book.put([bar("AAPL", 0)], [alert("AAPL", 0)], is_live=True)

    assert book.cursor == cursor
    assert not book.wait(cursor, 0)
    assert book.wait("", 0)


EACH_SECOND = [100.0, 101.0, 102.0, 103.0]


@pytest.mark.parametrize(
    ("emitted", "now", "end", "state"),
    [
        ([], 100.0, "", "waiting"),
        (EACH_SECOND, 105.0, "", "live"),
        (EACH_SECOND, 105.6, "", "stale"),
        (EACH_SECOND, 105.6, "over", "closed"),
        (EACH_SECOND, 102.0, "", "live"),  # a clock that is behind the stream's
        ([100.0, 160.0, 220.0], 369.0, "", "live"),  # each minute
        ([100.0, 160.0, 220.0], 371.0, "", "stale"),
        ([100.0], 101.9, "", "live"),
    ],
)
def test_a_stream_is_stale_once_two_triggers_brought_nothing(
    emitted: list[float], now: float, end: str, state: str
) -> None:
    assert pulse(emitted, now, least=2, is_over=bool(end)).state == state
