"""Run a Spark standalone cluster on this machine: a master and its workers, each a process."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any, NamedTuple

from infra import server
from infra.server import HOST, StartError

PROJECT = Path(__file__).resolve().parents[1]
JAR_SETS = ("core", "logstore", "s3")
_DEPLOY = "org.apache.spark.deploy"


class Worker(NamedTuple):
    """A worker: its process, and the folder in which its executors run."""

    process: Popen[bytes]
    folder: Path

    def kill(self) -> None:
        """End it and its executors at once, as a machine ends that loses its power."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def executors(self) -> list[Path]:
        """Give the folders of the executors that it has started, in order; each may have ended."""
        return sorted(path for path in self.folder.glob("app-*/*") if path.is_dir())


class Cluster(NamedTuple):
    """A cluster that runs: `url` is what spark-submit takes as --master."""

    url: str
    page: str
    workers: tuple[Worker, ...]

    def state(self) -> dict[str, Any]:
        """Give what the master tells of its workers and applications."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{self.page}/json/", timeout=5) as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def standalone(folder: Path, *, workers: int = 2, memory: str = "1g") -> Iterator[Cluster]:
    """Run a master and `workers` of one core each, on loopback; their executors end with them.

    What a worker's executors need besides a job's own settings, it has in its environment: the
    class path of Delta, and the credentials of a store.

    Raises:
        StartError: One of them does not start.
    """
    port, page = server.free_ports(2)
    url = f"spark://{HOST}:{port}"
    with ExitStack() as stack:
        where = ["--host", HOST, "--port", str(port), "--webui-port", str(page)]
        master = stack.enter_context(_daemon("master", folder, ["master.Master", *where]))
        server.wait_for(f"http://{HOST}:{page}/json/", master, folder / "master")
        running = tuple(
            stack.enter_context(_worker(f"worker-{number}", folder, url, memory))
            for number in range(workers)
        )
        cluster = Cluster(url, f"http://{HOST}:{page}", running)
        _wait_for_workers(cluster, workers)
        yield cluster


def class_path() -> str:
    """Give what executors need on their class path."""
    return ":".join(f"{PROJECT}/jars/{jars}/*" for jars in JAR_SETS)


def spark_home() -> Path:
    """Give the folder of pip's pyspark, which is a whole Spark."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise StartError("there is no pyspark: run `make demo`")
    return Path(spec.origin).parent


@contextmanager
def _worker(name: str, folder: Path, url: str, memory: str) -> Iterator[Worker]:
    size = ["--cores", "1", "--memory", memory]
    where = ["--host", HOST, "--port", "0", "--webui-port", "0"]
    work = server.made(folder / name / "work")
    words = ["worker.Worker", *size, *where, "--work-dir", str(work), url]
    with _daemon(name, folder, words) as process:
        yield Worker(process, work)


@contextmanager
def _daemon(name: str, folder: Path, words: list[str]) -> Iterator[Popen[bytes]]:
    """Run one of Spark's daemons; what it has started ends with it."""
    home = spark_home()
    variables = {
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(server.made(folder / name / "conf")),
        "SPARK_DIST_CLASSPATH": class_path(),
        "SPARK_LOCAL_IP": HOST,  # where its page listens, and its executors
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
        "SPARK_LOCAL_DIRS": str(server.made(folder / name / "local")),
        "TZ": "UTC",
    }
    command = [str(home / "bin" / "spark-class"), f"{_DEPLOY}.{words[0]}", *words[1:]]
    with server.process(f"Spark's {name}", command, variables, folder / name) as daemon:
        try:
            yield daemon
        finally:
            with suppress(ProcessLookupError):  # its group is its own, and holds the executors
                os.killpg(daemon.pid, signal.SIGTERM)


def _wait_for_workers(cluster: Cluster, wanted: int) -> None:
    until = time.monotonic() + server.START_SECONDS
    while time.monotonic() < until:
        if cluster.state()["aliveworkers"] == wanted:
            return
        if any(worker.process.poll() is not None for worker in cluster.workers):
            break
        time.sleep(0.05)
    raise StartError(f"not all of {wanted} workers have reached {cluster.url}")
