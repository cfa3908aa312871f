"""The first page: late sessions, one by one; or that all came on time."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from barlake.model import ops
from barlake.pages.site import publish
from barlake.settings import Settings
from tests.pages.tables import made_up, weekdays

DAYS = list(weekdays(22, first=date(2026, 11, 2)))


def told(day: date, state: str, run_id: str) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "rule": "freshness",
        "ticker": "",
        "session_date": day,
        "observed": state,
        "expected": f"published by {day}T23:20:00Z",
        "passed": state == "on time",
    }


def first_page(root: Path, conf: Settings, states: dict[date, list[str]]) -> tuple[Any, str]:
    """Give the page's numbers, and its words."""
    rows = [told(d, state, f"run-{n}") for d, of in states.items() for n, state in enumerate(of)]
    publish(made_up(root, {ops.DQ_RESULTS: rows} if rows else {}), conf.pages, as_of=None)
    page = (root / "pages" / "index.html").read_text("utf-8")
    words = re.sub(r"<[^>]+>", " ", re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL))
    return json.loads((root / "pages" / "index.json").read_text("utf-8"))["freshness"], words


def test_a_late_session_is_a_line_and_its_publication_wins(tmp_path: Path, conf: Settings) -> None:
    """Each session has its last word, whatever the names of the runs."""
    states = {day: ["on time"] for day in DAYS} | {
        DAYS[-3]: ["35 minutes late", "missing"],
        DAYS[-2]: ["missing", "on time"],
        DAYS[-1]: ["missing"],
    }

    numbers, words = first_page(tmp_path, conf, states)

    assert numbers["sessions"] == 20
    assert [(day["session_date"], day["state"]) for day in numbers["late"]] == [
        (str(DAYS[-1]), "missing"),
        (str(DAYS[-3]), "35 minutes late"),
    ]
    lines = [f"{DAYS[-1]}\\s+missing", f"{DAYS[-3]}\\s+35 minutes late"]
    due = [rf"{line}\s+published by {line[:10]}T23:20:00Z" for line in lines]
    assert [line for line in due if not re.search(line, words)] == []
    assert "by their deadlines" not in words


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (22, "All of the last 20 sessions were published by their deadlines."),
        (1, "The last session that was due was published by its deadline."),
    ],
)
def test_that_all_came_on_time_is_said(
    tmp_path: Path, conf: Settings, count: int, said: str
) -> None:
    numbers, words = first_page(tmp_path, conf, {day: ["on time"] for day in DAYS[:count]})

    assert numbers["late"] == []
    assert said in words
    assert "Late sessions" not in words


def test_of_a_lake_that_has_not_been_due_nothing_is_said(tmp_path: Path, conf: Settings) -> None:
    numbers, words = first_page(tmp_path, conf, {})

    assert numbers == {"sessions": 0, "late": []}
    assert "Late sessions" not in words
    assert "deadline" not in words
