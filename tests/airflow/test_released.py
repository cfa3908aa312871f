"""Yahoo on loopback under a real scheduler: a night that the gate blocks, and a release."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from barlake import calendar, releases
from barlake.io.folder import Folder
from tests.airflow.scheduled import AFTER_CLOSE, DAG, Scheduler, scheduled, wait_for
from tests.lake.invariants import assert_keys_are_unique, contents
from tests.vendor.charts import day_of
from tests.vendor.conftest import self_signed
from tests.vendor.loopback import Vendor, serving

pytestmark = pytest.mark.drill

RELEASE = "release_quarantine"
DEAR = 20_000_000.0  # beyond price_range, which somebody may release


@dataclass(frozen=True)
class Story:
    """A blocked night, what its tables held, the release, and the night gone on with."""

    scheduler: Scheduler
    folder: Path
    vendor: Vendor
    night: str
    blocked: dict[tuple[str, int], str]
    verdict: str
    published: int
    released: str
    why: str
    after: str

    @property
    def root(self) -> Path:
        """The lake."""
        return Path(self.scheduler.lake)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("released")
    certificate = self_signed(folder)
    with serving(certificate) as vendor:
        session = newest()
        vendor.bars = {"AAPL": day_of(session)[:100], "DEAR": day_of(session, base=DEAR)}
        settings = {
            "BARLAKE_SOURCE__NAME": "yahoo",
            "BARLAKE_TICKERS": "AAPL,DEAR",
            "BARLAKE_YAHOO__PROXY": vendor.address,
            "BARLAKE_YAHOO__CA_FILE": str(certificate),
            "BARLAKE_YAHOO__INTERVAL_MS": "1",
            "XDG_CACHE_HOME": str(folder / "cache"),
        }
        with scheduled(folder, str(folder / "lake"), settings) as scheduler:
            yield told(scheduler, folder, vendor)


def newest() -> date:
    """Give the session of the run that begins by itself."""
    [session] = calendar.closed_before(datetime.now(UTC) - AFTER_CLOSE, 1)
    return session.session_date


def told(scheduler: Scheduler, folder: Path, vendor: Vendor) -> Story:
    client = scheduler.client
    client.unpause(DAG)
    client.unpause(RELEASE)
    wait_for(lambda: bool(client.runs(DAG)))
    [night] = client.runs(DAG)
    assert scheduler.over(night) == "failed"
    blocked, words = scheduler.ended(night), client.log(DAG, night, "verdict")
    published = len(contents(Path(scheduler.lake)).get("silver.bars_1m", []))

    form = {"by": "ann", "why": "that dear it is", "rule": "price_range", "ticker": "DEAR"}
    release = client.trigger(RELEASE, form)
    wait_for(lambda: scheduler.task(release, "approve", RELEASE)["state"] == "awaiting_input")
    scheduler.approve(RELEASE, release, "approve")
    released = scheduler.over(release, RELEASE)
    [decision] = releases.landed(Folder(Path(scheduler.lake)))

    scheduler.clear(night, "silver")
    return Story(
        *(scheduler, folder, vendor, night, blocked, words, published),
        *(released, decision.why, scheduler.over(night)),
    )


def test_what_the_gate_blocks_is_not_published_and_the_report_is_named(story: Story) -> None:
    ended = story.blocked
    assert (ended["silver", -1], ended["verdict", -1]) == ("success", "failed")
    assert (ended["gold", -1], ended["complete", -1]) == ("upstream_failed", "upstream_failed")
    assert ended["pages", -1] == "success"
    assert "batch_refused_most" in story.verdict
    report = story.root / "pages" / "quality" / f"{story.night}.silver" / "index.html"
    assert str(report) in story.verdict
    assert report.is_file()
    assert story.published == 0


def test_who_approved_is_kept_with_the_rows(story: Story) -> None:
    assert story.released == "success"
    assert story.why == "that dear it is (approved by admin)"


def test_the_night_goes_on_when_it_was_released(story: Story) -> None:
    assert story.after == "success"
    found = contents(story.root)
    assert_keys_are_unique(found)
    observed = [row["ticker"] for row in found["silver.bars_1m"] if not row["is_filled"]]
    minutes = len(story.vendor.bars["DEAR"]) - 1  # the auction's is no minute of the session
    assert observed.count("AAPL") == 100
    assert observed.count("DEAR") in {minutes, minutes + 1}
    assert {row["ticker"] for row in found["gold.bars"]} == {"AAPL", "DEAR"}


def test_each_ticker_was_asked_for_once(story: Story) -> None:
    minutes = [asked.ticker for asked in story.vendor.charts if asked.query["interval"] == "1m"]
    assert sorted(minutes) == ["AAPL", "DEAR"]
