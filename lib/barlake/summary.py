"""What a run did, for `--json` and for people."""

from typing import Any

from barlake.io.history import Commit
from barlake.pipelines.night import Night

FATES = ("received", "new", "changed", "unchanged", "duplicate", "quarantined")


def summary(night: Night) -> dict[str, Any]:
    """Give run id, status, fates, sessions, tables and seconds, as `run --json` prints them."""
    counts = night.ingested.counts if night.ingested else dict.fromkeys(FATES, 0)
    after = night.versions()
    return {
        "run_id": night.lake.run_id,
        "status": "ok",
        **counts,
        "sessions": [day.isoformat() for day in night.sessions],
        "tables": {
            name: {
                "version_before": night.before[name],
                "version_after": version,
                **_written(night.commits.get(name, [])),
            }
            for name, version in after.items()
        },
        "seconds": night.progress.seconds,
    }


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
    took = sum(done["seconds"].values())
    return [
        f"run {done['run_id']}: {done['status']}; {fates}",
        *(f"  {note}" for note in done.get("notes", [])),
        *(written or ["  nothing new: no table has a new version"]),
        f"  {len(done['sessions'])} sessions looked at, {took:.1f} s",
    ]


def _written(commits: list[Commit]) -> dict[str, int]:
    return {
        "rows_inserted": sum(c.inserted for c in commits),
        "rows_updated": sum(c.updated for c in commits),
        "files_added": sum(c.files_added for c in commits),
        "files_removed": sum(c.files_removed for c in commits),
        "bytes_written": sum(c.bytes_written for c in commits),
    }
