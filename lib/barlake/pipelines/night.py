"""All steps of a night in one Spark session."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake import calendar, landing, releases
from barlake.checks.verdict import Verdict
from barlake.io import arrow, history
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import ops, silver
from barlake.model.errors import QualityError
from barlake.model.landed import RELEASE_SOURCE, Facts, Release
from barlake.model.tables import TABLES
from barlake.pipelines import books
from barlake.pipelines.asked import settled_since, still_wanted, unanswered
from barlake.pipelines.delivery import sessions_of
from barlake.pipelines.fetch import fetch, whole_range
from barlake.pipelines.gate import judge_batch, received_by
from barlake.pipelines.gold import build_gold
from barlake.pipelines.ingest import Ingested, ingest
from barlake.pipelines.maintain import optimize
from barlake.pipelines.plan import plan, plan_range, set_aside
from barlake.pipelines.reconcile import Reconciled, reconcile
from barlake.pipelines.silver import build_silver
from barlake.progress import Progress
from barlake.settings import Settings
from barlake.sources.source import DailySource, Request, Source


@dataclass(slots=True)
class Night:
    """One run under way: what its steps use, and what they leave for ops and for the reader.

    `findings` become rows of ops.dq_results at the end, however that is; `run_id` is set there.
    `missing` are the requests that a real vendor left without an answer.
    """

    lake: Lake
    settings: Settings
    progress: Progress
    commits: dict[str, list[Commit]] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    ingested: Ingested | None = None
    reconciled: Reconciled | None = None
    sessions: list[date] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    verdict: Verdict | None = None
    missing: list[Facts] = field(default_factory=list)
    before: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.versions()

    def versions(self) -> dict[str, int]:
        """Give every table's newest version."""
        return {str(table): self.lake.version(table) for table in TABLES}

    def keep(self, commits: dict[str, Commit | None]) -> None:
        """Remember what a step committed."""
        for table, commit in commits.items():
            if commit is not None:
                self.commits.setdefault(table, []).append(commit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The sessions that a run was asked for; without them, whatever the lake lacks.

    `is_daily`: daily bars alone, no minutes.
    """

    start: date | None = None
    end: date | None = None
    is_daily: bool = False


def run(night: Night, source: Source, wanted: Wanted, universe: Sequence[str]) -> None:
    """Plan, fetch, ingest, silver, gold, reconcile, optimize."""
    with night.progress.step("plan"):
        requests = planned(night, source, wanted, universe)
    with night.progress.step("fetch"):
        batches = [] if wanted.is_daily else fetched(night, source, requests)
        fetched_daily(night, source, requests, wanted)
    waiting = pending(night.lake)
    run_ingest(night, [*batches, *_others(waiting, batches)])
    run_silver(night, [], is_new=bool(waiting))
    run_gold(night)
    run_reconcile(night)
    run_optimize(night)


def planned(night: Night, source: Source, wanted: Wanted, universe: Sequence[str]) -> list[Request]:
    """Give the requests for a range, or for whatever the lake lacks; none for files.

    What a run has landed since the last session was final, and did not live to ingest, is not
    asked for again.
    """
    lake, settings = night.lake, night.settings.source
    if source.name == "files":
        return []
    if wanted.start and wanted.end:
        requests = plan_range(settings, universe, wanted.start, wanted.end)
    else:
        aside = set_aside(lake, settings)
        night.detail["set_aside"] = sorted(aside.intersection(universe))
        requests = plan(lake, settings, [name for name in universe if name not in aside])
    closes = [day.close_utc for day in calendar.closed_before(lake.now, 2)]
    since = settled_since(lake.now, closes, night.settings.timing.settle_minutes)
    return still_wanted(requests, pending(lake), since)


def fetched(night: Night, source: Source, requests: Sequence[Request]) -> list[Batch]:
    """Land the answers to some requests, and remember those that brought none."""
    batches = fetch(
        night.lake.store,
        source,
        requests,
        per_batch=night.settings.requests_per_batch(source.name),
        progress=night.progress,
    )
    night.missing += unanswered(batches)
    return batches


def fetched_daily(
    night: Night, source: Source, requests: Sequence[Request], wanted: Wanted
) -> list[Batch]:
    """Land daily bars: those asked for, or those of the same sessions where a vendor has them."""
    is_vendor = isinstance(source, DailySource) and source.name != "files"
    if not wanted.is_daily and not (is_vendor and night.settings.source.daily):
        return []
    return fetch(
        night.lake.store,
        source,
        whole_range(requests),
        per_batch=night.settings.source.requests_per_batch,
        progress=night.progress,
        is_daily=True,
    )


def pending(lake: Lake) -> list[Batch]:
    """Give the landing files that ops.requests does not name: no run has finished with them."""
    known = lake.read(ops.REQUESTS).select("request_id").distinct()
    recorded = {row["request_id"] for row in arrow.rows(known)}
    return [b for b in landing.batches(lake.store) if b.facts[0].request_id not in recorded]


def undone(lake: Lake) -> list[Release]:
    """Give the releases that ops.requests does not name: no run has finished with them."""
    taken = releases.landed(lake.store)
    if not taken:
        return []
    known = lake.read(ops.REQUESTS, F.col("source") == RELEASE_SOURCE).select("request_id")
    recorded = {row["request_id"] for row in arrow.rows(known)}
    return [decision for decision in taken if decision.release_id not in recorded]


def run_ingest(night: Night, batches: Sequence[Batch]) -> None:
    """Bring landing files into the ledger, and what waiting releases let in."""
    with night.progress.step("ingest"):
        decisions = undone(night.lake)
        if not (batches or decisions):
            return
        night.ingested = ingest(night.lake, night.settings, batches, decisions)
        night.keep(night.ingested.commits)


def run_silver(night: Night, sessions: Sequence[date], *, is_new: bool = True) -> None:
    """Work out sessions anew: those given, those just ingested, and those ingested before.

    Without news (`is_new` false: every landing file had been recorded, and the ledger is as it was)
    those just ingested are left alone.
    """
    with night.progress.step("silver"):
        waiting, runs = _waiting(night.lake)
        done = night.ingested
        fresh = done.sessions if done else []
        night.sessions = sorted({*sessions, *fresh, *waiting})
        has_news = done and (done.is_recall or done.commits.get("bronze.bars") is not None)
        is_stale = is_new or bool(has_news)
        wanted = night.sessions if is_stale else sorted({*sessions, *waiting})
        new = done.requests if done else None
        gate = partial(_gate, night, wanted, runs)
        published = build_silver(night.lake, night.settings, wanted, requests=new, gate=gate)
        if done and not wanted and done.counts["received"] == done.counts["quarantined"] > 0:
            gate(None)  # not one row is good enough to be staged
        night.keep(published.commits)
        night.detail["silver"] = {"ingested_by": runs}


def run_gold(night: Night, sessions: Sequence[date] = ()) -> None:
    """Work out gold for the sessions given and for those whose silver changed."""
    with night.progress.step("gold"):
        lake = night.lake
        days = _changed_days(lake, _furthest(lake, "gold", "silver_version"))
        published = build_gold(lake, sorted({*days, *sessions}))
        night.keep(published.commits)
        night.detail["gold"] = {"silver_version": lake.version(silver.BARS_1M)}


def run_reconcile(night: Night) -> None:
    """Hold what changed since the last time against the daily bars that landed, if any did."""
    with night.progress.step("reconcile"):
        lake = night.lake
        landed = landing.daily_batches(lake.store)
        if not landed:
            return
        known = [d["reconcile"] for d in books.details(lake) if "reconcile" in d]
        seen = {name for told in known for name in told["daily"]}
        through = max((told["silver_version"] for told in known), default=-1)
        new = [batch for batch in landed if batch.name not in seen]
        days = _changed_days(lake, through)
        night.reconciled = reconcile(lake, night.settings, days, new)
        night.keep(night.reconciled.commits)
        night.findings += night.reconciled.findings
        night.detail["reconcile"] = {
            "silver_version": lake.version(silver.BARS_1M),
            "daily": [batch.name for batch in new],
        }


def run_optimize(night: Night) -> None:
    """Lay out what changed."""
    with night.progress.step("optimize"):
        known = [d["optimize"] for d in books.details(night.lake) if "optimize" in d]
        last: dict[str, Any] = max(
            known, key=lambda seen: int(seen["silver.bars_1m"]["through"]), default={}
        )
        upkeep = optimize(night.lake, last)
        night.keep(upkeep.commits)
        night.detail["optimize"] = upkeep.seen


def keep_verdict(night: Night, verdict: Verdict) -> None:
    """Remember what the gate found, for ops and for the reader.

    Raises:
        QualityError: A critical rule is broken, or was not evaluated.
    """
    night.verdict = verdict
    night.findings += verdict.findings
    night.detail["verdict"] = verdict.told(verdict.report)
    if verdict.is_blocked:
        report = night.lake.store.path(verdict.report)
        raise QualityError(verdict.sentence(report), verdict.told(report))


def _gate(
    night: Night, sessions: Sequence[date], runs: Sequence[str], staged: DataFrame | None
) -> None:
    """Judge what is staged; `runs` ingested some of it before."""
    with night.progress.step("gate"):
        received = received_by(night.lake, night.ingested, runs)
        verdict = judge_batch(night.lake, night.settings, staged, received, sessions)
        keep_verdict(night, verdict)


def _others(batches: Sequence[Batch], known: Sequence[Batch]) -> list[Batch]:
    names = {batch.name for batch in known}
    return [batch for batch in batches if batch.name not in names]


def _waiting(lake: Lake) -> tuple[list[date], list[str]]:
    """Give the sessions, and the runs, that were ingested and not yet brought to silver."""
    details = books.details(lake)
    done = {run for d in details for run in d.get("silver", {}).get("ingested_by", [])}
    waiting = [d["run_id"] for d in details if d["job"] == "ingest" and d["run_id"] not in done]
    if not waiting:
        return [], []
    requests = lake.read(ops.REQUESTS)
    return sessions_of(requests.where(requests.run_id.isin(waiting))), waiting


def _changed_days(lake: Lake, through: int) -> list[date]:
    """Give the sessions whose silver changed after a version; all, where the log forgot."""
    changed = history.changed_since(lake.store, silver.BARS_1M, through)
    if changed is None:
        return arrow.dates(lake.read(silver.COVERAGE), "session_date")
    return sorted({date.fromisoformat(str(value)) for (value,) in changed})


def _furthest(lake: Lake, step: str, version: str) -> int:
    return max((d[step][version] for d in books.details(lake) if step in d), default=-1)
