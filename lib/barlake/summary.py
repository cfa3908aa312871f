"""What a run did, for `--json` and for people."""

from typing import Any

from barlake.io.history import Commit
from barlake.pipelines.underway import Night
from barlake.transforms.reconcile import REASONS

FATES = ("received", "new", "changed", "unchanged", "duplicate", "quarantined")
MISSING_SHOWN = 10


def summary(night: Night) -> dict[str, Any]:
    """Give run id, status, fates, sessions, tables and seconds, as `run --json` prints them."""
    counts = night.ingested.counts if night.ingested else dict.fromkeys(FATES, 0)
    after = night.versions()
    return {
        "run_id": night.lake.run_id,
        **cut_off(night),
        **unasked(night),
        **counts,
        "verdict": verdict(night),
        "sessions": [day.isoformat() for day in night.sessions],
        "tables": {
            name: {
                "version_before": night.before[name],
                "version_after": version,
                **_written(night.commits.get(name, [])),
            }
            for name, version in after.items()
        },
        "reconciled": night.reconciled.counts if night.reconciled else {},
        "seconds": night.progress.seconds,
    }


def verdict(night: Night) -> dict[str, Any] | None:
    """Give what the quality gate said of the batch; None where nothing had to be judged."""
    if night.verdict is None:
        return None
    return night.verdict.told(night.lake.store.path(night.verdict.report))


def cut_off(night: Night) -> dict[str, Any]:
    """Give the run's status, and what a vendor left without an answer: the run is blocked then."""
    if not night.missing:
        return {"status": "ok"}
    outcomes = [fact.outcome.value for fact in night.missing]
    counts = ", ".join(f"{outcomes.count(name)} {name}" for name in sorted(set(outcomes)))
    return {
        "status": "blocked",
        "error": f"{len(outcomes)} of the run's requests brought no answer ({counts}); what came "
        "is kept, and the next run asks for the rest",
        "missing": [
            {
                "ticker": fact.ticker,
                "range_start": fact.range_start,
                "range_end": fact.range_end,
                "outcome": fact.outcome.value,
                "detail": fact.detail,
            }
            for fact in night.missing
        ],
    }


def unasked(night: Night) -> dict[str, Any]:
    """Give what was not asked for: tickers that the vendor does not know, and what it has lost."""
    return {name: night.detail.get(name, []) for name in ("set_aside", "lost")}


def sentences(done: dict[str, Any]) -> list[str]:
    """Say the same for people."""
    fates = ", ".join(f"{done[name]:,} {name}" for name in FATES)
    written = [
        f"  {name:<24} version {t['version_before']} -> {t['version_after']}, "
        f"{t['rows_inserted']:,} inserted, {t['rows_updated']:,} updated, "
        f"{t['bytes_written']:,} bytes"
        for name, t in done["tables"].items()
        if t["version_after"] > max(t["version_before"], 0)
    ]
    told = done.get("missing", [])[:MISSING_SHOWN]
    took = sum(done["seconds"].values())
    return [
        f"run {done['run_id']}: {done['status']}; {fates}",
        *(f"  {note}" for note in done.get("notes", [])),
        *(written or ["  nothing new: no table has a new version"]),
        *_judged(done.get("verdict")),
        *_held_against_daily(done.get("reconciled", {})),
        *(
            f"  missing: {m['ticker']} from {m['range_start']:%Y-%m-%d}: {m['detail']}"
            for m in told
        ),
        *_unasked(done),
        f"  {len(done['sessions'])} sessions looked at, {took:.1f} s",
    ]


def _unasked(done: dict[str, Any]) -> list[str]:
    aside, lost = done.get("set_aside", []), done.get("lost", [])
    more = len(lost) - MISSING_SHOWN
    return [
        *(f"  set aside: {entry['ticker']}: {entry['reason']}" for entry in aside),
        *(
            f"  lost: {day['session']} of {len(day['tickers'])} tickers: the vendor does not have "
            "its minutes any more"
            for day in lost[:MISSING_SHOWN]
        ),
        *([f"  lost: {more} later sessions as well"] if more > 0 else []),
    ]


def _judged(verdict: dict[str, Any] | None) -> list[str]:
    if verdict is None:
        return []
    broken = [
        f"{entry['rule']} in {entry['sessions']} sessions" if entry["sessions"] else entry["rule"]
        for entry in verdict["failed"]
    ]
    why = f" ({', '.join(broken)})" if broken else ""
    return [f"  quality {verdict['status']}{why}: {verdict['report']}"]


def _held_against_daily(counts: dict[str, int]) -> list[str]:
    """Say what became of the daily bars; nothing where there was none."""
    told = []
    if counts.get("received"):
        told.append(f"  {counts['received']:,} daily bars, {counts['quarantined']:,} quarantined")
    if counts.get("compared"):
        reasons = [f"{counts[name]:,} {name}" for name in REASONS if name in counts]
        told.append(
            f"  held against daily bars: {counts['compared']:,} values, {counts['failed']:,} failed"
            f"; differences: {', '.join(reasons) or 'none'}"
        )
    return told


def _written(commits: list[Commit]) -> dict[str, int]:
    return {
        "rows_inserted": sum(c.inserted for c in commits),
        "rows_updated": sum(c.updated for c in commits),
        "files_added": sum(c.files_added for c in commits),
        "files_removed": sum(c.files_removed for c in commits),
        "bytes_written": sum(c.bytes_written for c in commits),
    }
