"""Build compose's own loader, once, into the cache; hold a compose file against it.

Run: python infra/compose_check.py [--build] [FILE ...]

It finds what no container need run for: misspelt keys, services and volumes that are named and not
there, variables that are required and missing. There are profiles in docker-compose.yml; all count.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from infra import minio  # noqa: E402

SOURCE = PROJECT / "infra" / "compose"
PARTS = ("main.go", "go.mod", "go.sum")


class ComposeError(Exception):
    """A compose file is refused, or there is nothing that could load it."""


def program() -> Path:
    """Give the loader, which is built unless it is there.

    Raises:
        ComposeError: There is no Go, or it does not build it.
    """
    built = _home() / "compose"
    if not built.exists():
        _build(built)
    return built


def load(files: Sequence[Path], variables: Mapping[str, str]) -> dict[str, Any]:
    """Give a project as compose understands it, with the variables alone and no .env.

    Raises:
        ComposeError: Compose would refuse it, or there is no loader.
    """
    done = subprocess.run(  # noqa: S603 - what was just built
        [program(), *map(str, files)],
        env=dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ComposeError(done.stderr.strip())
    project: dict[str, Any] = json.loads(done.stdout)
    return project


def _home() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "barlake"
    told = hashlib.sha256()
    for name in PARTS:
        told.update((SOURCE / name).read_bytes() + b"\0")
    return cache / "compose" / told.hexdigest()[:12]


def _build(built: Path) -> None:
    """Build it; whatever Go downloads and keeps is in a folder that goes."""
    try:
        go = minio.compiler("compose's loader")
    except minio.MinioError as error:
        raise ComposeError(str(error)) from error
    built.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=built.parent) as scratch:
        made = Path(scratch, "made")
        # Go verifies what it downloads against go.sum.
        command = [go, "build", "-trimpath", "-mod=readonly", "-modcacherw", "-o", str(made), "."]
        done = subprocess.run(  # noqa: S603 - Go, on our own source
            command,
            cwd=SOURCE,
            env=minio.environment(Path(scratch)),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ComposeError(f"Go does not build compose's loader: {done.stderr.strip()}")
        made.replace(built)


def main(argv: Sequence[str] | None = None) -> int:
    """Load the files named, or docker-compose.yml, with this environment; say what is wrong.

    Returns:
        1 where compose would refuse them; with --build, where CI=true and there is no loader.
    """
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--build", action="store_true", help="build the loader, and load nothing")
    chosen = parser.parse_args(argv)
    try:
        if chosen.build:
            program()
            return 0
        project = load(chosen.files or [PROJECT / "docker-compose.yml"], os.environ)
    except ComposeError as error:
        _say(str(error))
        return int(not chosen.build or os.environ.get("CI") == "true")
    sys.stdout.write("\n".join(sorted(project["services"])) + "\n")
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"barlake: {sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
