"""Run an object store on this machine: MinIO, or SeaweedFS, on loopback, with its own credentials.

Run: python infra/objectstore.py [--port PORT] [--bucket NAME] FOLDER

That is for a person: the store keeps its objects in FOLDER and serves until Ctrl-C. The tests use
the context managers. Credentials are made anew at each start; a server takes them from its
environment or from a file that only its owner can read, never from its command line.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra import minio as build
from infra import server
from infra.server import HOST, Server, StartError

_WEED_PORTS = ("master", "volume", "filer", "s3")


@contextmanager
def minio(folder: Path, *, port: int = 0, owner: tuple[str, str] | None = None) -> Iterator[Server]:
    """Run MinIO over `folder`, on a free port and for a new owner unless they are given.

    Raises:
        MinioError: It has not been built.
        StartError: It does not start.
    """
    key, secret = owner or server.credentials()
    chosen = port or server.free_ports(1)[0]
    variables = {
        "MINIO_ROOT_USER": key,
        "MINIO_ROOT_PASSWORD": secret,
        "MINIO_BROWSER": "off",  # a console has a port of its own
        "MINIO_UPDATE": "off",
    }
    command = [str(build.program()), "server", "--quiet", "--anonymous"]
    command += ["--certs-dir", str(server.made(folder / "certs"))]
    command += ["--address", f"{HOST}:{chosen}", str(server.made(folder / "objects"))]
    with server.process("MinIO", command, variables, folder) as process:
        url = f"http://{HOST}:{chosen}"
        server.wait_for(f"{url}/minio/health/ready", process, folder)
        yield Server("MinIO", url, key, secret, process.pid)


@contextmanager
def seaweedfs(folder: Path, *, port: int = 0) -> Iterator[Server]:
    """Run SeaweedFS over `folder`, its four servers in one process.

    Raises:
        StartError: It is not installed, or does not start.
    """
    key, secret = server.credentials()
    ports = server.free_ports(2 * len(_WEED_PORTS))
    chosen = port or ports[-1]
    rights = folder / "s3.json"
    server.write_secret(rights, _identities(key, secret))
    command = [*_weed(), f"-dir={server.made(folder / 'objects')}", f"-s3.config={rights}"]
    command += [f"-s3.port={chosen}", *_inner_ports(ports[:-1])]
    try:
        with server.process("SeaweedFS", command, {}, folder) as process:
            url = f"http://{HOST}:{chosen}"
            server.wait_for(f"{url}/healthz", process, folder)
            yield Server("SeaweedFS", url, key, secret, process.pid)
    finally:
        _sweep([chosen, *ports])


@contextmanager
def either(folder: Path, *, port: int = 0) -> Iterator[Server]:
    """Run MinIO, or, where it has not been built, SeaweedFS, which is said."""
    with ExitStack() as stack:
        try:
            started = stack.enter_context(minio(folder / "minio", port=port))
        except build.MinioError as error:
            _say(f"{error}; SeaweedFS serves instead")
            started = stack.enter_context(seaweedfs(folder / "seaweedfs", port=port))
        yield started


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM; say how the store is reached."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--port", type=int, default=0, help="a free one unless given")
    parser.add_argument("--bucket", default="lake", help="made unless it is there")
    chosen = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with either(chosen.folder.resolve(), port=chosen.port) as started:
            started.make(chosen.bucket)
            sys.stdout.write(_greeting(started, chosen.bucket))
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        _say("the store has ended; its objects stay")
    except StartError as error:
        _say(str(error))
        return 1
    return 0


def _greeting(started: Server, bucket: str) -> str:
    lines = [
        f"# {started.name} serves until Ctrl-C. In another shell:",
        *(f"export {name}={value}" for name, value in started.environment.items()),
        f".venv/bin/barlake doctor --lake s3a://{bucket}",
        f".venv/bin/barlake run --lake s3a://{bucket}",
    ]
    return "\n".join(lines) + "\n"


def _weed() -> list[str]:
    """Give the command, without what telephones home and what no lake needs."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise StartError("there is no SeaweedFS: requirements/dev.txt has it")
    off = ["-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    small = ["-master.volumeSizeLimitMB=64", "-volume.max=0"]
    return [
        *(found, "server", "-filer", "-s3", f"-ip={HOST}", f"-ip.bind={HOST}"),
        *("-s3.autoCreateBucket=false", *off, *small),
    ]


def _inner_ports(ports: Sequence[int]) -> list[str]:
    names = [f"{name}.port" for name in _WEED_PORTS if name != "s3"]
    names += [f"{name}.port.grpc" for name in _WEED_PORTS]
    return [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]


def _identities(key: str, secret: str) -> str:
    rights = ["Admin", "Read", "Write", "List", "Tagging"]
    pair = {"accessKey": key, "secretKey": secret}
    owner = {"name": "owner", "credentials": [pair], "actions": rights}
    return json.dumps({"identities": [owner]})


def _sweep(ports: Sequence[int]) -> None:
    """Remove the sockets that SeaweedFS leaves where it always puts them."""
    for port in ports:
        for left in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - its choice
            left.unlink(missing_ok=True)


def _say(sentence: str) -> None:
    sys.stderr.write(f"barlake: {sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
