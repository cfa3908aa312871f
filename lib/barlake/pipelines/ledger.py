"""What landed and what bronze holds, judged and put in order."""

from collections.abc import Sequence
from datetime import date
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake import calendar, landing, releases
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model import bronze, ops, ref
from barlake.model.landed import DECIDED_DDL, OF_MINUTES, SERVED_DDL, Release
from barlake.model.rules import ROW_RULES
from barlake.settings import Settings
from barlake.transforms.ledger import classify, of_sessions_touched
from barlake.transforms.release import with_releases
from barlake.transforms.served import typed, with_session
from barlake.transforms.validity import with_repeats, with_rule


def judge(lake: Lake, batches: Sequence[Batch]) -> DataFrame:
    """Read landing files, and give each row its types, its session and the rule that it breaks."""
    rows = typed(served(lake, batches), known_at=lake.now)
    placed = with_session(rows, lake.read(ref.SESSIONS), zone=calendar.EXCHANGE_ZONE)
    decided = with_releases(placed, _decided(lake))
    judged = with_repeats(with_rule(decided, ROW_RULES)).drop(
        "known_at", "is_asked", "in_session", "is_let_in"
    )
    return judged.withColumn("is_first_row", _is_first_row(batches))


def recalled(lake: Lake, batches: Sequence[Batch], decisions: Sequence[Release]) -> list[Batch]:
    """Give the landing files, other than `batches`, with rows that the decisions let in."""
    if not decisions:
        return []
    wanted = releases.requests_of(lake.store, decisions)
    known = [b for b in landing.batches(lake.store) if b not in batches]
    return [b for b in known if any(fact.request_id in wanted for fact in b.facts)]


def _decided(lake: Lake) -> DataFrame | None:
    names = releases.names(lake.store)
    if not names:
        return None
    return lake.spark.read.schema(DECIDED_DDL).parquet(*(lake.store.path(n) for n in names))


def _is_first_row(batches: Sequence[Batch]) -> Column:
    """Hold on the first row of a vendor's request that started inside the row's session."""
    asked = {
        (day, fact.request_id)
        for batch in batches
        for fact in batch.facts
        if fact.range_start and (day := calendar.running_at(fact.range_start))
    }
    days: dict[date, list[str]] = {}
    for day, request_id in sorted(asked):
        days.setdefault(day, []).append(request_id)
    of_these = (
        (F.col("session_date") == F.lit(day)) & F.col("request_id").isin(ids)
        for day, ids in days.items()
    )
    is_first = (F.col("row") == 0) & (F.col("ts") < F.col("close_utc"))
    return F.coalesce(is_first & reduce(or_, of_these, F.lit(False)), F.lit(False))


def served(lake: Lake, batches: Sequence[Batch]) -> DataFrame:
    """Read landing files, each row with its `source` and whether its ticker `is_asked`."""
    return reduce(DataFrame.unionByName, [_served(lake, batch) for batch in _by_asked(batches)])


Alike = tuple[str, tuple[str, ...] | None, list[str]]


def _by_asked(batches: Sequence[Batch]) -> list[Alike]:
    """Group landing files by source and by the tickers that were welcome."""
    groups: dict[tuple[str, tuple[str, ...] | None], list[str]] = {}
    for batch in batches:
        groups.setdefault((batch.source, batch.facts[0].asked), []).append(batch.name)
    return [(source, asked, names) for (source, asked), names in groups.items()]


def _served(lake: Lake, alike: Alike) -> DataFrame:
    source, asked, names = alike
    is_asked = F.lit(True) if asked is None else F.col("ticker").isin(list(asked))
    return (
        lake.spark.read.schema(SERVED_DDL.replace(" NOT NULL", ""))
        .parquet(*(lake.store.path(name) for name in names))
        .withColumns({"source": F.lit(source), "is_asked": is_asked})
    )


def held_revisions(lake: Lake, sessions: Sequence[date]) -> DataFrame:
    """Read bronze's revisions of some sessions, with `session_date`."""
    local = F.from_utc_timestamp("ts", calendar.EXCHANGE_ZONE)
    rows = lake.read(bronze.BARS, bars_of(sessions)).withColumn("session_date", F.to_date(local))
    return rows.where(F.col("session_date").isin(list(sessions)))


def classified(lake: Lake, settings: Settings, judged: DataFrame, held: DataFrame) -> DataFrame:
    """Give the fate of every judged row, in the order in which it became known."""
    splits = lake.read(ref.ACTIONS).where(F.col("kind") == "split")
    units = settings.units.model_dump()
    everything = classify(judged, held, splits, zone=calendar.EXCHANGE_ZONE, **units)
    return everything.where(~F.col("is_held"))


def in_order(lake: Lake, judged: DataFrame, batches: Sequence[Batch]) -> DataFrame:
    """Give `judged` with all that landed before for the tickers and sessions that it touches.

    Classified with nothing held, it gives what a late delivery would have left in time.
    """
    others = [batch for batch in landing.batches(lake.store) if batch not in batches]
    if not others:
        return judged
    return judged.unionByName(of_sessions_touched(judge(lake, others), judged))


def confirmations(lake: Lake, settings: Settings, sessions: Sequence[date]) -> DataFrame:
    """Give when each revision of some sessions was last served: (ticker, ts, revision)."""
    landed = judge(lake, landing.batches(lake.store))
    rows = landed.where(F.col("session_date").isin(list(sessions)))
    known = classified(lake, settings, rows, held_revisions(lake, []))
    return known.where(F.col("revision").isNotNull())


def requests_of(lake: Lake, sessions: Sequence[date]) -> DataFrame:
    """Read the recorded requests for minutes that reach into some sessions."""
    if not sessions:
        return lake.read(ops.REQUESTS, F.lit(False))
    first, last = (calendar.day_bounds(day) for day in (min(sessions), max(sessions)))
    reaches = (F.col("range_start") < F.lit(last[1])) & (F.col("range_end") > F.lit(first[0]))
    return lake.read(ops.REQUESTS, reaches & F.expr(OF_MINUTES))


def bars_of(sessions: Sequence[date]) -> Column:
    """Name bronze's bars of some sessions, in literals that let Delta skip files."""
    if not sessions:
        return F.lit(False)
    months = sorted({f"{day:%Y-%m}" for day in sessions})
    first, last = (calendar.day_bounds(day) for day in (min(sessions), max(sessions)))
    return F.col("session_month").isin(months) & F.col("ts").between(
        F.lit(first[0]), F.lit(last[1])
    )
