"""The table of bad rows is one: it can stand in one file, and leaves no rule out."""

import re
from collections import Counter
from datetime import datetime
from pathlib import Path

from barlake.model.rules import CONFLICTING_DUPLICATE, ROW_RULES
from barlake.sources.files import FilesSource
from tests.bad_rows import ASKED, CASES, COLUMNS, KNOWN_AT, NOT_ASKED, Case, as_csv

ALL = CASES


def key(case: Case) -> tuple[str, str | datetime] | bytes | None:
    """Give what tells a row from others: its ticker and instant, or its text where it has none."""
    if case.row is None:
        return case.raw_line
    text = case.row["ts"].strip(" \t")
    is_instant = re.fullmatch(
        r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d([+-]\d\d:\d\d|Z)", text
    )
    return case.row["ticker"].strip(" \t"), _instant(text) if is_instant else text


def _instant(text: str) -> datetime | str:
    try:
        return datetime.fromisoformat(text).astimezone(KNOWN_AT.tzinfo)
    except (ValueError, OverflowError):
        return text


def test_there_are_at_least_200_cases_each_with_its_own_name() -> None:
    assert len(CASES) >= 200
    assert [name for name, count in Counter(case.name for case in ALL).items() if count > 1] == []


def test_a_case_has_a_ticker_and_a_minute_of_its_own_or_says_whose() -> None:
    by_name = {case.name: case for case in ALL}
    firsts = [case for case in ALL if case.repeats is None]
    repeats = [(case, by_name[case.repeats]) for case in ALL if case.repeats]

    assert [k for k, count in Counter(map(key, firsts)).items() if count > 1] == []
    assert [case.name for case, first in repeats if key(case) != key(first)] == []
    assert {case.fate for case, _ in repeats} == {"duplicate", "quarantine", "silver"}
    assert {case.name for case in ALL if case.fate == "duplicate"} <= {c.name for c, _ in repeats}


def test_a_refused_row_names_a_rule_and_only_a_refused_one() -> None:
    known = {rule.name for rule in (*ROW_RULES, CONFLICTING_DUPLICATE)}

    assert {case.rule for case in ALL if case.fate == "quarantine"} <= known
    assert {case.rule for case in ALL if case.fate != "quarantine"} == {None}


def test_no_rule_is_without_a_case() -> None:
    tried = {case.rule for case in CASES}

    assert [r.name for r in (*ROW_RULES, CONFLICTING_DUPLICATE) if r.name not in tried] == []


def test_a_case_is_a_row_of_all_columns_or_a_line() -> None:
    assert [c.name for c in ALL if (c.row is None) == (c.raw_line is None)] == []
    assert [c.name for c in ALL if c.row and tuple(sorted(c.row)) != tuple(sorted(COLUMNS))] == []
    assert [c.name for c in ALL if c.row is None and c.rule != "row_structure"] == []


def test_what_is_asked_for_is_every_ticker_but_one() -> None:
    silver = {case.row["ticker"].strip(" \t") for case in ALL if case.row and case.fate == "silver"}

    assert silver <= ASKED
    assert NOT_ASKED not in ASKED


def test_the_files_source_splits_the_table_into_its_rows(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(as_csv(ALL))

    [answer] = FilesSource(path=tmp_path / "bad.csv", clock=lambda: KNOWN_AT).answers()
    served = answer.rows.to_pylist()

    assert len(served) == len(ALL)
    for case, row in zip(ALL, served, strict=True):
        texts = case.row or dict.fromkeys(COLUMNS, "")
        for column in COLUMNS:
            name = column if column == "ticker" else f"{column}_text"
            assert row[name] == (texts[column].strip(" \t") or None), (case.name, column)
        assert (row["raw"] is None) == (case.row is not None), case.name
