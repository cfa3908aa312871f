"""MinIO is built once, verified at each use, and its absence is told; by a Go that does nothing."""

import hashlib
import json
import sys
from pathlib import Path

import pytest

from barlake import doctor
from infra import minio

# Downloads and builds as Go would, as far as infra/minio.py can see, and notes what it is asked.
GO = """#!{python} -I
import json, os, pathlib, sys
asked = pathlib.Path({asked!r})
with asked.open("a") as notes:
    notes.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
if sys.argv[1] == "env":
    print({version!r})
elif sys.argv[1] == "mod":
    print(json.dumps({{"Sum": {checksum!r}}}))
elif {fails!r}:
    sys.exit("first line\\n" + {fails!r})
else:
    pathlib.Path(os.environ["GOBIN"], "minio").write_bytes(b"a program")
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "cache"


def go(
    tmp_path: Path, *, version: str = "go1.24.8", checksum: str | None = None, fails: str = ""
) -> Path:
    """Put a Go on the PATH; give the file of what it is asked."""
    asked = tmp_path / "asked"
    text = GO.format(
        python=sys.executable,
        asked=str(asked),
        version=version,
        checksum=minio.pinned().checksum if checksum is None else checksum,
        fails=fails,
    )
    program = tmp_path / "bin" / "go"
    program.parent.mkdir(exist_ok=True)
    program.write_text(text, "utf-8")
    program.chmod(0o755)
    return asked


def calls(asked: Path) -> list[tuple[list[str], dict[str, str]]]:
    return [(words, env) for words, env in map(json.loads, asked.read_text("utf-8").splitlines())]


def test_it_is_built_once_and_nothing_else_is_left(tmp_path: Path, cache: Path) -> None:
    asked = go(tmp_path)
    assert [minio.main([]), minio.main([]), minio.main(["--check"])] == [0, 0, 0]
    assert [words[0] for words, _ in calls(asked)] == ["env", "mod", "install"]
    home = minio.pinned().home
    left = sorted(str(path.relative_to(home)) for path in cache.rglob("*") if path.is_file())
    assert left == ["minio", "minio.sha256"]
    assert minio.program().read_bytes() == b"a program"


def test_go_writes_into_the_cache_alone_and_fetches_no_other_go(
    tmp_path: Path, cache: Path
) -> None:
    asked = go(tmp_path)
    minio.main([])
    words, environment = calls(asked)[-1]
    module = minio.pinned()
    assert words[-1] == f"{module.path}@{module.version}"
    assert "-trimpath" in words
    for name in ("GOBIN", "GOPATH", "GOCACHE", "GOTMPDIR", "GOMODCACHE"):
        assert Path(environment[name]).is_relative_to(cache / "barlake" / "minio")
    assert environment["CGO_ENABLED"] == "0"
    assert environment["GOTOOLCHAIN"] == "local"


def test_a_program_that_was_altered_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    go(tmp_path)
    minio.main([])
    minio.program().write_bytes(b"another program")
    assert minio.main(["--check"]) == 1
    assert "is not what was built" in capsys.readouterr().err


def test_a_module_that_was_altered_is_not_built(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    asked = go(tmp_path, checksum="h1:another=")
    assert minio.main([]) == 1
    assert "is not as in infra/minio.txt: h1:another=" in capsys.readouterr().err
    assert [words[0] for words, _ in calls(asked)] == ["env", "mod"]
    assert list(minio.pinned().home.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "fails", "said"),
    [
        (None, "", "there is no Go, which builds MinIO"),
        ("go1.23.12", "", "Go 1.24 builds MinIO; "),
        ("go1.30", "no space left on device", "no space left on device"),
    ],
)
@pytest.mark.parametrize("ci", ["", "true"])
def test_where_it_cannot_be_built_the_fallback_is_told_and_ci_fails(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    version: str | None,
    fails: str,
    said: str,
    ci: str,
) -> None:
    monkeypatch.setenv("CI", ci)
    if version is not None:
        go(tmp_path, version=version, fails=fails)
    assert minio.main([]) == int(ci == "true")
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("barlake: ")
    assert said in last
    assert ("SeaweedFS" in last) is (ci != "true")


def test_of_two_builds_at_once_the_first_stays(tmp_path: Path) -> None:
    home = minio.pinned().home
    home.parent.mkdir(parents=True)
    for content in (b"first", b"second"):
        made = tmp_path / content.decode()
        made.mkdir()
        (made / "minio").write_bytes(content)
        minio._keep(made, home)
    assert minio.program().read_bytes() == b"first"
    noted = (home / "minio.sha256").read_text("utf-8")
    assert noted == f"{hashlib.sha256(b'first').hexdigest()}  minio\n"


def test_the_doctor_tells_of_it_and_needs_it_not(tmp_path: Path) -> None:
    need = doctor.minio()
    assert (need.found, need.optional) == (False, True)
    assert need.detail == "MinIO has not been built"
    assert need.remedy.startswith("install Go 1.24 or newer, then `make test`")
    go(tmp_path)
    minio.main([])
    assert doctor.minio().found
