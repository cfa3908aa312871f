"""Answers -> files that never change; and back."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from barlake import landing
from barlake.io.folder import Folder
from barlake.landing import Batch
from barlake.model.errors import InputError
from barlake.model.landed import Facts, Outcome
from barlake.pipelines.fetch import fetch
from barlake.progress import Progress
from barlake.sources.source import SERVED_SCHEMA, Answer, Request

CAME = datetime(2026, 11, 20, 22, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder.at(str(tmp_path / "lake"))


def answer(request_id: str = "r1", /, rows: int = 2, **changed: Any) -> Answer:
    """What a vendor gave for AAPL, `rows` of it, each as odd as a vendor can be."""
    facts = Facts(
        request_id=request_id,
        ticker="AAPL",
        range_start=datetime(2026, 11, 20, 9, 0, tzinfo=UTC),
        range_end=datetime(2026, 11, 21, 1, 0, tzinfo=UTC),
        requested_at=CAME - timedelta(seconds=1),
        received_at=CAME,
        attempts=2,
        rows=rows,
        outcome=Outcome.PARTIAL,
        detail='the vendor\'s "words", \u2028 and all',
    )
    facts = replace(facts, **changed)
    served = [
        {
            "request_id": request_id,
            "row": at,
            "ticker": "AAPL\x00\u2028",
            "ts_text": "2026-11-20T14:30:00Z",
            "open_text": "NaN",
            "fetched_at": facts.received_at,
            "raw": None if at else "",
        }
        for at in range(rows)
    ]
    return Answer(facts=facts, rows=pa.Table.from_pylist(served, schema=SERVED_SCHEMA))


def rows_of(store: Folder, batch: Batch) -> pa.Table:
    return pq.read_table(store.path(batch.name))


def stamps(store: Folder) -> dict[str, tuple[int, int]]:
    found = {name: (store.root / name).stat() for name in store.names("")}
    return {name: (stat.st_mtime_ns, stat.st_ino) for name, stat in found.items()}


# --- there and back


def test_what_was_served_comes_back_as_it_was(store: Folder) -> None:
    given = [answer("r1"), answer("r2", rows=0, outcome=Outcome.EMPTY_EXPECTED), answer("r3")]

    batch = landing.land(store, "simulated", given)

    assert batch.source == "simulated"
    assert batch.facts == tuple(one.facts for one in given)
    landed = rows_of(store, batch)
    assert landed.schema.remove_metadata() == SERVED_SCHEMA
    assert landed.to_pylist() == [row for one in given for row in one.rows.to_pylist()]


def test_facts_keep_their_instants_whatever_zone_they_came_in(store: Folder) -> None:
    tokyo, kathmandu = timezone(timedelta(hours=9)), timezone(timedelta(hours=5, minutes=45))
    given = answer(
        "r1",
        range_start=datetime(2026, 11, 20, 18, 0, tzinfo=tokyo),
        range_end=datetime(2026, 11, 21, 6, 45, 0, 1, tzinfo=kathmandu),
    )

    [facts] = landing.land(store, "simulated", [given]).facts

    assert facts == given.facts
    assert facts.range_start == datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert facts.range_end == datetime(2026, 11, 21, 1, 0, 0, 1, tzinfo=UTC)
    assert facts.received_at.microsecond == 123456


def test_a_file_has_no_ticker_and_no_range_and_every_outcome_comes_back(store: Folder) -> None:
    unnamed = {"ticker": None, "range_start": None, "range_end": None}
    given = [answer(outcome.value, rows=0, outcome=outcome, **unnamed) for outcome in Outcome]

    facts = landing.land(store, "files", given).facts

    assert [fact.outcome for fact in facts] == list(Outcome)
    assert {(fact.ticker, fact.range_start, fact.range_end) for fact in facts} == {(None,) * 3}


def test_the_facts_alone_can_be_read_again(store: Folder) -> None:
    batch = landing.land(store, "simulated", [answer("r1"), answer("r2")])

    assert landing.batches(store) == [batch]
    assert landing.read_batch(store, batch.name) == batch


def test_a_file_keeps_which_tickers_were_asked_of_it_and_is_another_delivery_for_others(
    store: Folder,
) -> None:
    every, some = answer("r1"), answer("r1", asked=("AAPL", "MSFT"))

    batches = [landing.land(store, "files", [given]) for given in (every, some, some)]

    assert [batch.facts for batch in batches] == [(every.facts,), (some.facts,), (some.facts,)]
    assert len({batch.name for batch in batches}) == 2


# --- once


def test_the_same_answers_again_change_nothing(store: Folder) -> None:
    first = landing.land(store, "simulated", [answer("r1"), answer("r2")])
    before = stamps(store)

    again = landing.land(store, "simulated", [answer("r2"), answer("r1")])

    assert again == first
    assert stamps(store) == before
    assert list(before) == [first.name]


def test_a_later_answer_to_the_same_request_does_not_replace_the_first(store: Folder) -> None:
    """A file that is delivered twice is known since it came first."""
    first = landing.land(store, "files", [answer("r1")])

    later = answer("r1", rows=1, received_at=CAME + timedelta(days=1), detail="under another name")
    again = landing.land(store, "files", [later])

    assert again.facts == first.facts
    assert rows_of(store, again).num_rows == 2


def test_a_file_is_named_by_its_requests_below_its_source(store: Folder) -> None:
    one = landing.land(store, "simulated", [answer("r1")])
    two = landing.land(store, "simulated", [answer("r2")])
    both = landing.land(store, "simulated", [answer("r1"), answer("r2")])

    names = [one.name, two.name, both.name]
    assert len(set(names)) == 3
    assert {name.rpartition("/")[0] for name in names} == {"landing/simulated"}


def test_a_crash_while_landing_leaves_nothing_that_counts(
    store: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        landing.land(store, "simulated", [answer("r1")])
    monkeypatch.undo()

    assert landing.batches(store) == []
    assert landing.land(store, "simulated", [answer("r1")]).facts


# --- simulated or real


@pytest.mark.parametrize(
    ("held", "refused"),
    [
        ("simulated", "files"),
        ("simulated", "yahoo"),
        ("files", "simulated"),
        ("yahoo", "simulated"),
    ],
)
def test_simulated_and_real_bars_never_mix(store: Folder, held: str, refused: str) -> None:
    landing.land(store, held, [answer("r1")])
    before = stamps(store)

    with pytest.raises(InputError, match=f"holds bars of {held}; bars of {refused} go into"):
        landing.land(store, refused, [answer("r2")])

    assert stamps(store) == before


def test_real_bars_of_several_vendors_share_a_lake(store: Folder) -> None:
    landing.land(store, "files", [answer("r1")])
    landing.land(store, "yahoo", [answer("r2")])
    landing.land(store, "files", [answer("r3")])

    assert sorted(batch.source for batch in landing.batches(store)) == ["files", "files", "yahoo"]


# --- order


def test_batches_come_in_the_order_in_which_their_answers_came(store: Folder) -> None:
    for request_id, hours in (("a", 3), ("b", 1), ("c", 2)):
        came = CAME + timedelta(hours=hours)
        landing.land(store, "simulated", [answer(request_id, received_at=came)])

    assert [b.facts[0].request_id for b in landing.batches(store)] == ["b", "c", "a"]


def test_a_batch_came_when_its_last_answer_did(store: Folder) -> None:
    late, early = CAME + timedelta(hours=2), CAME
    both = [answer("a", received_at=late), answer("b", received_at=early)]

    assert landing.received_at(landing.land(store, "simulated", both)) == late


def test_batches_that_came_at_once_have_one_order(store: Folder) -> None:
    for request_id in "abcdef":
        landing.land(store, "simulated", [answer(request_id)])

    names = [batch.name for batch in landing.batches(store)]

    assert names == sorted(names)
    assert len(names) == 6


# --- copies, and fetching


def test_a_copy_is_the_same_to_the_byte_and_keeps_what_is_there(
    store: Folder, tmp_path: Path
) -> None:
    target = Folder.at(str(tmp_path / "other"))
    wanted = [landing.land(store, "simulated", [answer(name)]) for name in "ab"]

    landing.copy(store, target, wanted)
    before = stamps(target)
    landing.copy(store, target, wanted)

    assert stamps(target) == before
    assert {n: target.get(n) for n in target.names("")} == {
        n: store.get(n) for n in store.names("")
    }


class Vendor:
    """Answers whatever is asked, but breaks at the request that is named so."""

    def __init__(self, name: str) -> None:
        self.name = name

    def requests(self, wanted: Sequence[Request]) -> Sequence[Request]:
        return wanted

    def fetch(self, request: Request) -> Answer:
        if request.ticker == "BROKEN":
            raise InputError("the file is broken")
        return answer(str(request.ticker), ticker=request.ticker)


def fetched(store: Folder, source: str, tickers: Sequence[str]) -> list[list[str | None]]:
    wanted = [Request(ticker=ticker) for ticker in tickers]
    batches = fetch(store, Vendor(source), wanted, per_batch=2, progress=Progress())
    return [[fact.ticker for fact in batch.facts] for batch in batches]


def test_a_vendors_answers_land_in_batches_and_each_file_in_its_own(
    store: Folder, tmp_path: Path
) -> None:
    assert fetched(store, "simulated", ["A", "B", "C"]) == [["A", "B"], ["C"]]
    other = Folder.at(str(tmp_path / "other"))
    assert fetched(other, "files", ["A", "B", "C"]) == [["A"], ["B"], ["C"]]


def test_one_broken_file_leaves_nothing_behind(store: Folder) -> None:
    with pytest.raises(InputError, match="broken"):
        fetched(store, "files", ["A", "B", "BROKEN"])

    assert not store.root.exists()
