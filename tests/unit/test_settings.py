"""Where settings come from, and what is refused."""

import os
import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from barlake import settings
from barlake.model.errors import InputError
from barlake.settings import load
from barlake.steps_stream import SECRET


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what this machine sets; `load` sets one of these, which is undone as well."""
    for name in [name for name in os.environ if name.startswith("BARLAKE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BARLAKE_ENVIRONMENT", "embedded")
    monkeypatch.setattr(settings, "DOTENV", Path("no such file"))


@pytest.fixture
def conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of settings like the project's, to change."""
    for file in settings.CONF.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(settings, "CONF", tmp_path)
    return tmp_path


def test_the_files_alone_are_enough() -> None:
    known = load()

    assert (known.environment, known.lake.root) == ("embedded", "lake/main")
    assert known.source.name == "simulated"


def test_an_environments_file_wins_over_the_base_and_keeps_the_rest(conf: Path) -> None:
    (conf / "fast.yaml").write_text(
        "environment: fast\nlake: {root: other}\nsource: {seed: 7}\n", "utf-8"
    )

    known = load("fast")

    assert (known.environment, known.lake.root, known.source.seed) == ("fast", "other", 7)
    assert known.source.horizon_days == load("embedded").source.horizon_days


def test_the_environment_wins_over_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARLAKE_LAKE__ROOT", "elsewhere")
    monkeypatch.setenv("BARLAKE_SOURCE__SEED", "9")

    known = load()

    assert (known.lake.root, known.source.seed) == ("elsewhere", 9)
    assert known.source.name == "simulated"


def test_what_dotenv_holds_counts_and_the_environment_wins_over_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / ".env"
    given.write_text("BARLAKE_LAKE__ROOT=from-file\nBARLAKE_SOURCE__SEED=11\n", "utf-8")
    monkeypatch.setattr(settings, "DOTENV", given)
    monkeypatch.setenv("BARLAKE_LAKE__ROOT", "from-environment")
    # What the file brings into the environment is taken out again with this one.
    monkeypatch.setenv("BARLAKE_SOURCE__SEED", "")
    monkeypatch.delenv("BARLAKE_SOURCE__SEED")

    known = load()

    assert (known.lake.root, known.source.seed) == ("from-environment", 11)


def test_the_environment_names_the_file_of_conf(
    conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (conf / "other.yaml").write_text("environment: other\nlake: {root: there}\n", "utf-8")
    monkeypatch.setenv("BARLAKE_ENVIRONMENT", "other")

    assert load().lake.root == "there"


def test_a_name_given_once_does_not_stay(conf: Path) -> None:
    (conf / "other.yaml").write_text("environment: other\nlake: {root: there}\n", "utf-8")

    assert load("other").environment == "other"
    assert load().environment == "embedded"


@pytest.mark.parametrize(
    ("variable", "named"),
    [("BARLAKE_LAKE__ROTO", "lake.roto"), ("BARLAKE_LAEK__ROOT", "laek")],
)
def test_an_unknown_variable_is_refused_by_its_name(
    variable: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")

    with pytest.raises(InputError, match=named):
        load()


def test_an_unknown_key_in_a_file_is_refused_by_its_name(conf: Path) -> None:
    with (conf / "embedded.yaml").open("a", encoding="utf-8") as file:
        file.write("timing: {settle_hours: 1}\n")

    with pytest.raises(InputError, match=r"setting timing\.settle_hours: "):
        load()


def test_a_missing_setting_is_named_for_there_is_no_default_in_code(conf: Path) -> None:
    base = (conf / "base.yaml").read_text("utf-8")
    (conf / "base.yaml").write_text(re.sub(r"\n  seed: \d+", "", base), "utf-8")

    with pytest.raises(InputError, match=r"setting source\.seed: Field required"):
        load()


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("BARLAKE_SOURCE__SEED", "many", r"source\.seed"),
        ("BARLAKE_SOURCE__NAME", "nasdaq", r"source\.name"),
        ("BARLAKE_TIMING__SETTLE_MINUTES", "", r"timing\.settle_minutes"),
        ("BARLAKE_SOURCE__SESSIONS_PER_REQUEST", "0", r"source\.sessions_per_request"),
        ("BARLAKE_SOURCE__REQUESTS_PER_BATCH", "0", r"source\.requests_per_batch"),
        ("BARLAKE_SOURCE__HORIZON_DAYS", "-1", r"source\.horizon_days"),
        ("BARLAKE_LABELS__KEEP_DAYS", "400", r"labels\.keep_days.*log goes back 400 days"),
        ("BARLAKE_SOURCE__REREAD_SESSIONS", "0", r"source\.reread_sessions"),
        ("BARLAKE_LAKE__ROOT", "", r"lake\.root"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_name(
    variable: str, value: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(InputError, match=rf"setting {named}: "):
        load()


@pytest.mark.parametrize("name", ["nowhere", "../conf/embedded", "base"])
def test_an_environment_without_a_file_of_its_own_is_refused_with_those_that_have_one(
    name: str,
) -> None:
    with pytest.raises(InputError) as refused:
        load(name)

    assert str(refused.value).startswith(f"there is no environment {name}; conf/ has ")
    assert "embedded" in str(refused.value).rpartition("; ")[2]


def test_the_digest_changes_with_any_setting_and_with_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = load().digest
    again = load().digest

    others = set()
    for variable, value in (
        ("BARLAKE_LAKE__ROOT", "elsewhere"),
        ("BARLAKE_SOURCE__SEED", "9"),
        ("BARLAKE_UNITS__TOLERANCE", "0.02"),
        ("BARLAKE_COVERAGE__HALT_MINUTES", "6"),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(variable, value)
            others.add(load().digest)

    assert usual == again
    assert len(others | {usual}) == 5
    assert re.fullmatch(r"[0-9a-f]{64}", usual)


def test_settings_do_not_change_once_they_are_read() -> None:
    known = load()

    with pytest.raises(ValueError, match="frozen"):
        known.source.seed = 9  # type: ignore[misc]


def test_every_environment_of_the_project_can_be_read() -> None:
    files = {path.stem for path in settings.CONF.glob("*.yaml")}
    names = files - set(settings.EVERYWHERE)

    assert "embedded" in names
    assert {name: load(name).environment for name in names} == {name: name for name in names}


def test_every_variable_of_the_example_is_a_setting() -> None:
    text = (settings.PROJECT / ".env.example").read_text("utf-8")
    variables = re.findall(r"^#? ?BARLAKE_([A-Z_]+)=", text, re.MULTILINE)

    known = load().model_dump()
    for variable in variables:
        if f"BARLAKE_{variable}" == SECRET:
            continue
        section, _, key = variable.lower().partition("__")
        assert section in known, variable
        assert not key or key in known[section], variable
    assert variables


def test_no_setting_is_a_secret() -> None:
    sections = load().model_dump(exclude={"environment"})
    names = [f"{name}.{key}" for name, section in sections.items() for key in section]

    assert [name for name in names if re.search("secret|password|token|access_key", name)] == []


@pytest.mark.parametrize(("mode", "told"), [(0o600, 0), (0o640, 1), (0o604, 1)])
def test_a_file_of_secrets_that_others_may_read_is_told_of(
    mode: int, told: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".env"
    path.write_text("# nothing but a comment\n")
    path.chmod(mode)
    monkeypatch.setattr(settings, "DOTENV", path)

    with capture_logs() as logs:
        load()

    assert [entry["do"] for entry in logs] == [f"chmod 600 {path}"] * told
