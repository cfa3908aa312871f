"""Which tickers are asked for: a list, or a file of them."""

import re
from pathlib import Path

import pytest

from barlake import universe
from barlake.model.errors import InputError
from barlake.settings import CONF


def test_a_list_is_read_in_order_each_ticker_once() -> None:
    assert universe.parse("MSFT, AAPL,,BRK-B ,MSFT,") == ["MSFT", "AAPL", "BRK-B"]


def test_a_file_is_read_a_line_each_without_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "some.txt"
    path.write_text("# ours\nMSFT  # Redmond\n\n  AAPL\r\nMSFT\n7203.T", "utf-8")

    assert universe.parse(f"@{path}") == ["MSFT", "AAPL", "7203.T"]


def test_the_universe_that_comes_with_the_project_is_one() -> None:
    listed = universe.parse(f"@{CONF / 'tickers.txt'}")

    assert 190 <= len(listed) <= 210
    assert (listed[0], listed[19]) == ("AAPL", "KO")  # the demo's
    assert not [name for name in listed if not re.fullmatch(r"[A-Z]{1,5}(-[A-Z])?", name)]


def test_the_universe_names_each_ticker_once() -> None:
    lines = (CONF / "tickers.txt").read_text("utf-8").split("\n")
    named = [line for line in lines if line and not line.startswith("#")]

    assert sorted(named) == sorted(set(named))


@pytest.mark.parametrize(
    "bad",
    [
        "aapl",
        "AAPL;DROP TABLE bars",
        "../AAPL",
        "AAPL/MSFT",
        "AAPL MSFT",
        "^GSPC",
        "A" * 16,
        "ÄPFEL",
        "A\u0410PL",
        "AAPL\x00",
    ],
)
def test_one_that_is_malformed_is_named_and_refuses_all(bad: str) -> None:
    with pytest.raises(InputError) as refused:
        universe.parse(f"MSFT,{bad},AMZN")

    assert str(refused.value).startswith(f"{bad[:40]!r} is no ticker: ")
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_nothing_named_is_refused_and_does_not_mean_all(text: str) -> None:
    with pytest.raises(InputError, match="no ticker in"):
        universe.parse(text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*none\.txt"):
        universe.parse(f"@{tmp_path / 'none.txt'}")
    with pytest.raises(InputError, match="no file"):
        universe.parse(f"@{tmp_path}")


def test_a_file_without_a_ticker_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.write_text("# nothing yet\n", "utf-8")

    with pytest.raises(InputError, match="no ticker"):
        universe.parse(f"@{path}")


@pytest.mark.parametrize("content", [b"\xd0\x00\xff", b"PAR1\x15\x04\x15\xff"])
def test_a_file_that_is_no_text_is_bad_input(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bars.parquet"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"bars\.parquet"):
        universe.parse(f"@{path}")
