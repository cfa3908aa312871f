"""What each command does, given its arguments: the one call that it makes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from barlake import calendar, landing, releases, steps_look, universe
from barlake.model import jobs
from barlake.model.errors import InputError
from barlake.model.landed import Kind
from barlake.options import Clock, Options
from barlake.runtime import opened, running
from barlake.sections import SourceSettings
from barlake.settings import CONF
from barlake.sources.source import Source, asking

if TYPE_CHECKING:
    from barlake.pipelines.underway import Night, Wanted

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run was asked for, checked."""

    source: str | None
    path: Path | None
    tickers: tuple[str, ...] | None
    start: date | None
    end: date | None
    is_daily: bool = False

    @classmethod
    def of(
        cls,
        source: str | None,
        path: Path | None,
        tickers: str | None,
        start: datetime | None,
        end: datetime | None,
        *,
        interval: str | None = None,
    ) -> "Asked":
        """Check the arguments before anything starts.

        Raises:
            InputError: They contradict each other, or a ticker is malformed.
        """
        if path and source not in (None, "files"):
            raise InputError(f"--from is for --source files, not for {source}")
        if source == "files" and not path:
            raise InputError("--source files needs --from PATH: a CSV or Parquet file, or a folder")
        days = range_of(start, end)
        names = None if tickers is None else tuple(universe.parse(tickers))
        chosen = source or ("files" if path else None)
        is_daily = interval == "1d"
        return cls(
            source=chosen, path=path, tickers=names, start=days[0], end=days[1], is_daily=is_daily
        )

    @property
    def wanted(self) -> "Wanted":
        """The same in the pipelines' words."""
        from barlake.pipelines.underway import Wanted  # noqa: PLC0415 - brings Spark

        return Wanted(start=self.start, end=self.end, is_daily=self.is_daily)


def range_of(start: datetime | None, end: datetime | None) -> tuple[date | None, date | None]:
    """Check a range of session dates: both ends or none, in order."""
    if (start is None) != (end is None):
        raise InputError("--start and --end go together; both are inclusive")
    if start and end and start > end:
        raise InputError(f"--start {start.date()} is after --end {end.date()}")
    if end:
        calendar.horizon(end)
    return start.date() if start else None, end.date() if end else None


def run(options: Options, asked: Asked) -> dict[str, Any]:
    """Do a whole night."""
    source, names = _source(options, asked)
    _read_first(source, Kind.DAILY if asked.is_daily else Kind.MINUTES)
    from barlake.pipelines import night as pipeline  # noqa: PLC0415 - brings Spark
    from barlake.summary import summary  # noqa: PLC0415

    ready = partial(source.requests, [])
    with steps_look.shown(options) as took, running(jobs.RUN, options, ready=ready) as night:
        pipeline.run(night, source, asked.wanted, names)
    night.progress.seconds.update(took)
    return summary(night)


def fetch(options: Options, asked: Asked) -> dict[str, Any]:
    """Land what a source serves; a range is needed where there is no lake to tell what it lacks."""
    source, names = _source(options, asked)
    _read_first(source, Kind.DAILY if asked.is_daily else Kind.MINUTES)
    from barlake.pipelines import asking  # noqa: PLC0415 - brings Spark
    from barlake.summary import cut_off, unasked  # noqa: PLC0415

    with running(jobs.FETCH, options, ready=partial(source.requests, [])) as night:
        requests = asking.planned(night, source, asked.wanted, names)
        batches = asking.fetched_rest(night, source, requests, asked.wanted)
    facts = [fact for batch in batches for fact in batch.facts]
    return {
        "run_id": night.lake.run_id,
        **cut_off(night),
        **unasked(night),
        "batches": [batch.name for batch in batches],
        "requests": len(facts),
        "rows": sum(fact.rows for fact in facts),
        "outcomes": _counted([fact.outcome.value for fact in facts]),
    }


def ingest(options: Options) -> dict[str, Any]:
    """Ingest what waits in landing/."""

    def body(night: "Night") -> None:
        from barlake.pipelines.asking import pending  # noqa: PLC0415 - brings Spark
        from barlake.pipelines.stages import run_ingest  # noqa: PLC0415 - brings Spark

        run_ingest(night, pending(night.lake))

    return _step(jobs.INGEST, options, body)


def silver(options: Options, start: datetime | None, end: datetime | None) -> dict[str, Any]:
    """Bring sessions to silver: those of a range, and those that wait."""
    days = _sessions(start, end)

    def body(night: "Night") -> None:
        from barlake.pipelines.stages import run_silver  # noqa: PLC0415 - brings Spark

        run_silver(night, days)

    return _step(jobs.SILVER, options, body)


def gold(options: Options, start: datetime | None, end: datetime | None) -> dict[str, Any]:
    """Bring sessions to gold: those of a range, and those whose silver changed."""
    days = _sessions(start, end)

    def body(night: "Night") -> None:
        from barlake.pipelines.stages import run_gold  # noqa: PLC0415 - brings Spark

        run_gold(night, days)

    return _step(jobs.GOLD, options, body)


def reconcile(options: Options) -> dict[str, Any]:
    """Hold what changed against daily bars, and against the stream; `gold` comes before it."""
    from barlake.pipelines.parity import run_comparisons  # noqa: PLC0415 - brings Spark

    return _step(jobs.RECONCILE, options, run_comparisons)


def optimize(options: Options) -> dict[str, Any]:
    """Lay out what changed."""

    def body(night: "Night") -> None:
        from barlake.pipelines.stages import run_optimize  # noqa: PLC0415 - brings Spark

        run_optimize(night)

    return _step(jobs.OPTIMIZE, options, body)


def rebuild(options: Options, origin: str | None) -> dict[str, Any]:
    """Make a lake again from another one's landing/."""
    from barlake.pipelines import rebuild as pipeline  # noqa: PLC0415 - brings Spark

    _, store, _ = opened(Options(lake=origin, environment=options.environment))
    _, target, _ = opened(options)
    known = pipeline.landed(store, target)

    def body(night: "Night") -> None:
        landing.copy(store, target, known)
        releases.copy(store, target)
        pipeline.rebuild(night)

    return _step(jobs.REBUILD, options, body)


def _step(job: jobs.Job, options: Options, body: "Callable[[Night], None]") -> dict[str, Any]:
    from barlake.summary import summary  # noqa: PLC0415 - brings Spark

    with running(job, options) as night:
        body(night)
    return summary(night)


def _source(options: Options, asked: Asked) -> tuple[Source, Sequence[str]]:
    settings, _, clock = opened(options)
    name = asked.source or settings.source.name
    names = asked.tickers or universe.parse(f"@{CONF / 'tickers.txt'}")
    if name == "files":
        return _files(asked, clock), names
    if name == "yahoo":
        from barlake.sources.yahoo import of_this_host  # noqa: PLC0415 - brings yfinance

        return of_this_host(settings.yahoo, clock.now), names
    return _simulated(settings.source, clock), names


def _files(asked: Asked, clock: Clock) -> Source:
    from barlake.sources.files import FilesSource  # noqa: PLC0415

    if asked.path is None:
        raise InputError("the source is files: give --from PATH")
    if asked.start:
        logger.warning("range ignored", reason="--start and --end ask a vendor; files are whole")
    now = clock.now()  # one instant: the files of a folder are one delivery
    return FilesSource(path=asked.path, clock=lambda: now, asked=asked.tickers)


def _simulated(settings: SourceSettings, clock: Clock) -> Source:
    from barlake.sources.manners import Manners  # noqa: PLC0415
    from barlake.sources.simulated import SimulatedSource  # noqa: PLC0415

    return SimulatedSource(seed=settings.seed, clock=clock.now, manners=Manners.usual())


def _read_first(source: Source, kind: Kind) -> None:
    """Find what is wrong with files before Spark starts; other sources are asked later."""
    if source.name == "files":
        for request in source.requests([]):
            asking(source, kind)(request)


def _sessions(start: datetime | None, end: datetime | None) -> list[date]:
    first, last = range_of(start, end)
    if first is None or last is None:
        return []
    return [day.session_date for day in calendar.between(first, last)]


def _counted(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in sorted(set(words))}
