"""Build MinIO, once, into the cache; verify what is there by SHA-256 at every run.

Run: python infra/minio.py [--check]

The version that infra/minio.txt names lies in $XDG_CACHE_HOME/barlake/minio/<digest of its line>,
with the SHA-256 that it was built with beside it. Where there is no Go, the tests use SeaweedFS,
which is among their packages, and this script says so; where CI=true, that is an error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parents[1]
MANIFEST = PROJECT / "infra" / "minio.txt"
GO_MIN = (1, 24)
FALLBACK = "SeaweedFS, from its package, is the object store of the tests instead"


class MinioError(Exception):
    """MinIO is not there, not as it was built, or cannot be built."""


class Module(NamedTuple):
    """The one line of the manifest."""

    path: str
    version: str
    checksum: str

    @property
    def home(self) -> Path:
        """Name its folder in the cache, the one place outside the clone that is written."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "barlake"
        return cache / "minio" / hashlib.sha256(repr(tuple(self)).encode()).hexdigest()[:12]


def pinned() -> Module:
    """Read infra/minio.txt; a `#` starts a comment."""
    lines = (line.partition("#")[0].split() for line in MANIFEST.read_text("utf-8").splitlines())
    [module] = [Module(*line) for line in lines if line]
    return module


def program() -> Path:
    """Give MinIO's file, once it is verified to be what was built.

    Raises:
        MinioError: It is not there, or it is something else.
    """
    home = pinned().home
    built, note = home / "minio", home / "minio.sha256"
    if not built.exists() or not note.exists():
        raise MinioError("MinIO has not been built")
    if digest(built) != note.read_text("utf-8").split()[0]:
        raise MinioError(f"{built} is not what was built: remove its folder, and build it again")
    return built


def obtain() -> None:
    """Build MinIO unless it is there."""
    module = pinned()
    if (module.home / "minio").exists():
        program()
        return
    go = compiler()
    _say(f"building MinIO {module.version} into {module.home}, once: some minutes")
    module.home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=module.home.parent) as scratch:
        build(module, go, Path(scratch))
        _keep(Path(scratch, "bin"), module.home)
    _say(f"MinIO is built: {module.home / 'minio'}")


def compiler(what: str = "MinIO") -> str:
    """Give the path of a Go that is new enough to build `what`.

    Raises:
        MinioError: There is none.
    """
    go = shutil.which("go")
    if go is None:
        raise MinioError(f"there is no Go, which builds {what}")
    said = _run([go, "env", "GOVERSION"], environment()).stdout
    found = re.match(r"go(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < GO_MIN:
        least = ".".join(map(str, GO_MIN))
        raise MinioError(f"Go {least} builds {what}; {go} is {said.strip()}")
    return go


def build(module: Module, go: str, scratch: Path) -> None:
    """Build `scratch`/bin/minio; whatever Go downloads and keeps is in `scratch` as well.

    The checksums of all that MinIO needs are verified by Go itself, against its public record.
    """
    variables = environment(scratch)
    wanted = f"{module.path}@{module.version}"
    told = _run([go, "mod", "download", "-json", "-modcacherw", wanted], variables)
    came = json.loads(told.stdout or "{}")
    if "Error" in came or told.returncode:
        raise MinioError(f"{wanted} cannot be had: {came.get('Error') or _last(told.stderr)}")
    if came["Sum"] != module.checksum:
        raise MinioError(f"{wanted} is not as in infra/minio.txt: {came['Sum']}")
    flags = ["-trimpath", "-buildvcs=false", "-modcacherw", "-ldflags=-s -w"]
    made = _run([go, "install", *flags, wanted], variables)
    if made.returncode:
        raise MinioError(f"Go does not build {wanted}: {_last(made.stderr)}")


def digest(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(argv: list[str] | None = None) -> int:
    """Build MinIO, or with --check only verify it.

    Returns:
        1 where it is not there and must be: with --check, and where CI=true.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="build nothing")
    chosen = parser.parse_args(argv)
    try:
        program() if chosen.check else obtain()
    except MinioError as error:
        is_needed = chosen.check or os.environ.get("CI") == "true"
        _say(str(error) if is_needed else f"{error}; {FALLBACK}")
        return int(is_needed)
    return 0


def environment(scratch: Path | None = None) -> dict[str, str]:
    """Give Go's variables; without GOTOOLCHAIN an old Go would fetch another one by itself."""
    fixed = {"GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off", "CGO_ENABLED": "0"}
    if scratch is not None:
        places = {"GOBIN": "bin", "GOPATH": "path", "GOCACHE": "cache", "GOTMPDIR": "tmp"}
        for name, folder in places.items():
            (scratch / folder).mkdir()
            fixed[name] = str(scratch / folder)
        fixed["GOMODCACHE"] = str(scratch / "path" / "pkg" / "mod")
    return os.environ | fixed


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - the manifest is ours


def _keep(made: Path, home: Path) -> None:
    """Put what was built where it stays, in one step; whoever was first has it right already."""
    (made / "minio.sha256").write_text(f"{digest(made / 'minio')}  minio\n", "utf-8")
    try:
        made.replace(home)
    except OSError:
        if not (home / "minio").exists():
            raise


def _last(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no word of why")


def _say(sentence: str) -> None:
    sys.stderr.write(f"barlake: {sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
