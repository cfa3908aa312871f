"""silver.quarantine -> landing/releases/ -> bronze, silver and gold again."""

from collections.abc import Sequence
from typing import Any

import structlog
from pyspark.sql import functions as F

from barlake import landing, releases
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.model.landed import Release
from barlake.pipelines import ledger
from barlake.pipelines.stages import run_gold, run_ingest, run_silver
from barlake.pipelines.underway import Night
from barlake.readers.duck import connect
from barlake.readers.frames import OpenLake
from barlake.readers.release import Row, Wish, candidates
from barlake.releases import Decided
from barlake.settings import Settings
from barlake.transforms.ledger import of_sessions_touched

logger = structlog.get_logger()


def release(night: Night, wish: Wish) -> dict[str, Any]:
    """Land the decision, and bring its rows through the ledger, silver and gold.

    A decision that an earlier run landed and did not finish is finished as well.
    """
    lake = night.lake
    found = candidates(OpenLake(lake.store, connect(lake.store)), wish)
    rows = found.rows
    if wish.is_rejudged and rows:
        rows = passing(lake, night.settings, rows)
    decision = _landed(lake, wish, rows)
    run_ingest(night, [])
    if night.ingested:
        run_silver(night, [])
        run_gold(night)
    told = _outcome(night, wish, decision)
    night.detail["release"] = told
    stay = len(found.rows) - len(rows)
    left = [f"{stay} rows break a rule still, and stay"] if stay else []
    return {"release": told, "notes": [*_sentences(night, decision), *left, *found.notes]}


def passing(lake: Lake, settings: Settings, rows: Sequence[Row]) -> list[Row]:
    """Give the refused rows that today's rules pass, with all that was known before them."""
    wanted = {row["served_by"] for row in rows}
    batches = [
        batch
        for batch in landing.batches(lake.store)
        if any(fact.request_id in wanted for fact in batch.facts)
    ]
    judged = lake.stage("rejudged", ledger.judge(lake, batches))
    named = arrow.places(lake.spark, [(str(r["served_by"]), int(r["row"])) for r in rows])
    place = ["request_id", "row"]
    pending = judged.join(F.broadcast(named), place, how="left_semi")
    near = of_sessions_touched(judged, pending)
    everything = ledger.in_order(lake, near, batches)
    known = ledger.classified(lake, settings, everything, ledger.held_revisions(lake, []))
    good = known.where(F.col("fate") != "quarantined").join(
        F.broadcast(named), place, how="left_semi"
    )
    passes = {(r["request_id"], r["row"]) for r in arrow.rows(good.select(*place))}
    return [row for row in rows if (row["served_by"], row["row"]) in passes]


def _landed(lake: Lake, wish: Wish, rows: Sequence[Row]) -> Release | None:
    if not rows:
        return None
    taken = Release(
        release_id="", released_at=lake.now, released_by=wish.by, why=wish.why, rows=len(rows)
    )
    decision = releases.land(lake.store, taken, [_decided(row) for row in rows])
    logger.info("landed", source="release", release_id=decision.release_id, rows=decision.rows)
    return decision


def _decided(row: Row) -> Decided:
    return row["served_by"], row["row"], row["rule"], row["ticker"], row["ts_text"]


def _outcome(night: Night, wish: Wish, decision: Release | None) -> dict[str, Any]:
    return {
        "release_id": decision.release_id if decision else None,
        "by": wish.by,
        "why": wish.why,
        "rows": decision.rows if decision else 0,
        "refused_again": night.ingested.counts["quarantined"] if night.ingested else 0,
    }


def _sentences(night: Night, decision: Release | None) -> list[str]:
    if decision is None:
        return ["what was released before went in" if night.ingested else "nothing was released"]
    again = night.ingested.counts["quarantined"] if night.ingested else 0
    said = [f"released {decision.rows} rows as {decision.release_id}"]
    return said + ([f"{again} of them break another rule, and are refused by that"] * bool(again))
