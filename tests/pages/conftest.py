"""One lake from Spark for all these tests, and its pages; a browser where there is one."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import barlake
from barlake.model.jobs import RUN
from barlake.options import Options
from barlake.pages.site import publish
from barlake.pipelines.asking import fetched
from barlake.pipelines.night import run
from barlake.pipelines.plan import plan_range
from barlake.pipelines.underway import Wanted
from barlake.readers.frames import OpenLake
from barlake.runtime import running
from barlake.settings import Settings
from barlake.sources.manners import Chance, Correction, Manners
from barlake.sources.simulated import SimulatedSource
from tests.few_rows import few_rows
from tests.pages.browser import Tab, binary, tab
from tests.pages.nights import nights, reports
from tests.pages.tables import crowd, made_up

TICKERS = ["AAPL", "MSFT", "NVDA"]
FIRST, HALTED, LAST = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 27)
EVENING = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three tickers, three sessions, one of them short; a halt, and bars corrected overnight."""
    corrections = tuple(
        Correction(ticker="AAPL", session_date=HALTED, known_at=MORNING, minute=minute)
        for minute in (60, 95, 300)
    )
    usual = replace(Manners.usual(), outages=Chance(), rate_limits=Chance(), splits=Chance())
    manners = replace(
        usual,
        sparse=Chance(0.0),
        halts=Chance(0.0, (("AAPL", HALTED),)),
        corrections=Chance(0.0, corrections),
    )
    folder = tmp_path_factory.mktemp("pages") / "simulated"
    options = Options(lake=str(folder), as_of=MORNING, run_id="morning")
    with few_rows(spark), running(RUN, options) as night:
        # One run that ingests two fetches: half the cost of two.
        evening = SimulatedSource(seed=7, clock=lambda: EVENING, manners=manners)
        fetched(night, evening, plan_range(night.settings.source, TICKERS, FIRST, LAST), Wanted())
        morning = SimulatedSource(seed=7, clock=lambda: MORNING, manners=manners)
        # The night would not ask again for what landed since the last close, and waits.
        fetched(
            night, morning, plan_range(night.settings.source, TICKERS, HALTED, HALTED), Wanted()
        )
        run(night, morning, Wanted(start=HALTED, end=HALTED), TICKERS)
    return folder


@pytest.fixture(scope="session")
def lake(root: Path) -> OpenLake:
    return barlake.open(str(root))


@pytest.fixture(scope="session")
def site(lake: OpenLake, conf: Settings) -> Path:
    """The folder of the lake's pages."""
    publish(lake, conf.pages, as_of=None)
    return Path(lake.store.address) / "pages"


@pytest.fixture(scope="session")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> OpenLake:
    """200 tickers over 60 sessions."""
    root = tmp_path_factory.mktemp("large") / "lake"
    return made_up(root, crowd(tickers=200, sessions=60))


@pytest.fixture(scope="session")
def large(crowded: OpenLake, conf: Settings) -> Path:
    """The folder of that lake's pages."""
    publish(crowded, conf.pages, as_of=None)
    return Path(crowded.store.address) / "pages"


@pytest.fixture(scope="session")
def nightly(tmp_path_factory: pytest.TempPathFactory, conf: Settings) -> Path:
    """The folder of the pages of thirty nights' gates."""
    root = tmp_path_factory.mktemp("nightly") / "lake"
    lake = made_up(root, nights(conf.quality.rules))
    for report in reports():
        lake.store.put(report, b"a report")
    publish(lake, conf.pages, as_of=None)
    return root / "pages"


@pytest.fixture(scope="session")
def browser() -> Iterator[Tab]:
    if binary() is None:
        pytest.skip("no Chromium here, so no page was looked at: install chromium")
    with tab() as opened:
        yield opened


@pytest.fixture
def chrome(browser: Tab) -> Iterator[Tab]:
    """A tab that has complained of nothing yet, and must not."""
    browser.complaints.clear()
    browser.asked.clear()
    browser.dress("light")
    yield browser
    assert browser.complaints == []
    assert [u for u in browser.asked if not u.startswith(("file:", "data:", "about:"))] == []


@pytest.fixture(scope="session")
def keep() -> Callable[[str, bytes], None]:
    """Keep a picture where $BARLAKE_SHOTS names a folder for them."""
    folder = os.environ.get("BARLAKE_SHOTS")

    def write(name: str, picture: bytes) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            (Path(folder) / f"{name}.png").write_bytes(picture)

    return write
