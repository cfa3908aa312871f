"""The real yfinance, talking to Yahoo on loopback; nothing waits for real."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stamina
from yfinance.cache import _CookieCacheManager, _TzCacheManager
from yfinance.data import SingletonMeta

from barlake.settings import load
from barlake.sources.pace import Budget
from barlake.sources.source import Answer, Request
from barlake.sources.yahoo import YahooSource
from tests.vendor.loopback import Vendor, serving

EVENING = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
HOSTS = ("*.yahoo.com", "*.finance.yahoo.com")


@dataclass(slots=True)
class Client:
    """A source, and the one who watches it."""

    source: YahooSource
    waits: list[float]

    def ask(self, ticker: str, start: datetime, end: datetime) -> Answer:
        return self.source.fetch(Request(ticker=ticker, start=start, end=end))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for Yahoo's hosts that signs itself, with its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is needed: it makes the loopback server's certificate")
    return self_signed(tmp_path_factory.mktemp("tls"))


def self_signed(folder: Path) -> Path:
    """Make a certificate for Yahoo's hosts that signs itself; its key is in the same file."""
    file = folder / "both.pem"
    names = ",".join(f"DNS:{host}" for host in HOSTS)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-days", "2", "-subj", "/CN=loopback", "-addext", f"subjectAltName={names}"]
    both = ["-keyout", "/dev/stdout", "-out", "/dev/stdout"]
    command = ["openssl", "req", "-x509", *key, *subject, *both]
    made = subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(made.stdout)
    return file


@pytest.fixture
def vendor(certificate: Path) -> Iterator[Vendor]:
    """Yahoo, on loopback."""
    with serving(certificate) as served:
        yield served


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    """Retries do not wait; each test is a process of its own to yfinance."""
    stamina.set_testing(True, attempts=100, cap=True)
    # What a process keeps: the connection with its crumb, open caches of cookies and time zones.
    SingletonMeta._instances.clear()
    _CookieCacheManager._Cookie_cache = None
    _TzCacheManager._tz_cache = None
    yield
    stamina.set_testing(False)


def source_at(
    folder: Path,
    *,
    settings: dict[str, Any],
    at: Callable[[], datetime] = lambda: EVENING,
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> YahooSource:
    """Make a source whose budget and caches lie in a folder, with some settings of its own."""
    known = load().yahoo.model_copy(update=settings)
    budget = Budget(
        folder / "requests.sqlite",
        interval_ms=known.interval_ms,
        per_day=known.requests_per_day,
        now=now,
        sleep=sleep,
    )
    return YahooSource(settings=known, clock=at, budget=budget, sleep=sleep, cache=folder / "yahoo")


def ask_on_loopback(
    patch: pytest.MonkeyPatch, vendor: Vendor, certificate: Path, folder: Path
) -> None:
    """Send what commands ask of Yahoo to loopback, at once; they remember in a folder."""
    patch.setenv("BARLAKE_YAHOO__PROXY", vendor.address)
    patch.setenv("BARLAKE_YAHOO__CA_FILE", str(certificate))
    patch.setenv("BARLAKE_YAHOO__INTERVAL_MS", "1")
    patch.setenv("BARLAKE_YAHOO__WAIT_INITIAL_SECONDS", "0.01")
    patch.setenv("BARLAKE_YAHOO__WAIT_JITTER_SECONDS", "0")
    patch.setenv("BARLAKE_YAHOO__PAUSE_SECONDS", "0")
    patch.setattr("barlake.sources.yahoo.CACHE", folder / "cache")


@pytest.fixture
def client(vendor: Vendor, certificate: Path, tmp_path: Path) -> Callable[..., Client]:
    """Make a source that asks the loopback server, and waits for its turn on a clock of its own."""
    clock = [1_000_000.0]

    def made(*, at: Callable[[], datetime] = lambda: EVENING, **changed: Any) -> Client:
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            clock[0] += seconds

        usual = {"proxy": vendor.address, "ca_file": certificate, "timeout_seconds": 5.0}
        source = source_at(
            tmp_path, settings=usual | changed, at=at, now=lambda: clock[0], sleep=sleep
        )
        return Client(source, waits)

    return made
