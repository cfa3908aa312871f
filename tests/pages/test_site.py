"""How pages come into the lake's folder: alike, whole, and when something changed."""

import hashlib
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

import barlake
from barlake import steps_look
from barlake.io import history
from barlake.model import ops
from barlake.model.errors import QualityError
from barlake.model.table import Table
from barlake.options import Options
from barlake.pages import site as pages
from barlake.readers.frames import OpenLake
from barlake.settings import Settings
from tests.lake.victim import command, environment
from tests.pages.tables import made_up


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_pages_made_twice_of_one_lake_are_the_same_bytes(root: Path, site: Path) -> None:
    first = digests(site)
    for name in first:
        if not name.startswith("quality/"):  # a run's own report, which that run made
            (site / name).unlink()

    made = subprocess.run(
        command("pages", "--lake", str(root)), check=True, capture_output=True, env=environment()
    )

    assert b"6 pages" in made.stdout
    assert digests(site) == first


def test_a_lake_without_news_gets_no_page_anew(
    lake: OpenLake, site: Path, conf: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(site)
    monkeypatch.setattr(pages, "render", lambda *_: pytest.fail("a page was made anew"))

    done = pages.publish(barlake.open(lake.store), conf.pages, as_of=None)

    assert done["written"] == []
    assert done["pages"] == 6
    assert digests(site) == before


def test_a_page_that_was_lost_is_made_again(lake: OpenLake, site: Path, conf: Settings) -> None:
    before = digests(site)
    (site / "ticker" / "MSFT.html").unlink()

    done = pages.publish(lake, conf.pages, as_of=None)

    assert done["written"] == ["pages/ticker/MSFT.html"]
    assert digests(site) == before


def test_only_the_pages_that_read_a_changed_table_are_made_anew(
    tmp_path: Path, conf: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    lake = made_up(tmp_path, {})
    versions: dict[Table, int] = {}
    monkeypatch.setattr(history, "latest", lambda _, table: versions.get(table, -1))
    monkeypatch.setattr(history, "live_files", lambda *_: {})
    monkeypatch.setattr(pages, "render", noting(made))
    pages.publish(lake, conf.pages, as_of=None)
    made.clear()

    versions[ops.DQ_RESULTS] = 1
    pages.publish(lake, conf.pages, as_of=None)

    assert made == ["quality", "index"]


def noting(made: list[str]) -> Callable[..., str]:
    def render(_: str, path: str, *__: object) -> str:
        made.append(path)
        return path

    return render


def test_a_run_report_is_linked_where_it_stands(tmp_path: Path, conf: Settings) -> None:
    runs = [{"run_id": name, "job": "run", "status": "ok"} for name in ("a:1+x", "b")]
    lake = made_up(tmp_path, {ops.RUNS: runs})
    pages.publish(lake, conf.pages, as_of=None)
    page = tmp_path / "pages" / "quality.html"
    assert "/index.html" not in page.read_text().split("<main", 1)[1]

    lake.store.put("pages/quality/a:1+x/index.html", b"report")
    pages.publish(lake, conf.pages, as_of=None)

    assert page.read_text().count('href="quality/a%3A1%2Bx/index.html"') == 1
    assert "quality/b/" not in page.read_text()


def test_an_empty_lake_has_pages_that_say_so(tmp_path: Path, conf: Settings) -> None:
    done = pages.publish(made_up(tmp_path, {}), conf.pages, as_of=None)

    assert done["pages"] == 3
    told = {name: (tmp_path / "pages" / f"{name}.html").read_text() for name in ("index", "gaps")}
    assert "holds no bars yet" in told["index"]
    assert "No session was loaded yet" in told["gaps"]


def test_the_chart_library_is_the_one_that_its_notice_names() -> None:
    static = Path(pages.__file__).parent / "static"
    library = (static / "lightweight-charts-5.2.1.js").read_bytes()

    notice = (static / "lightweight-charts-NOTICE.txt").read_text()

    assert hashlib.sha256(library).hexdigest() in notice
    assert "Apache License" in (static / "lightweight-charts-LICENSE.txt").read_text()


def test_two_hundred_tickers_over_sixty_sessions_stay_small(large: Path) -> None:
    written = (large / "gaps.html").stat().st_size

    assert len(list((large / "ticker").glob("*.html"))) == 200
    assert written < 1_500_000, f"{written:,} bytes"


@pytest.mark.parametrize(
    ("fault", "made"), [(None, 1), (QualityError("blocked"), 1), (OSError("the disk is full"), 0)]
)
def test_a_run_that_ended_or_was_blocked_makes_pages_and_a_broken_one_none(
    monkeypatch: pytest.MonkeyPatch, fault: Exception | None, made: int
) -> None:
    calls: list[Options] = []
    monkeypatch.setattr(steps_look, "pages", calls.append)
    body = ExitStack()
    if fault:
        body.enter_context(pytest.raises(type(fault)))

    with body, steps_look.shown(Options()) as took:
        assert calls == []
        if fault:
            raise fault

    assert len(calls) == made
    assert ("pages" in took) == (fault is None)
