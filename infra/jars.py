"""Fetch the jars that Spark needs, once, into the cache; verify them by SHA-256 at every run.

Run: python infra/jars.py [--check] SET...

A set of infra/jars.txt lies in $XDG_CACHE_HOME/barlake/jars/SET/<digest of its lines>, so that two
clones that pin different versions don't meet; <project>/jars/SET is a link to it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[1]
MANIFEST = PROJECT / "infra" / "jars.txt"

# One resolver, since the default chain asks the user's Maven folder first, which may hold POMs
# without jars. It has no address: Ivy knows Maven Central's.
IVY_SETTINGS = """<ivysettings>
  <settings defaultResolver="central"/>
  <timeout-constraints>
    <timeout-constraint name="patient" connectionTimeout="20000" readTimeout="60000"/>
  </timeout-constraints>
  <resolvers>
    <ibiblio name="central" m2compatible="true" timeoutConstraint="patient"/>
  </resolvers>
</ivysettings>
"""

IVY_MODULE = """<ivy-module version="2.0">
  <info organisation="barlake" module="jars"/>
  <configurations><conf name="default"/></configurations>
  <dependencies>{dependencies}</dependencies>
</ivy-module>
"""


class JarError(Exception):
    """A jar cannot be had, or is not what the manifest says."""


class Jar(NamedTuple):
    """One line of the manifest."""

    jar_set: str
    coordinates: str
    sha256: str

    @property
    def file(self) -> str:
        """Name the file, as Maven does."""
        _group, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def manifest() -> list[Jar]:
    """Read infra/jars.txt; a `#` starts a comment."""
    lines = (line.partition("#")[0].split() for line in MANIFEST.read_text("utf-8").splitlines())
    return [Jar(*line) for line in lines if line]


def members(jar_set: str) -> list[Jar]:
    """Give the jars of one set."""
    jars = [jar for jar in manifest() if jar.jar_set == jar_set]
    if not jars:
        known = ", ".join(sorted({jar.jar_set for jar in manifest()}))
        raise JarError(f"there is no set {jar_set}: infra/jars.txt has {known}")
    return jars


def cache() -> Path:
    """Name the folder of all jars, in the one place outside the clone that is written."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "barlake" / "jars"


def home(jars: list[Jar]) -> Path:
    """Name a set's folder in the cache."""
    content = hashlib.sha256(repr(sorted(jars)).encode()).hexdigest()
    return cache() / jars[0].jar_set / content[:12]


def wrong(jar: Jar, folder: Path) -> str:
    """Say what is wrong with a jar's file in `folder`; empty when it is what the manifest says."""
    path = folder / jar.file
    if not path.exists():
        return f"{path} is not there"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if found == jar.sha256 else f"{path} is not as in infra/jars.txt: SHA-256 {found}"


def check(jar_set: str) -> None:
    """Refuse a set that is not there, whole and linked."""
    jars = members(jar_set)
    link = PROJECT / "jars" / jar_set
    if not link.exists():
        raise JarError(f"the set {jar_set} has not been fetched")
    if link.resolve() != home(jars).resolve():
        raise JarError(f"{link} does not lead to {home(jars)}")
    for jar in jars:
        if reason := wrong(jar, home(jars)):
            raise JarError(reason)


def obtain(jar_set: str) -> None:
    """Make a set whole, fetching only what is missing or wrong, and link it into the project."""
    jars = members(jar_set)
    folder = home(jars)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in jars if not (folder / jar.file).exists()]
    if missing:
        _say(f"fetching {len(missing)} jars of the set {jar_set} into {folder}, once")
    spoiled = [jar for jar in jars if jar not in missing and _is_spoiled(jar, folder)]
    if lacking := [*missing, *spoiled]:
        fetch(lacking, folder)
    link(PROJECT / "jars" / jar_set, folder)


def _is_spoiled(jar: Jar, folder: Path) -> bool:
    if reason := wrong(jar, folder):
        _say(f"{reason}: fetching {jar.coordinates}")
    return bool(reason)


def link(at: Path, folder: Path) -> None:
    """Make `at` a link to a folder of the cache.

    Raises:
        JarError: Something that is no link is in the way.
    """
    if at.resolve() == folder.resolve():
        return
    if at.exists() and not at.is_symlink():
        raise JarError(f"{at} is in the way of a link: remove it")
    at.parent.mkdir(exist_ok=True)
    at.unlink(missing_ok=True)
    at.symlink_to(folder, target_is_directory=True)


def fetch(jars: list[Jar], folder: Path) -> None:
    """Put jars into `folder`, each in one step, once it is verified."""
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=folder) as scratch:
        said = ivy(jars, Path(scratch))
        for jar in jars:
            if not Path(scratch, jar.file).exists():
                log = folder / "ivy.log"
                log.write_text(said, "utf-8")
                raise JarError(
                    f"{jar.coordinates} cannot be fetched: is there a network, and does Maven "
                    f"Central have it? {log} holds what was tried"
                )
            if reason := wrong(jar, Path(scratch)):
                raise JarError(f"what came is refused: {reason}")
            Path(scratch, jar.file).replace(folder / jar.file)


def ivy(jars: list[Jar], scratch: Path) -> str:
    """Fetch jars into `scratch`, without what they depend on, and give what Ivy said.

    Ivy is a part of pyspark, and so is everything else that is needed, but Java. Its own cache is
    in `scratch` as well. A `bundle` is a jar too.
    """
    spark = find_spec("pyspark")
    if spark is None or spark.origin is None:
        raise JarError(f"{sys.executable} has no pyspark: run `make demo`")
    [program] = Path(spark.origin).parent.glob("jars/ivy-*.jar")
    settings, wanted = scratch / "settings.xml", scratch / "ivy.xml"
    settings.write_text(IVY_SETTINGS, "utf-8")
    wanted.write_text(IVY_MODULE.format(dependencies="".join(map(_dependency, jars))), "utf-8")
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    command = [java, f"-Divy.default.ivy.user.dir={scratch}", "-jar", program]
    command += ["-settings", settings, "-ivy", wanted, "-cache", scratch / "cache", "-warn"]
    command += ["-types", "jar", "bundle", "-retrieve", f"{scratch}/[artifact]-[revision].[ext]"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the manifest is ours
    except OSError as error:
        raise JarError(f"Java does not run ({error}): see `make doctor`") from error
    return done.stdout + done.stderr


def _dependency(jar: Jar) -> str:
    group, artifact, version = jar.coordinates.split(":")
    named = f'org="{group}" name="{artifact}" rev="{version}"'
    return f'<dependency {named} transitive="false" conf="default-&gt;default"/>'


def main(argv: list[str] | None = None) -> int:
    """Obtain the sets named, or with --check only verify them; 1 and one sentence if that fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="+", metavar="SET")
    parser.add_argument("--check", action="store_true", help="fetch nothing")
    chosen = parser.parse_args(argv)
    try:
        for jar_set in chosen.sets:
            (check if chosen.check else obtain)(jar_set)
    except JarError as error:
        _say(str(error))
        return 1
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"barlake: {sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
