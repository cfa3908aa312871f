"""Java processes that commit to a Delta log through a log store, told by lines what to do."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from barlake.io.access import Access
from infra import logstore

PROJECT = Path(__file__).parents[2]
OURS = "io.barlake.delta.ConditionalPutLogStore"
DELTAS = "io.delta.storage.S3SingleDriverLogStore"
# What a short program needs: less of everything that takes time to start.
JVM = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
FAST = {
    "fs.s3a.retry.interval": "20ms",
    "fs.s3a.retry.throttle.interval": "20ms",
    "fs.s3a.retry.throttle.limit": "2",
    "fs.s3a.multipart.size": "5M",
    "fs.s3a.multipart.threshold": "5M",
}


class Driver:
    """One process; `log` is always the address of a `_delta_log`."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self.process = process
        self.errors = errors
        self.answer()  # it is ready

    def ask(self, *order: object) -> str:
        """Give the answer to an order."""
        self.tell(*order)
        return self.answer()

    def tell(self, *order: object) -> None:
        """Give an order whose answer is fetched later."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, order)) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """Wait for the answer to the oldest order without one."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise RuntimeError(self.errors.read())
        return line.rstrip("\n")

    def commit(self, log: str, version: int, name: str) -> str:
        """Commit a version under a name: `won`, `lost`, or the error."""
        return self.ask("commit", log, version, name)


@contextmanager
def drivers(
    count: int,
    jar: Path,
    endpoint: str,
    credentials: dict[str, str],
    *,
    compiler: str | None = None,
) -> Iterator[list[Driver]]:
    """Run so many at once; they end with the block.

    With the log store that the project has, or one that `compiler` makes beside `jar`.
    """
    store = PROJECT / "jars" / "logstore" / "*"
    if compiler:
        store = jar.with_name(logstore.JAR)
        logstore.build(logstore.SOURCE, store, against=(), chosen=compiler)
    access = Access(endpoint=endpoint, region="us-east-1", is_path_style=True)
    options = fixed_options() | access.hadoop() | FAST
    command = ["java", *JVM, "-cp", class_path(jar, store), "io.barlake.delta.Driver"]
    command += [f"{name}={value}" for name, value in options.items()]
    with ExitStack() as running:
        started = [_started(running, command, credentials) for _ in range(count)]
        yield [Driver(*one) for one in started]


def driver_jar(folder: Path) -> Path:
    """Compile logstore/test into a jar."""
    jar = folder / "driver.jar"
    ours = logstore.home() / logstore.JAR
    logstore.build(PROJECT / "logstore" / "test", jar, against=(ours,), chosen=None)
    return jar


def class_path(jar: Path, store: Path) -> str:
    """Give all that a driver needs, but the JVM."""
    spark = find_spec("pyspark")
    assert spark is not None
    assert spark.origin is not None
    ours = [PROJECT / "jars" / jars / "*" for jars in ("core", "s3")]
    return os.pathsep.join(map(str, [jar, store, *ours, Path(spark.origin).parent / "jars" / "*"]))


def fixed_options() -> dict[str, str]:
    """Give Hadoop's options of spark-defaults.conf."""
    lines = (PROJECT / "spark-defaults.conf").read_text("utf-8").splitlines()
    options = (line.split(None, 1) for line in lines if line.startswith("spark.hadoop."))
    return {name.removeprefix("spark.hadoop."): value.strip() for name, value in options}


def _started(
    running: ExitStack, command: list[str], credentials: dict[str, str]
) -> tuple[subprocess.Popen[str], IO[str]]:
    errors = running.enter_context(tempfile.TemporaryFile("w+"))  # noqa: SIM115
    process = subprocess.Popen(
        command,
        env=os.environ | credentials,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    running.callback(_end, process)
    return process, errors


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()
