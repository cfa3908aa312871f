"""A job is one command as a script, under one name everywhere."""

import ast
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from barlake.cli import app
from barlake.model.jobs import JOBS

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((PROJECT / "jobs").glob("[a-z]*.py"))


def command_of(name: str) -> str:
    """`run` is the program's own function: its command is `run_`."""
    return "run_" if name == "run" else name


def commands() -> dict[str, Callable[..., object] | None]:
    """Give every command of `barlake`, its last word to its function."""
    groups = [group.typer_instance for group in app.registered_groups]
    every = [command for each in (app, *groups) if each for command in each.registered_commands]
    found = [(command.name, command.callback) for command in every]
    return {str(name or getattr(each, "__name__", "")): each for name, each in found}


def words(name: str) -> str:
    """Give what is typed after `barlake` for a job."""
    return "quarantine release" if name == "release" else name


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_job_is_one_command_as_a_script(path: Path) -> None:
    docstring, _, *imports, main, entry = ast.parse(path.read_text("utf-8")).body

    name = command_of(path.stem)
    assert all(isinstance(each, ast.ImportFrom) for each in imports)
    found = [each for each in imports if isinstance(each, ast.ImportFrom)]
    assert all(str(each.module).startswith("barlake.cli") for each in found)
    assert {alias.name for each in found for alias in each.names} == {"script", name}
    assert isinstance(docstring, ast.Expr)
    assert f"spark-submit --properties-file spark-defaults.conf jobs/{path.name}" in ast.unparse(
        docstring
    )
    assert isinstance(main, ast.FunctionDef)
    assert ast.unparse(main).splitlines()[-1] == f"    script({name}, argv)"
    assert ast.get_docstring(main) == f"Do the work of `barlake {words(path.stem)}`."
    assert ast.unparse(entry) == "if __name__ == '__main__':\n    main()"


def test_every_job_is_a_command_and_a_script_and_no_script_is_anything_else() -> None:
    declared = {job.name for job in JOBS}

    assert declared <= set(commands())
    assert {path.stem for path in SCRIPTS} == declared


def test_a_script_says_what_its_command_says() -> None:
    said = {
        path.stem: (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()[0]
        for path in SCRIPTS
    }

    told = {name: (callback.__doc__ or "") for name, callback in commands().items() if callback}
    assert said == {name: told[name].splitlines()[0] for name in said}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_takes_the_options_of_its_command_and_refuses_alike(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(path), "--as-of", "2026-11-20T22:00"])

    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(path), run_name="__main__")

    assert left.value.code == 2
    assert "has no offset" in capsys.readouterr().err
