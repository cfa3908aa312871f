"""What `make` stands on: pins, jars, and what is said where something is missing."""

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import pytest

from barlake import doctor
from infra import jars

PROJECT = Path(__file__).resolve().parents[2]
REQUIREMENTS = PROJECT / "requirements"
COMPILED = sorted(REQUIREMENTS.glob("*.txt"))


def pins(path: Path) -> dict[str, str]:
    """Give name and condition -> the rest of each compiled requirement, hashes included."""
    whole = path.read_text("utf-8").replace("\\\n", " ")
    lines = (line for line in whole.splitlines() if line and not line.startswith("#"))
    return {line.partition("==")[0]: line for line in lines}


# --- requirements


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.name)
def test_every_requirement_is_pinned_with_its_hash(path: Path) -> None:
    assert pins(path)
    for line in pins(path).values():
        pin, *hashes = line.split("--hash=")
        assert re.match(r"[a-z0-9.-]+==\S+ ", pin)
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}\s*", each) for each in hashes), pin


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.name)
def test_requirements_name_no_address_and_no_folder(path: Path) -> None:
    text = path.read_text("utf-8")

    assert "/" not in text
    assert not re.search(r"^-", text, re.MULTILINE)


@pytest.mark.parametrize("path", sorted(REQUIREMENTS.glob("*.in")), ids=lambda path: path.name)
def test_what_we_chose_is_what_was_compiled(path: Path) -> None:
    chosen = re.findall(r"^([\w.-]+)==(\S+)", path.read_text("utf-8"), re.MULTILINE)

    compiled = pins(path.with_suffix(".txt"))

    for name, pin in chosen:
        assert compiled[name.lower()].startswith(f"{name.lower()}=={pin} ")


def test_the_tests_environment_holds_all_that_the_demo_needs() -> None:
    spark, dev = (
        set(re.findall(r"^[a-z].*", (REQUIREMENTS / name).read_text("utf-8"), re.MULTILINE))
        for name in ("spark.txt", "dev.txt")
    )

    assert spark < dev


def test_the_delta_wheel_and_its_jar_agree() -> None:
    [delta] = [jar for jar in jars.members("core") if ":delta-spark_" in jar.coordinates]

    assert delta.coordinates.rpartition(":")[2] == version("delta-spark")


# --- jars


def test_the_manifest_names_each_jar_by_coordinates_and_sha256() -> None:
    listed = jars.manifest()

    assert {jar.jar_set for jar in listed} == {"broker", "core", "ecj", "kafka", "s3"}
    assert len({jar.coordinates for jar in listed}) == len(listed)
    for jar in listed:
        assert re.fullmatch(r"[0-9a-f]{64}", jar.sha256)
        assert len(jar.coordinates.split(":")) == 3


class Registry:
    """What stands in for Maven Central: it serves `content`, and counts."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked = 0

    def __call__(self, wanted: list[jars.Jar], scratch: Path) -> str:
        self.asked += 1
        for jar in wanted:
            (scratch / jar.file).write_bytes(self.content)
        return "served"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Give a registry of one jar, with a manifest that names it, a cache and a project."""
    served = Registry(b"a jar")
    digest = hashlib.sha256(served.content).hexdigest()
    (tmp_path / "jars.txt").write_text(f"# one\ncore  org.example:tiny:1.0  {digest}\n", "utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(jars, "MANIFEST", tmp_path / "jars.txt")
    monkeypatch.setattr(jars, "PROJECT", tmp_path)
    monkeypatch.setattr(jars, "ivy", served)
    return served


def test_a_jar_is_fetched_once_and_linked(registry: Registry, tmp_path: Path) -> None:
    assert jars.main(["core"]) == 0
    assert jars.main(["core"]) == 0

    assert registry.asked == 1
    assert (tmp_path / "jars" / "core" / "tiny-1.0.jar").read_bytes() == b"a jar"
    assert jars.main(["--check", "core"]) == 0


@pytest.mark.parametrize("found", [b"a j", b"a bad jar", b""])
def test_a_jar_that_changed_is_refused_and_fetched_again(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str], found: bytes
) -> None:
    jars.main(["core"])
    jar = tmp_path / "jars" / "core" / "tiny-1.0.jar"
    jar.write_bytes(found)
    capsys.readouterr()

    assert jars.main(["--check", "core"]) == 1
    assert jars.main(["core"]) == 0

    said = capsys.readouterr().err.splitlines()
    assert ["not as in infra/jars.txt" in line for line in said] == [True, True]
    assert registry.asked == 2
    assert jar.read_bytes() == b"a jar"


def test_a_wrong_jar_from_the_registry_is_not_kept(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry.content = b"somebody else's"

    assert jars.main(["core"]) == 1

    assert "what came is refused" in capsys.readouterr().err.splitlines()[-1]
    assert not list(tmp_path.rglob("*.jar"))
    assert not (tmp_path / "jars").exists()


@pytest.mark.usefixtures("registry")
def test_an_unknown_set_is_refused_with_those_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert jars.main(["cores"]) == 1

    assert capsys.readouterr().err == ("barlake: there is no set cores: infra/jars.txt has core\n")


# --- what is missing


def doctor_in(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the doctor as `make` does: by its path, alone."""
    command = [sys.executable, "-I", str(PROJECT / "lib" / "barlake" / "doctor.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def java_saying(folder: Path, version_line: str) -> dict[str, str]:
    """Give an environment whose JAVA_HOME answers `-version` so."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{version_line}' >&2\n", "utf-8")
    program.chmod(0o755)
    return {"JAVA_HOME": str(folder), "PATH": os.defpath}


def test_a_missing_java_is_told_with_its_remedy(tmp_path: Path) -> None:
    done = doctor_in({"PATH": str(tmp_path)}, "--start")

    assert done.returncode == 1
    assert done.stdout.startswith("missing  Java: no java on the PATH -> install Java 17 or 21 ")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("release", ["1.8.0_292", "11.0.2", "23.0.1", "25"])
def test_a_java_that_spark_cannot_use_is_missing(tmp_path: Path, release: str) -> None:
    environment = java_saying(tmp_path / "jdk", f'openjdk version "{release}"')

    done = doctor_in(environment, "--start")

    assert done.returncode == 1
    assert done.stdout.startswith(f"missing  Java: {release.partition('_')[0]} ")


@pytest.mark.parametrize("release", ["17.0.15", "21.0.8", "21"])
def test_java_home_wins_and_nothing_is_said_when_all_is_there(tmp_path: Path, release: str) -> None:
    environment = java_saying(tmp_path / "jdk", f'openjdk version "{release}" 2025-04-15')

    done = doctor_in(environment, "--start")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_need_says_what_to_do() -> None:
    needs = doctor.doctor()

    assert len({need.name for need in needs}) == len(needs) == 10
    for need in needs:
        assert need.detail
        assert need.remedy


def test_an_old_python_can_run_the_doctor() -> None:
    source = (PROJECT / "lib" / "barlake" / "doctor.py").read_text("utf-8")

    tree = ast.parse(source, feature_version=(3, 8))

    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(name and name.startswith("barlake") for name in imported)


def test_without_any_python_one_line_each_says_what_is_missing(tmp_path: Path) -> None:
    shell = shutil.which("sh")
    assert shell

    done = subprocess.run(
        [shell, str(PROJECT / "infra" / "python.sh")],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "missing  Python",
        "missing  Java",
    ]


# --- make


def make(*arguments: str) -> Sequence[str]:
    """Run make quietly and give what it said."""
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],  # noqa: S607 - whichever make there is
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_make_alone_tells_every_target() -> None:
    told = {line.split()[1] for line in make()}

    makefile = (PROJECT / "Makefile").read_text("utf-8")
    [phony] = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)
    assert told == set(phony.split()) - {"needs"}
    assert told >= {"demo", "test", "doctor", "help", "check", "docs", "bench", "lock", "clean"}
