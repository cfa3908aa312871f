"""A server that runs on this machine for a while: on loopback, with credentials of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HOST = "127.0.0.1"
REGION = "us-east-1"
START_SECONDS = 60.0
# A store may wait for the connections that its clients keep; what it has acknowledged it has kept.
END_SECONDS = 5.0


class StartError(Exception):
    """A store does not start."""


class Server(NamedTuple):
    """An object store that runs: `url` is its endpoint."""

    name: str
    url: str
    key: str
    secret: str
    pid: int

    @property
    def port(self) -> int:
        """Give the port of the endpoint."""
        return int(self.url.rpartition(":")[2])

    @property
    def environment(self) -> dict[str, str]:
        """Give the variables by which barlake, and every other client, reaches it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "BARLAKE_LAKE__ENDPOINT": self.url,
            "BARLAKE_LAKE__REGION": REGION,
            "BARLAKE_LAKE__PATH_STYLE": "true",
        }

    def client(self, service: str = "s3") -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """Give boto3's client, with the rights of the store's owner."""
        import boto3  # noqa: PLC0415 - who only starts a store needs none

        return boto3.session.Session().client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def make(self, bucket: str) -> None:
        """Make a bucket, unless it is there."""
        client = self.client()
        if bucket not in [known["Name"] for known in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket=bucket)
        client.close()


@contextmanager
def process(
    name: str, command: list[str], variables: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, its words in `folder`/log; at the end it is asked to go, then made to.

    Raises:
        StartError: The command cannot be run.
    """
    environment = {**os.environ, **variables, "HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        try:
            # Its own session: Ctrl-C is for us, who then end it.
            running = subprocess.Popen(  # noqa: S603 - our own command
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        except OSError as error:
            raise StartError(f"{name} does not run: {error}") from error
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def wait_for(url: str, running: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until `url` answers.

    Raises:
        StartError: The server has ended, or a minute is over.
    """
    until = time.monotonic() + START_SECONDS
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until and running.poll() is None:
        try:
            direct.open(url, timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    last = (folder / "log").read_text("utf-8", "replace").strip().splitlines()[-1:]
    raise StartError(f"{url} does not answer: {''.join(last) or 'no word of why'}")


def credentials() -> tuple[str, str]:
    """Make a key and its secret."""
    return secrets.token_hex(10), secrets.token_hex(20)


def free_ports(count: int) -> list[int]:
    """Give ports of loopback that nobody listens on, as far as one can know."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def made(folder: Path) -> Path:
    """Make a folder, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    made(path.parent)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
