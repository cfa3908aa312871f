"""A headless Chromium without a network, driven by the DevTools protocol over a pipe."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

NOWHERE = "127.0.0.1:9"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)
PATIENCE = 30  # seconds without a word, after which a test fails instead of hanging
# The protocol speaks on descriptors 3 and 4.
_ON_THREE_AND_FOUR = """
import os, sys
given, kept = [int(at) for at in sys.argv[1:3]], (60, 61)
for one, other in [*zip(given, kept), *zip(kept, (3, 4))]:
    os.dup2(one, other)
os.execv(sys.argv[3], sys.argv[3:])
"""
PHONE, DESK = (390, 844), (1280, 900)


def binary() -> str | None:
    """Give the browser of this machine, if it has one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass(slots=True)
class Tab:
    """One page under test, and all that it complained about or asked of a network."""

    asks: BinaryIO
    answers: int
    heard: bytes = b""
    session: str = ""
    count: int = 0
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """Call a method of the protocol, and take note of what happens meanwhile."""
        self.count += 1
        told = {"id": self.count, "method": method, "params": values}
        self.asks.write(json.dumps(told | self._in()).encode() + b"\0")
        self.asks.flush()
        while (answer := self._next()).get("id") != self.count:
            self._note(answer)
        assert "error" not in answer, answer
        return dict(answer["result"])

    def _in(self) -> dict[str, str]:
        return {"sessionId": self.session} if self.session else {}

    def open(self, page: Path | str, fragment: str = "", *, size: tuple[int, int] = DESK) -> None:
        """Open a file, or an address that may be reached, and wait until it is drawn."""
        width, height = size
        is_phone = size == PHONE
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=is_phone,
        )
        self.seen.clear()
        self.call("Page.navigate", url="about:blank")
        self._until("Page.loadEventFired")
        address = page if isinstance(page, str) else page.as_uri()
        self.call("Page.navigate", url=address + fragment)
        self.settle()

    def settle(self) -> None:
        """Wait until the page under way is loaded and drawn."""
        self._until("Page.loadEventFired")
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def dress(self, scheme: str) -> None:
        """Prefer `light` or `dark`, from the next page on."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def run(self, script: str) -> Any:
        """Give what an expression is worth on the page."""
        found = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def text(self, selector: str) -> str:
        """Give the text of the first element that fits."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).textContent.trim()"))

    def press(self, key: str) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def mouse(self, kind: str, x: float, y: float) -> None:
        """Move, press or release the mouse."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def shoot(self, *, whole: bool = False) -> bytes:
        """Give a picture of what is in sight, or of the whole page, as PNG."""
        found = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(found["data"])

    def _until(self, event: str) -> None:
        while event not in self.seen:
            self._note(self._next())
        self.seen.discard(event)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.heard:
            ready, _, _ = select.select([self.answers], [], [], PATIENCE)
            assert ready, "the browser says no more"
            said = os.read(self.answers, 1 << 16)
            assert said, "the browser is gone"
            self.heard += said
        text, _, self.heard = self.heard.partition(b"\0")
        return dict(json.loads(text))

    def _note(self, event: dict[str, Any]) -> None:
        method, told = event.get("method", ""), event.get("params", {})
        self.seen.add(method)
        if method in {"Runtime.exceptionThrown", "Log.entryAdded"}:
            self.complaints.append(json.dumps(told))
        if method == "Runtime.consoleAPICalled":
            self.complaints.append(json.dumps(told["args"]))
        if method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])


def _shut(reach: str | None) -> tuple[str, ...]:
    """Give the flags by which whatever asks for a host gets none, but for one address.

    An address that needs no resolving is sent to a proxy that is not there; loopback as well.
    """
    excluded = "" if reach is None else f" , EXCLUDE {reach.partition(':')[0]}"
    direct = "" if reach is None else f";{reach}"
    return (
        f"--host-resolver-rules=MAP * ~NOTFOUND{excluded}",
        f"--proxy-server={NOWHERE}",
        f"--proxy-bypass-list=<-loopback>{direct}",
    )


@contextmanager
def tab(reach: str | None = None) -> Iterator[Tab]:
    """Start the browser on a fresh profile, give its one tab, and end the browser.

    `reach` is the one address, 127.0.0.1:PORT, that it may talk to; None is a shut network.
    """
    to_browser, asks = os.pipe()
    answers, from_browser = os.pipe()
    found = binary()
    assert found is not None
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        program = [found, *FLAGS, *_shut(reach), f"--user-data-dir={profile}"]
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _ON_THREE_AND_FOUR,
                str(to_browser),
                str(from_browser),
                *program,
            ],
            pass_fds=(to_browser, from_browser),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        try:
            with os.fdopen(asks, "wb") as sending:
                page = Tab(sending, answers)
                target = page.call("Target.createTarget", url="about:blank")["targetId"]
                attached = page.call("Target.attachToTarget", targetId=target, flatten=True)
                page.session = attached["sessionId"]
                for domain in ("Page", "Runtime", "Log", "Network"):
                    page.call(f"{domain}.enable")
                yield page
                page.session = ""
                page.call("Browser.close")
                process.wait(timeout=30)
        finally:
            os.close(answers)
            process.kill()
            process.wait()
