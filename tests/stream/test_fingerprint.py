"""A checkpoint is gone on with by the query that made it, and by no other."""

from pathlib import Path
from threading import Thread

import pytest

from barlake.model.errors import InputError
from barlake.streaming.fingerprint import NAME, digest, require_same
from barlake.streaming.gate import Gate, StoppedError

QUERY = {"topic": "bars", "columns": digest(["a", "b"])}


def test_the_same_query_goes_on_and_another_is_told_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "stream"
    require_same(folder, QUERY)
    require_same(folder, QUERY)
    with pytest.raises(InputError, match=rf"topic: bars -> other.*remove {folder}"):
        require_same(folder, QUERY | {"topic": "other"})
    require_same(folder, QUERY)


def test_a_query_with_one_thing_more_is_another(tmp_path: Path) -> None:
    require_same(tmp_path, QUERY)
    with pytest.raises(InputError, match="rules: None -> strict"):
        require_same(tmp_path, QUERY | {"rules": "strict"})


def test_a_damaged_mark_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("{")
    with pytest.raises(InputError, match="is damaged: remove"):
        require_same(tmp_path, QUERY)
    assert (tmp_path / NAME).read_text() == "{"


def test_a_gate_waits_for_the_batch_under_way_and_lets_no_other_through() -> None:
    gate = Gate()
    with gate.passed():
        closing = Thread(target=gate.close)
        closing.start()
        closing.join(0.1)
        assert closing.is_alive()
        assert not gate.is_closed
    closing.join(5)
    with pytest.raises(StoppedError), gate.passed():
        pytest.fail("a batch went through")
