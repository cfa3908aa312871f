"""`make env` writes .env once, with secrets that nobody else reads."""

import base64
import os
from pathlib import Path

import pytest
from dotenv import dotenv_values

from infra import env


def test_every_secret_is_made_anew_and_nothing_else_changes(tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    for file in files:
        assert env.main([str(file)]) == 0
        assert file.stat().st_mode & 0o777 == 0o600
    one, two = (dotenv_values(file) for file in files)

    assert {name for name in one if one[name] != two[name]} == set(env.MADE)
    values = [str(one[name]) for name in env.MADE]
    assert len(set(values)) == len(values)
    assert min(map(len, values)) >= 16
    assert len(base64.urlsafe_b64decode(str(one["AIRFLOW_FERNET_KEY"]))) == 32
    plain = [name for name in env.MADE if name != "AIRFLOW_FERNET_KEY"]
    assert [name for name in plain if not str(one[name]).isalnum()] == []
    kept = dotenv_values(env.EXAMPLE)
    assert {name: one[name] for name in kept} == kept


def test_a_file_that_is_there_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / ".env"
    file.write_text("MINE=1\n", "utf-8")

    assert env.main([str(file)]) == 0
    assert file.read_text("utf-8") == "MINE=1\n"
    assert "stays as it is" in capsys.readouterr().err


def test_no_secret_is_said(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / ".env"
    old = os.umask(0)
    try:
        env.main([str(file)])
    finally:
        os.umask(old)

    said = "".join(capfd.readouterr())
    assert str(file) in said
    assert [name for name in env.MADE if str(dotenv_values(file)[name]) in said] == []
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_example_that_lacks_a_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="no line `# GRAFANA_PASSWORD=`"):
        env.filled(env.EXAMPLE.read_text("utf-8").replace("GRAFANA_PASSWORD", "OTHER"))
