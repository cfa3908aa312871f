"""docs/tables.md says what the model says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from barlake.model import dictionary
from barlake.model.jobs import JOBS
from barlake.model.landed import SERVED
from barlake.model.rules import RULES
from barlake.model.table import Table
from barlake.model.tables import TABLES

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "tables.md"


def sections() -> dict[str, str]:
    """Give the page's text by heading."""
    parts = re.split(r"^##+ (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_page_is_what_the_model_says() -> None:
    assert PAGE.read_text("utf-8") == dictionary.page(), "run `make docs`"


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_every_table_stands_on_the_page_with_all_that_is_fixed_about_it(table: Table) -> None:
    text = sections()[str(table)]

    assert table.doc in text
    assert [c.name for c in table.columns if f"\n| `{c.name}` | " not in text] == []
    assert [c.name for c in table.columns if c.doc not in text] == []
    assert [name for name, sql in table.checks if f"{name}: `{sql}`" not in text] == []
    assert "- Key: " + ", ".join(f"`{name}`" for name in table.key) + "\n" in text


def test_every_column_of_landing_stands_on_the_page() -> None:
    text = sections()["landing"]

    assert [c.name for c in SERVED if f"| `{c.name}` |" not in text] == []


def test_every_rule_stands_on_the_page_in_the_order_of_the_gate() -> None:
    rows = re.findall(
        r"^\| (\d+) \| `(\w+)` \| (\w+) \| rows? \| (.+) \|$", sections()["Rules"], re.M
    )

    assert rows == [(str(n), r.name, r.severity, r.reason) for n, r in enumerate(RULES, start=1)]


def test_every_job_stands_on_the_page_with_all_that_it_writes() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", sections()["Jobs"], re.MULTILINE))

    assert list(rows) == [job.name for job in JOBS]
    assert [str(t) for job in JOBS for t in job.writes if f"`{t}`" not in rows[job.name]] == []


def test_no_cell_breaks_its_row() -> None:
    grids = re.findall(r"(?:^\|.*\n)+", PAGE.read_text("utf-8"), re.MULTILINE)

    widths = [{len(re.findall(r"(?<!\\)\|", row)) for row in g.splitlines()} for g in grids]
    assert [w for w in widths if len(w) != 1] == []


def test_a_page_is_written_and_one_that_differs_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs" / "tables.md"

    assert dictionary.main(["--check", str(page)]) == 1
    assert dictionary.main([str(page)]) == 0
    assert (
        capsys.readouterr().err == f"{page} is not what lib/barlake/model/ says; run `make docs`\n"
    )
    assert dictionary.main(["--check", str(page)]) == 0

    page.write_text(page.read_text("utf-8").replace("TIMESTAMP", "TEXT", 1), "utf-8")

    assert dictionary.main(["--check", str(page)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_it_needs_the_standard_library_alone() -> None:
    """The page can be written and checked where nothing but Python is installed."""
    command = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"""
import sys
sys.path.insert(0, {str(PROJECT / "lib")!r})
from barlake.model.dictionary import main
sys.exit(main(["--check", {str(PAGE)!r}]))
""",
    ]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
