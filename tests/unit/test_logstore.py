"""The log store's jar: compiled once for each state of its source, and told of where it is not."""

from pathlib import Path
from zipfile import ZipFile

import pytest

from infra import jars, logstore


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Let the project lie in a folder of its own, and a stand-in compile; give what it made."""
    made: list[Path] = []

    def build(_source: Path, jar: Path, **_how: object) -> None:
        with ZipFile(jar, "w") as archive:
            archive.writestr("some.class", "bytes")
        made.append(jar)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(logstore, "PROJECT", tmp_path)
    monkeypatch.setattr(logstore, "build", build)
    return made


def test_it_is_compiled_once(compiled: list[Path], tmp_path: Path) -> None:
    assert logstore.main(["--check"]) == 1
    assert [logstore.main([]), logstore.main([]), logstore.main(["--check"])] == [0, 0, 0]

    assert compiled == [logstore.home() / logstore.JAR]
    assert (tmp_path / "jars" / "logstore").resolve() == logstore.home().resolve()


def test_another_source_is_another_jar(
    compiled: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logstore.obtain()
    changed = tmp_path / "src"
    changed.mkdir()
    (changed / "Other.java").write_text("class Other {}")
    monkeypatch.setattr(logstore, "SOURCE", changed)

    assert logstore.main(["--check"]) == 1
    logstore.obtain()

    assert len({jar.parent for jar in compiled}) == 2


@pytest.mark.usefixtures("compiled")
def test_a_broken_jar_is_told_and_compiled_anew(capsys: pytest.CaptureFixture[str]) -> None:
    logstore.obtain()
    (logstore.home() / logstore.JAR).write_bytes(b"PK\x03\x04 cut off")

    assert logstore.main(["--check"]) == 1
    assert "has not been compiled, or is broken" in capsys.readouterr().err
    logstore.obtain()
    logstore.check()


@pytest.mark.usefixtures("compiled")
def test_a_link_that_leads_elsewhere_is_told(tmp_path: Path) -> None:
    logstore.obtain()
    link = tmp_path / "jars" / "logstore"
    link.unlink()
    link.symlink_to(tmp_path, target_is_directory=True)

    with pytest.raises(jars.JarError, match="does not lead to"):
        logstore.check()


def test_what_does_not_compile_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "Wrong.java").write_text("class Wrong {")

    with pytest.raises(jars.JarError, match="javac refuses"):
        logstore.build(tmp_path, tmp_path / "wrong.jar", against=(), chosen="javac")
    assert not (tmp_path / "wrong.jar").exists()
