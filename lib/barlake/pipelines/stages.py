"""The steps of a night, each over what it and the runs before it left to do."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

from pyspark.sql import DataFrame

from barlake import landing
from barlake.checks.judgement import Judgement
from barlake.io import arrow, history
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import silver
from barlake.model.errors import QualityError
from barlake.model.landed import Kind
from barlake.pipelines.asking import pending, undone, unread
from barlake.pipelines.gate import judge_batch
from barlake.pipelines.gold import build_gold
from barlake.pipelines.ingest import ingest, keep_history
from barlake.pipelines.maintain import optimize
from barlake.pipelines.received import received_by
from barlake.pipelines.reconcile import reconcile
from barlake.pipelines.silver import build_silver
from barlake.pipelines.underway import Night
from barlake.pipelines.waiting import waiting_runs


def run_ingest(night: Night, batches: Sequence[Batch]) -> None:
    """Bring landing files into the ledger, and what waiting releases let in."""
    with night.progress.step("ingest"):
        told = unread(
            night, Kind.ACTIONS, (name for d in night.past for name in d.get("actions", ()))
        )
        night.keep({"ref.actions": keep_history(night.lake, told)})
        night.detail["actions"] = [batch.name for batch in told]
        night.apart = pending(night.lake, Kind.DAILY, Kind.ACTIONS)
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
        waiting, runs = waiting_runs(night)
        done = night.ingested
        fresh = done.sessions if done else []
        night.sessions = sorted({*sessions, *fresh, *waiting})
        has_news = done and (done.is_recall or done.commits.get("bronze.bars") is not None)
        is_stale = is_new or bool(has_news)
        wanted = night.sessions if is_stale else sorted({*sessions, *waiting})
        new = done.requests if done else None
        gate = partial(_gate, night, wanted, runs)
        published = build_silver(night.lake, night.settings, wanted, requests=new, gate=gate)
        if not wanted and _is_refused_whole(night, runs):
            gate(None)  # not one row is good enough to be staged
        night.keep(published.commits)
        night.detail["silver"] = {"ingested_by": runs}


def run_gold(night: Night, sessions: Sequence[date] = ()) -> None:
    """Work out gold for the sessions given and for those whose silver changed."""
    with night.progress.step("gold"):
        lake = night.lake
        days = _changed_days(lake, _furthest(night, "gold", "silver_version"))
        published = build_gold(lake, sorted({*days, *sessions}))
        night.keep(published.commits)
        night.detail["gold"] = {"silver_version": lake.version(silver.BARS_1M)}


def run_reconcile(night: Night) -> None:
    """Hold what changed since the last time against the daily bars that landed, if any did."""
    with night.progress.step("reconcile"):
        lake = night.lake
        if not landing.batches(lake.store, Kind.DAILY):
            return
        known = [d["reconcile"] for d in night.past if "reconcile" in d]
        through = max((told["silver_version"] for told in known), default=-1)
        new = unread(night, Kind.DAILY, (name for told in known for name in told["daily"]))
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
        known = [d["optimize"] for d in night.past if "optimize" in d]
        last: dict[str, Any] = max(
            known, key=lambda seen: int(seen["silver.bars_1m"]["through"]), default={}
        )
        upkeep = optimize(night.lake, last)
        night.keep(upkeep.commits)
        night.detail["optimize"] = upkeep.seen


def keep_judgement(night: Night, judgement: Judgement) -> None:
    """Remember what the gate found, for ops and for the reader.

    Raises:
        QualityError: A critical rule is broken, or was not evaluated.
    """
    verdict = night.verdict = judgement.verdict
    night.findings += verdict.whole
    night.results = judgement.results
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
        night.gated = list(runs)
        keep_judgement(night, judge_batch(night.lake, night.settings, staged, received, sessions))


def _is_refused_whole(night: Night, runs: Sequence[str]) -> bool:
    if night.ingested is None and not runs:
        return False
    counts = received_by(night.lake, night.ingested, runs).counts
    return 0 < counts.get("received", 0) == counts["quarantined"]


def _changed_days(lake: Lake, through: int) -> list[date]:
    """Give the sessions whose silver changed after a version; all, where the log forgot."""
    changed = history.changed_since(lake.store, silver.BARS_1M, through)
    if changed is None:
        return arrow.dates(lake.read(silver.COVERAGE), "session_date")
    return sorted({date.fromisoformat(str(value)) for (value,) in changed})


def _furthest(night: Night, step: str, version: str) -> int:
    return max((d[step][version] for d in night.past if step in d), default=-1)
