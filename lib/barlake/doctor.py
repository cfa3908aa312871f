"""What this machine lacks, and what to do about it.

Standard library only, in words that an old Python can read too: `make doctor` runs this file by
its path, before there is an environment, with whatever Python the machine has.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[2]
GB = 10**9
DISK_GB = 2
MEMORY_GB = 4
SET_UP = "`make demo` sets it up"


class Need(NamedTuple):
    """One thing that the lake needs of a machine; an optional one is missed by some tests alone."""

    name: str
    found: bool
    detail: str
    remedy: str
    optional: bool = False


def doctor() -> list[Need]:
    """Look at every need, in less than a second, without Spark and without a network."""
    return [
        *essentials(),
        spark(),
        jars(),
        duckdb(),
        disk(),
        memory(),
        cache(),
        recorded_bars(),
        minio(),
    ]


def essentials() -> list[Need]:
    """Look at what must be there before anything can be set up."""
    return [python(), java()]


def python() -> Need:
    """Look at the Python that runs this. The pins have no wheels for 3.15."""
    version = ".".join(map(str, sys.version_info[:3]))
    found = (3, 11) <= sys.version_info < (3, 15) and find_spec("ensurepip") is not None
    lack = "" if find_spec("ensurepip") else ", without ensurepip"
    return Need(
        "Python",
        found,
        f"{version}{lack} ({sys.executable})",
        "install Python 3.11 to 3.14 (apt install python3 python3-venv, brew install python@3.13)",
    )


def java() -> Need:
    """Look where Spark does: in JAVA_HOME, or else on the PATH.

    Spark 4.1 needs Java 17. Its Hadoop 3.4.2 asks the JVM for what 23 took away
    (`Subject.getSubject`).
    """
    home = os.environ.get("JAVA_HOME")
    program = str(Path(home, "bin", "java")) if home else "java"
    version = re.search(r'version "([\d.]+)', _run(program, "-version").stderr)
    found = version is not None and 17 <= int(version[1].split(".")[0]) <= 22
    nowhere = f"{program} does not run" if home else "no java on the PATH"
    return Need(
        "Java",
        found,
        f"{version[1]} ({shutil.which(program)})" if version else nowhere,
        "install Java 17 or 21 (apt install openjdk-21-jre-headless or openjdk-17-jre-headless, "
        "brew install openjdk@21), and set JAVA_HOME if there are several",
    )


def spark() -> Need:
    """Look for pyspark beside this Python, without importing it."""
    version = _version("pyspark")
    return Need("pyspark", bool(version), version or "not installed", SET_UP)


def jars() -> Need:
    """Let infra/jars.py verify the jars of a lake on local disk."""
    return _jars("jars", "core", SET_UP)


def bucket_jars() -> Need:
    """Let infra/jars.py verify the jars that a lake in a bucket needs besides."""
    return _jars("jars for a bucket", "s3", "`make bucket` fetches them")


def duckdb() -> Need:
    """Look for the extension file; DuckDB loads only one of exactly its own version."""
    version = _version("duckdb")
    files = (metadata.files("duckdb-extension-delta") or []) if version else []
    fitting = [f for f in files if f.name == "delta.duckdb_extension" and f"v{version}" in f.parts]
    found = any(Path(str(f.locate())).exists() for f in fitting)
    detail = f"for DuckDB {version}" if found else "not installed"
    return Need("DuckDB's delta extension", found, detail, SET_UP)


def disk() -> Need:
    """Look at the lake's disk; at the project's where the lake is on an object store."""
    root = os.environ.get("BARLAKE_LAKE__ROOT", "")
    lake = _existing(Path(root) if root and "://" not in root else PROJECT)
    free = shutil.disk_usage(lake).free / GB
    return Need(
        "disk",
        free >= DISK_GB,
        f"{free:.1f} GB free at {lake}",
        f"free {DISK_GB} GB there, or put the lake elsewhere (BARLAKE_LAKE__ROOT)",
    )


def memory() -> Need:
    """Look at this machine's memory, or this container's if it has less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (bytes_allowed := limit.read_text("utf-8").strip()).isdigit():
        total = min(total, int(bytes_allowed))
    return Need(
        "memory",
        total >= MEMORY_GB * GB,
        f"{total / GB:.1f} GB",
        f"give this machine {MEMORY_GB} GB, or lower spark.driver.memory in spark-defaults.conf",
    )


def cache() -> Need:
    """Look whether the one folder outside the clone can be written."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "barlake"
    return Need(
        "cache folder",
        os.access(_existing(folder), os.W_OK),
        str(folder),
        "make it writable, or name another in XDG_CACHE_HOME",
    )


def recorded_bars() -> Need:
    """Look for the recordings that the tests marked `real` read."""
    beside = PROJECT.parent / "shared" / "data" / "real"
    folder = Path(os.environ.get("BARLAKE_REAL_DATA") or beside)
    return Need(
        "recorded bars",
        folder.is_dir(),
        str(folder),
        "set BARLAKE_REAL_DATA to their folder; without them the tests marked `real` are skipped",
        optional=True,
    )


def minio() -> Need:
    """Look for the object store that the tests of a lake in a bucket run on."""
    done = _run(sys.executable, "-I", str(PROJECT / "infra" / "minio.py"), "--check")
    found = done.returncode == 0
    said = done.stderr.strip().rpartition("\n")[2].replace("barlake: ", "", 1)
    get_go = "" if shutil.which("go") else "install Go 1.24 or newer, then "
    return Need(
        "MinIO",
        found,
        "as built" if found else said,
        f"{get_go}`make test` builds it in some minutes; without it SeaweedFS serves the tests",
        optional=True,
    )


def main(argv: list[str]) -> int:
    """Print every need; with `--start` only what is missing of the essentials. 1 if one is."""
    at_start = "--start" in argv
    needs = essentials() if at_start else doctor()
    for need in needs:
        if not at_start or not need.found:
            sys.stdout.write(line(need) + "\n")
    return int(any(not (need.found or need.optional) for need in needs))


def line(need: Need) -> str:
    """Say one need in one line."""
    if need.found:
        return f"found    {need.name}: {need.detail}"
    state = "optional" if need.optional else "missing "
    return f"{state} {need.name}: {need.detail} -> {need.remedy}"


def _jars(name: str, jar_set: str, remedy: str) -> Need:
    script = PROJECT / "infra" / "jars.py"
    done = _run(sys.executable, "-I", str(script), "--check", jar_set)
    said = done.stderr.strip().rpartition("\n")[2].replace("barlake: ", "", 1)
    found = done.returncode == 0
    return Need(name, found, f"{jar_set}, as pinned" if found else said, remedy)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603 - two of our own
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _existing(path: Path) -> Path:
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
