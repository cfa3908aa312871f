"""What surrounds a job's one call: session, lease, lake, run record."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog

from barlake import log
from barlake.io import lease
from barlake.io.access import Access
from barlake.io.store import Store, open_store
from barlake.model.errors import BarlakeError, InputError, QualityError
from barlake.model.jobs import Job
from barlake.model.tables import TABLES
from barlake.options import Clock, Options
from barlake.progress import Progress
from barlake.settings import Settings, load

if TYPE_CHECKING:
    from barlake.pipelines.books import Ending
    from barlake.pipelines.underway import Night

logger = structlog.get_logger()

# A run's id becomes a file's name; Airflow's ids hold colons and pluses.
RUN_ID = r"[A-Za-z0-9_][A-Za-z0-9_.:+-]{0,199}"

# Of a run that broke or was stopped; docs/runbook.md says more.
DO = {
    "failed": "run it again: what landed is taken up; if it ends so again, add --debug",
    "blocked": "look at the report; running it again alone changes nothing",
}


@contextmanager
def running(
    job: Job, options: Options, *, ready: Callable[[], object] = lambda: None
) -> Iterator["Night"]:
    """Run a job's body: its tables exist, those it writes are leased, its end is in ops.runs.

    `ready` is called once Spark is up, before the first table is made: what took a while to start
    may find its input changed.

    Raises:
        BarlakeError: As the body does, or BusyError, before anything is written.
    """
    settings, store, clock = opened(options)
    run_id = options.run_id
    if run_id is None:
        run_id = os.environ.get("BARLAKE_RUN_ID") or f"manual-{uuid4()}"
    if not re.fullmatch(RUN_ID, run_id):
        raise InputError(f"the run id {run_id[:60]!r} is none: 1 to 200 of A-Z a-z 0-9 . _ : + -")
    log.configure(job=job.name, run_id=run_id)
    run = {
        "run_id": run_id,
        "job": job.name,
        "started_at": clock.now().isoformat(),
        "process": os.getpid(),
        "expires_seconds": settings.lake.lease_seconds,
        "code_version": version("barlake"),
        "config_hash": settings.digest,
    }
    _require_a_fit(store)
    with _one_sentence(store), ExitStack() as held:
        fences = held.enter_context(lease.lease(store, job.writes, run))
        dead = [found for found in lease.abandoned(store) if found["run_id"] != run_id]
        held.enter_context(lease.recorded(store, run))
        try:
            night = _night(settings, store, clock, run, ready)
            night.lake.fence(fences)
            yield from _watched(night, run, clock, dead)
        except InputError:
            lease.forget(store, run_id)
            raise


def opened(options: Options) -> tuple[Settings, Store, Clock]:
    """Give the settings, the lake's store and the clock that the options name."""
    settings = load(options.environment)
    return (
        settings,
        open_store(
            settings.lake.root if options.lake is None else options.lake, Access.of(settings.lake)
        ),
        Clock(options.as_of),
    )


@contextmanager
def _one_sentence(store: Store) -> Iterator[None]:
    """Raise what a bucket refused to Spark as the store's own refusal."""
    try:
        yield
    except BarlakeError:
        raise
    except Exception as error:
        told = None if store.access is None else _refusal(error, store)
        if told is None:
            raise
        raise told from error


def _refusal(error: Exception, store: Store) -> BarlakeError | None:
    from barlake.io.spark_errors import refusal  # noqa: PLC0415 - brings boto3

    return refusal(error, store.address)


def _require_a_fit(store: Store) -> None:
    """Refuse, before anything is written, a bucket that would lose commits."""
    if store.access is not None:
        from barlake.io.contract import require_conditional_put  # noqa: PLC0415 - brings boto3

        require_conditional_put(store)


def _night(
    settings: Settings,
    store: Store,
    clock: Clock,
    run: dict[str, Any],
    ready: Callable[[], object],
) -> "Night":
    from barlake.io.lake import Lake  # noqa: PLC0415 - brings Spark; a refused run needs none
    from barlake.io.spark import open_session  # noqa: PLC0415
    from barlake.pipelines.underway import Night  # noqa: PLC0415

    progress = Progress()
    with progress.step("start"):
        spark = open_session(f"barlake {run['job']}", run["run_id"], store.access)
        ready()
        lake = Lake(spark, store, run["run_id"], clock.now())
        with lease.creation(store, run):
            lake.create(TABLES)
    return Night(lake, settings, progress)


def _watched(
    night: "Night", run: dict[str, Any], clock: Clock, dead: list[dict[str, Any]]
) -> Iterator["Night"]:
    close = _closing(night, run, clock, dead)
    try:
        yield night
    except InputError:
        night.lake.clear_staging(run["run_id"])
        raise
    except Exception as fault:
        status = "blocked" if isinstance(fault, QualityError) else "failed"
        told = {name: night.detail[name] for name in ("verdict",) if name in night.detail}
        night.detail = {"fault": f"{type(fault).__name__}: {fault}"[:2000], **told}
        _close_at_last(close, status)
        logger.error(status, reason=night.detail["fault"].partition("\n")[0][:500], do=DO[status])
        raise
    close("blocked" if night.missing else "ok")
    logger.info("finished", seconds=round(sum(night.progress.seconds.values()), 1))


def _close_at_last(close: Callable[[str], None], status: str) -> None:
    """Write the end of a run that broke; what broke it is told, even if that fails as well."""
    try:
        close(status)
    except Exception as unwritten:  # noqa: BLE001 - the run's record stays for the next one
        reason = str(unwritten).strip().partition("\n")[0][:500]
        logger.warning("end not written", status=status, reason=reason)


def _closing(
    night: "Night", run: dict[str, Any], clock: Clock, dead: list[dict[str, Any]]
) -> Callable[[str], None]:
    from barlake.pipelines import books  # noqa: PLC0415 - brings Spark
    from barlake.pipelines.freshness import note_arrivals  # noqa: PLC0415
    from barlake.pipelines.labels import label_close  # noqa: PLC0415

    def close(status: str) -> None:
        """Write the run's end, and the ends of the runs that died."""
        after = night.versions()
        with night.progress.step("books"):
            note_arrivals(night, run["job"], clock.now())
            silver = (night.before["silver.bars_1m"], after["silver.bars_1m"])
            books.record(
                night.lake,
                _ending(night, run, clock, status),
                ingested=night.ingested,
                apart=night.apart,
                versions=silver,
                abandoned=dead,
            )
        if status == "ok":
            label_close(night, run["job"])
        for found in (run, *dead):
            night.lake.clear_staging(found["run_id"])
            lease.forget(night.lake.store, found["run_id"])
        lease.clear_unwritten(night.lake.store)

    return close


def _ending(night: "Night", run: dict[str, Any], clock: Clock, status: str) -> "Ending":
    from barlake.pipelines.books import Ending  # noqa: PLC0415 - brings Spark

    return Ending(
        run_id=run["run_id"],
        job=run["job"],
        started_at=night.lake.now,
        finished_at=clock.now(),
        status=status,
        code_version=run["code_version"],
        config_hash=run["config_hash"],
        commits=night.commits,
        # The books themselves are not closed yet, and pages come after them.
        detail={**night.detail, "seconds": dict(night.progress.seconds)},
        findings=night.findings,
        results=night.results,
        gated=night.gated,
        report=night.verdict.report if night.verdict else None,
    )
