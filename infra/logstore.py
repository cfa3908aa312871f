"""Compile Delta's log store for buckets, logstore/src, into a jar: once for each state of it.

Run: python infra/logstore.py [--check] [--compiler javac|ecj]

The jar lies in $XDG_CACHE_HOME/barlake/jars/logstore/<digest of the source and of Delta's jars>;
<project>/jars/logstore is a link to that folder. A JDK's javac compiles it; a machine with a Java
runtime alone fetches the Eclipse compiler for it, see infra/jars.txt.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))  # `python -I` looks nowhere near the script

from infra import jars  # noqa: E402

SOURCE = PROJECT / "logstore" / "src"
JAR = "barlake-logstore.jar"
RELEASE = 17  # the oldest Java that Spark runs on
MANIFEST = "Manifest-Version: 1.0\n"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # what zip can tell: the same classes make the same jar

Command = list[str | Path]


def sources(folder: Path) -> list[Path]:
    """Give a folder's Java files, in order."""
    return sorted(folder.rglob("*.java"))


def home() -> Path:
    """Name the jar's folder in the cache."""
    told = hashlib.sha256(repr(sorted(jars.members("core"))).encode())
    for path in sources(SOURCE):
        told.update(str(path.relative_to(SOURCE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return jars.cache() / "logstore" / told.hexdigest()[:12]


def is_whole(jar: Path) -> bool:
    """Tell whether a jar is there, and no bit of it is broken."""
    if not zipfile.is_zipfile(jar):
        return False
    with zipfile.ZipFile(jar) as archive:
        return archive.testzip() is None


def check() -> None:
    """Refuse a jar that is not there, whole, linked, and of this source."""
    link = PROJECT / "jars" / "logstore"
    if not is_whole(home() / JAR):
        raise jars.JarError(f"{home() / JAR} has not been compiled, or is broken")
    if link.resolve() != home().resolve():
        raise jars.JarError(f"{link} does not lead to {home()}")


def obtain(chosen: str | None = None) -> None:
    """Compile the log store, where that has not been done, and link its folder."""
    folder = home()
    if not is_whole(folder / JAR):
        folder.mkdir(parents=True, exist_ok=True)
        build(SOURCE, folder / JAR, against=(), chosen=chosen)
    jars.link(PROJECT / "jars" / "logstore", folder)


def build(source: Path, jar: Path, *, against: tuple[Path, ...], chosen: str | None) -> None:
    """Compile a folder's Java files into a jar, which is there whole or not at all.

    `against` names jars besides Delta's and Hadoop's; `chosen` is javac, ecj, or None for javac
    where there is one.
    """
    with tempfile.TemporaryDirectory(prefix="compile-", dir=jar.parent) as scratch:
        classes = Path(scratch, "classes")
        path = os.pathsep.join(map(str, [*class_path(), *against]))
        command = compiler(chosen)
        command += ["-encoding", "UTF-8", "-proc:none", "-cp", path, "-d", classes]
        _run([*command, *sources(source)])
        _pack(classes, Path(scratch, jar.name))
        Path(scratch, jar.name).replace(jar)


def class_path() -> list[Path]:
    """Give the jars of Delta's log stores, and of the Hadoop inside pyspark."""
    core = PROJECT / "jars" / "core"
    found = [*core.glob("delta-storage-*.jar"), *_hadoop().glob("hadoop-client-api-*.jar")]
    if len(found) != 2:
        raise jars.JarError("Delta's jars are not there: run `python infra/jars.py core` first")
    return found


def compiler(chosen: str | None) -> Command:
    """Give the command that compiles, without its class path and its files."""
    javac = _javac()
    if chosen == "javac" and javac is None:
        raise jars.JarError(f"there is no javac of Java {RELEASE} or later")
    if javac is None or chosen == "ecj":
        jars.obtain("ecj")
        [jar] = jars.members("ecj")
        # --release would need a JDK's list of what each release had.
        return [_java("java"), "-jar", jars.home([jar]) / jar.file, f"-{RELEASE}", "-nowarn"]
    return [javac, "--release", str(RELEASE)]


def main(argv: list[str] | None = None) -> int:
    """Compile what is needed, or with --check only look; 1 and one sentence if that fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compile nothing")
    parser.add_argument("--compiler", choices=["javac", "ecj"], help="instead of what is found")
    chosen = parser.parse_args(argv)
    try:
        if chosen.check:
            check()
        else:
            obtain(chosen.compiler)
    except jars.JarError as error:
        sys.stderr.write(f"barlake: {error}\n")
        return 1
    return 0


def _hadoop() -> Path:
    spark = find_spec("pyspark")
    if spark is None or spark.origin is None:
        raise jars.JarError(f"{sys.executable} has no pyspark: run `make demo`")
    return Path(spark.origin).parent / "jars"


def _java(program: str) -> str:
    set_by_user = os.environ.get("JAVA_HOME")
    return str(Path(set_by_user, "bin", program)) if set_by_user else program


def _javac() -> str | None:
    """Find a javac that is new enough; a Java runtime alone has none."""
    for program in (_java("javac"), "javac"):
        if shutil.which(program):
            version = re.search(r"\d+", _run([program, "-version"]))
            if version and int(version[0]) >= RELEASE:
                return program
    return None


def _run(command: Command) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the files are ours
    except OSError as error:
        raise jars.JarError(f"{command[0]} does not run ({error}): see `make doctor`") from error
    if done.returncode:
        raise jars.JarError(f"{command[0]} refuses:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def _pack(classes: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("META-INF/MANIFEST.MF", LONG_AGO), MANIFEST)
        for path in sorted(classes.rglob("*.class")):
            name = zipfile.ZipInfo(path.relative_to(classes).as_posix(), LONG_AGO)
            archive.writestr(name, path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
