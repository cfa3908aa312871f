"""Run a Kafka broker on this machine: one process, on loopback, with what it holds in one folder.

It is its own controller (KRaft), and makes no topic by itself. What it has acknowledged lies in the
system's files, so that it outlives the broker's end by `kill -9`, though not the machine's.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from infra import jars, server
from infra.server import HOST, StartError

JAR_SET = "broker"

# Small, since nothing here is more than a day's bars: the offsets of a few readers in one
# partition, a few threads, and no wait for a reader's fellows. A broker that was killed is taken
# back once its session is over: soon.
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{inner}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{inner}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""
_LOGGING = """appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %c: %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""
_FORMAT = ("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_SERVE = ("-Xms128m", "-Xmx512m", "-XX:+UseG1GC", "-XX:+ExitOnOutOfMemoryError")


class Broker:
    """A broker over one folder: it can be killed, frozen and started again on the same port."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        inner, free = server.free_ports(2)
        self.port = port or free
        self._inner = inner
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Give host and port, as clients take them."""
        return f"{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables by which barlake reaches it."""
        return {"BARLAKE_KAFKA__BROKERS": self.address}

    @property
    def pid(self) -> int:
        """Give the number of its process.

        Raises:
            StartError: It does not run.
        """
        return self._running().pid

    def start(self) -> None:
        """Start it, and wait until it answers; what the folder holds is there again.

        Raises:
            StartError: Its jars have not been fetched, or it does not start.
        """
        self.end()
        _prepare(self.folder, self.port, self._inner)
        command = _java(self.folder, _SERVE, "kafka.Kafka", str(_properties(self.folder)))
        process = server.process("the Kafka broker", command, {}, self.folder)
        self._process = self._stack.enter_context(process)
        self._wait_ready()

    def kill(self) -> None:
        """End it as a power cut would: it has no time to write anything."""
        running = self._running()
        running.kill()
        running.wait()
        self.end()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop it for a while: its connections stay, and nobody answers."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def end(self) -> None:
        """End it in order, if it runs."""
        self._stack.close()
        self._process = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise StartError("the Kafka broker does not run")
        return self._process

    def _wait_ready(self) -> None:
        """Wait until it answers a client's first question."""
        client = _client(self.address)
        until = time.monotonic() + server.START_SECONDS
        while time.monotonic() < until and self._running().poll() is None:
            if _answers(client, _cluster(self.folder)):
                return
        said = (self.folder / "log").read_text("utf-8", "replace").strip().splitlines()[-1:]
        self.end()
        raise StartError(f"{self.address} does not answer: {''.join(said) or 'no word of why'}")


@contextmanager
def broker(folder: Path, *, port: int = 0) -> Iterator[Broker]:
    """Run a broker over `folder`, on a free port unless one is given.

    Raises:
        StartError: Its jars have not been fetched, or it does not start.
    """
    started = Broker(folder, port)
    try:
        started.start()
        yield started
    finally:
        started.end()


def _prepare(folder: Path, port: int, inner: int) -> None:
    """Write what the broker reads; a new folder gets a cluster of its own."""
    server.made(folder)
    data = folder / "data"
    text = _PROPERTIES.format(host=HOST, port=port, inner=inner, data=data)
    _properties(folder).write_text(text, "utf-8")
    (folder / "log4j2.properties").write_text(_LOGGING, "utf-8")
    if (data / "meta.properties").exists():
        return
    cluster = base64.urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
    asked = ("format", "-t", cluster, "-c", str(_properties(folder)))
    command = _java(folder, _FORMAT, "kafka.tools.StorageTool", *asked)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    except OSError as error:
        raise StartError(f"Java does not run ({error}): see `make doctor`") from error
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise StartError(f"{data} cannot be made a Kafka broker's: {''.join(last)}")


def _properties(folder: Path) -> Path:
    return folder / "server.properties"


def _cluster(folder: Path) -> str:
    lines = (folder / "data" / "meta.properties").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)["cluster.id"]


def _java(folder: Path, options: tuple[str, ...], *words: str) -> list[str]:
    home = jars.PROJECT / "jars" / JAR_SET
    if not home.exists():
        raise StartError(f"the jars of a Kafka broker are not there: infra/jars.py {JAR_SET}")
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if os.environ.get("JAVA_HOME") else "java"
    logging = f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}"
    return [str(java), *options, logging, "-cp", f"{home}/*", *words]


def _client(address: str) -> Any:  # noqa: ANN401 - imported at run time
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - who only ends a broker needs none

    # It tells of each refused connection, and a broker that starts refuses many.
    return AdminClient(
        {"bootstrap.servers": address, "log_level": 0, "reconnect.backoff.max.ms": 200}
    )


def _answers(client: Any, cluster: str) -> bool:  # noqa: ANN401 - see _client
    """Say whether a cluster answers, and not another's broker on the same port."""
    from confluent_kafka import KafkaException  # noqa: PLC0415

    try:
        found = client.list_topics(timeout=1)
    except KafkaException:
        return False
    return bool(found.brokers) and found.cluster_id == cluster
