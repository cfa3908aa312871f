"""The feed follows what the stream commits, whatever else happens to its tables."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable

from barlake.io.folder import Folder
from barlake.live.feed import ALERT, BAR, Feed, hours
from barlake.live.tail import Tail
from barlake.model import streamed
from tests.live.serving import feed_of
from tests.live.streams import DAY, NEXT_DAY, alert, append, bar, merge, opened, walk

STREAM = streamed.VWAP_STREAM.path


def shown(feed: Feed, ticker: str = "AAPL", cursor: str = "") -> dict[int, float | None]:
    """Give what a page would draw of the ticker: the minute since the open, and its close."""
    _, told = feed.book.since(ticker, cursor)
    first = int(opened(feed.book.hours.session_date if feed.book.hours else DAY).timestamp())
    return {(found.minute - first) // 60: found.close for found in told["bars"]}


def test_what_is_read_is_declared() -> None:
    assert {*BAR} <= {*streamed.VWAP_STREAM.names}
    assert {*ALERT} <= {*streamed.ALERTS.names}
    assert streamed.VWAP_STREAM.partition_by == streamed.ALERTS.partition_by == ("session_date",)


def test_the_first_step_takes_the_newest_session(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0), bar("AAPL", 1)])
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 5, day=NEXT_DAY), bar("MSFT", 6, day=NEXT_DAY)])
    append(root, streamed.ALERTS, [alert("AAPL", 1), alert("MSFT", 6, day=NEXT_DAY)])
    feed = feed_of(root)

    feed.step()

    _, told = feed.book.since("AAPL", "")
    assert told["hours"] == {
        "date": "2026-11-25",
        "opens": int(opened(NEXT_DAY).timestamp()),
        "closes": int(opened(NEXT_DAY).timestamp()) + 390 * 60,
        "offset": -5 * 3600,
    }
    assert shown(feed) == {5: 100.0}
    assert sorted(told["tickers"]) == ["AAPL", "MSFT"]
    assert [found.ticker for found in told["alerts"]] == ["MSFT"]


def test_a_step_brings_what_was_committed_since_and_no_more(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0), bar("MSFT", 0)])
    feed = feed_of(root)
    feed.step()
    cursor = feed.book.cursor

    append(root, streamed.VWAP_STREAM, [bar("AAPL", 1)])
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 2)])
    append(root, streamed.ALERTS, [alert("AAPL", 2)])
    feed.step()

    _, told = feed.book.since("AAPL", cursor)
    assert not told["reset"]
    assert shown(feed, cursor=cursor) == {1: 100.0, 2: 100.0}
    assert [*told["tickers"]] == ["AAPL"]
    assert [found.alert_id for found in told["alerts"]] == ["AAPL-2026-11-24-2"]
    assert told["clock"] == int(opened().timestamp()) + 120


def test_a_step_without_news_changes_nothing(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    feed = feed_of(root)
    feed.step()
    cursor = feed.book.cursor

    for _ in range(120):
        feed.step()

    assert feed.book.cursor == cursor


def test_of_a_file_written_anew_only_what_differs_is_news(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", minute) for minute in range(5)])
    feed = feed_of(root)
    feed.step()
    cursor = feed.book.cursor

    merge(root, [bar("AAPL", 2, close=99.0, bar_revision=1), bar("AAPL", 3, vwap=99.5)])
    feed.step()

    assert shown(feed, cursor=cursor) == {2: 99.0, 3: 100.0}
    assert feed.book.since("AAPL", cursor)[1]["tickers"] == {}
    assert shown(feed) == {0: 100.0, 1: 100.0, 2: 99.0, 3: 100.0, 4: 100.0}


def test_an_event_is_a_new_bar_or_revision_and_no_cell_that_follows_from_one(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", minute) for minute in range(3)])
    feed = feed_of(root)
    feed.step()
    start = feed.book.cursor
    late = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)

    merge(root, [bar("AAPL", 1, bar_revision=1, produced_at=late), bar("AAPL", 2, vwap=99.5)])
    feed.step()

    assert feed.book.since("AAPL", start)[1]["events"] == [int(late.timestamp() * 1000)]
    assert feed.book.since("AAPL", "")[1]["events"] == []


def test_of_many_events_a_sample_is_told_from_the_oldest_to_the_newest(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    feed = feed_of(root)
    feed.step()
    start = feed.book.cursor

    produced = [opened() + timedelta(milliseconds=at) for at in range(390)]
    append(
        root,
        streamed.VWAP_STREAM,
        [bar("MSFT", at, produced_at=moment) for at, moment in enumerate(produced)],
    )
    feed.step()

    events = feed.book.since("AAPL", start)[1]["events"]
    ends = [int(moment.timestamp() * 1000) for moment in (produced[0], produced[-1])]
    assert (len(events), [events[0], events[-1]]) == (256, ends)
    assert events == sorted(set(events))


def test_a_compaction_is_no_news(root: Path) -> None:
    for minute in range(4):
        append(root, streamed.VWAP_STREAM, [bar("AAPL", minute)])
    feed = feed_of(root)
    feed.step()
    cursor = feed.book.cursor

    done = DeltaTable(root / STREAM).optimize.compact()
    feed.step()
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 4)])
    feed.step()

    assert done["numFilesRemoved"] == 4
    assert shown(feed, cursor=cursor) == {4: 100.0}


def test_a_compaction_brings_no_file_to_read(root: Path) -> None:
    for minute in range(4):
        append(root, streamed.VWAP_STREAM, [bar("AAPL", minute)])
    tail = Tail(Folder.at(str(root)), streamed.VWAP_STREAM, BAR)
    whole = tail.whole()

    DeltaTable(root / STREAM).optimize.compact()

    assert len(whole) == 4
    assert tail.news() == []


def test_a_file_that_a_vacuum_took_first_costs_no_row(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    feed = feed_of(root)
    feed.step()

    append(root, streamed.VWAP_STREAM, [bar("AAPL", 1)])
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 2)])
    DeltaTable(root / STREAM).optimize.compact()
    DeltaTable(root / STREAM).vacuum(0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(FileNotFoundError):
        feed.step()
    feed.step()

    assert shown(feed) == {0: 100.0, 1: 100.0, 2: 100.0}


def test_a_log_that_was_cleaned_costs_no_row(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    feed = feed_of(root)
    feed.step()
    table = DeltaTable(root / STREAM)

    append(root, streamed.VWAP_STREAM, [bar("AAPL", 1)])
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 2)])
    DeltaTable(root / STREAM).create_checkpoint()
    (root / STREAM / "_delta_log" / f"{table.version() + 1:020d}.json").unlink()
    for _ in range(60):
        feed.step()

    assert shown(feed) == {0: 100.0, 1: 100.0, 2: 100.0}


def test_rows_that_are_taken_away_are_forgotten(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0), bar("AAPL", 1)])
    feed = feed_of(root)
    feed.step()
    cursor = feed.book.cursor

    DeltaTable(root / STREAM).delete("cum_volume = 200")
    feed.step()

    assert feed.book.since("AAPL", cursor)[1]["reset"]
    assert shown(feed) == {0: 100.0}


def test_a_newer_session_takes_the_page_and_an_older_one_does_not(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    feed = feed_of(root)
    feed.step()
    cursor = feed.book.cursor

    # The stream writes alerts first.
    append(root, streamed.ALERTS, [alert("AAPL", 0, day=NEXT_DAY)])
    feed.step()
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0, day=NEXT_DAY, close=101.0)])
    feed.step()
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 9)])
    feed.step()

    _, told = feed.book.since("AAPL", cursor)
    assert (told["reset"], told["hours"]["date"]) == (True, "2026-11-25")
    assert shown(feed, cursor=cursor) == {0: 101.0}
    assert [found.alert_id for found in told["alerts"]] == ["AAPL-2026-11-25-0"]


def test_a_session_that_was_asked_for_stays(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0), bar("AAPL", 0, day=NEXT_DAY)])
    feed = feed_of(root, DAY)
    feed.step()

    append(root, streamed.VWAP_STREAM, [bar("AAPL", 1, day=NEXT_DAY)])
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 1)])
    feed.step()

    assert feed.book.hours == hours(feed._store, DAY)
    assert shown(feed) == {0: 100.0, 1: 100.0}


def test_a_lake_without_the_tables_is_waited_for(tmp_path: Path) -> None:
    feed = feed_of(tmp_path)
    feed.step()
    before = feed.pulse().state

    append(tmp_path, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    append(tmp_path, streamed.ALERTS, [])
    for _ in range(60):
        feed.step()

    assert before == "waiting"
    assert shown(feed) == {0: 100.0}
    assert feed.book.hours is not None
    assert feed.book.hours.closes is None


def test_a_number_that_is_none_is_told_as_none(root: Path) -> None:
    odd = bar("AAPL", 0, vwap=float("nan"), bar_high=float("inf"), close=float("nan"))
    append(root, streamed.VWAP_STREAM, [odd])
    feed = feed_of(root)
    feed.step()
    cursor = feed.book.cursor

    merge(root, [odd | {"batch_id": 7}])
    feed.step()

    [found] = feed.book.since("AAPL", "")[1]["bars"]
    assert (found.vwap, found.high, found.close, found.low) == (None, None, None, 100.0)
    assert feed.book.cursor == cursor


def test_a_step_that_broke_is_made_up_for(root: Path) -> None:
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 0)])
    feed = feed_of(root)
    feed.step()
    log = root / STREAM / "_delta_log"
    append(root, streamed.VWAP_STREAM, [bar("AAPL", 1)])
    newest = max(log.glob("*.json"))
    whole = newest.read_bytes()

    newest.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"line 1 column"):
        feed.step()
    newest.write_bytes(whole)
    feed.step()

    assert shown(feed) == {0: 100.0, 1: 100.0}


def test_200_tickers_are_read_whole_and_one_is_told(root: Path) -> None:
    names = [f"T{n:03}" for n in range(200)]
    append(root, streamed.VWAP_STREAM, [row for name in names for row in walk(name, 10)])
    feed = feed_of(root)

    feed.step()

    _, told = feed.book.since("T007", "")
    assert len(told["bars"]) == 10
    assert [*told["tickers"]] == names
    assert {found.minute for found in told["tickers"].values()} == {told["clock"]}
