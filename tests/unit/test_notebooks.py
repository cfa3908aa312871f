"""How the notebooks are stored: no outputs, nothing of the one who ran them, no surprises."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from barlake.settings import PROJECT

NOTEBOOKS = PROJECT / "notebooks"
STORED = sorted(NOTEBOOKS.glob("*.ipynb"))
ALLOWED = {"os", "time", "barlake", "pandas", "IPython.display"}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def code(path: Path) -> list[str]:
    cells = read(path)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_the_five_are_there_and_listed_with_their_questions() -> None:
    listed = re.findall(r"\]\(([\w-]+\.ipynb)\)", (NOTEBOOKS / "README.md").read_text("utf-8"))

    assert [path.name for path in STORED] == listed
    assert [path.name[:2] for path in STORED] == ["01", "02", "03", "04", "05"]


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_no_output_and_no_trace_of_a_run_is_stored(path: Path) -> None:
    notebook = read(path)

    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        assert "attachments" not in cell
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_cells_are_named_so_that_a_change_shows_as_one(path: Path) -> None:
    notebook = read(path)

    names = [cell["id"] for cell in notebook["cells"]]

    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in names)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_question_stands_at_the_top_and_what_one_learns_at_the_end(path: Path) -> None:
    first, *_, last = read(path)["cells"]

    assert re.match(r"# .+\n\n\*\*Question\.\*\* .+\?", "".join(first["source"]))
    assert "".join(last["source"]).startswith("## What you know now\n")


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_plain_python_that_needs_barlake_and_pandas_alone(path: Path) -> None:
    trees = [ast.parse(cell) for cell in code(path)]  # a magic would not parse

    nodes = [node for tree in trees for node in ast.walk(tree)]
    named = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
    named |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert named <= ALLOWED
    assert "barlake" in named


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_the_lake_has_its_address_from_one_place(path: Path) -> None:
    opened = [cell for cell in code(path) if "barlake.open(" in cell]

    assert [cell.count("BARLAKE_LAKE__ROOT") for cell in opened] == [1]
    assert "".join(code(path)).count("lake/demo") == 1
