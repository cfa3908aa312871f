"""docs/decisions: each has its number once and stands in the index; links between pages lead on."""

import re
from pathlib import Path

import pytest

from barlake.settings import PROJECT

DOCS = PROJECT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
PAGES = sorted([PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_every_decision_has_a_number_of_its_own_and_stands_in_the_index() -> None:
    index = (DOCS / "decisions" / "README.md").read_text("utf-8")
    numbers = [path.name[:4] for path in DECISIONS]

    assert numbers == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    for path in DECISIONS:
        lines = path.read_text("utf-8").splitlines()
        assert lines[0].startswith(f"# {path.name[:4]}: ")
        assert lines[2].startswith("Accepted.")
        assert f"- [{path.name[:4]}]({path.name}): " in index


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = [link for link in _LINK.findall(page.read_text("utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []
