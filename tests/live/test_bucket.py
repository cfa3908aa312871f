"""A lake in a bucket is followed as one in a folder is, and a store that was away comes back."""

from barlake.model import streamed
from tests.live.serving import feed_of
from tests.live.streams import alert, append, bar, create, merge
from tests.object_stores import Place


def test_a_bucket_is_followed(place: Place) -> None:
    create(place.store)
    append(place.store, streamed.VWAP_STREAM, [bar("AAPL", 0), bar("AAPL", 1)])
    feed = feed_of(place.store)
    feed.step()
    cursor = feed.book.cursor

    append(place.store, streamed.VWAP_STREAM, [bar("AAPL", 2)])
    merge(place.store, [bar("AAPL", 1, close=99.0, bar_revision=1)])
    append(place.store, streamed.ALERTS, [alert("AAPL", 2)])
    feed.step()

    _, told = feed.book.since("AAPL", cursor)
    assert [found.close for found in told["bars"]] == [99.0, 100.0]
    assert [found.alert_id for found in told["alerts"]] == ["AAPL-2026-11-24-2"]
    assert told["hours"]["closes"] - told["hours"]["opens"] == 390 * 60
