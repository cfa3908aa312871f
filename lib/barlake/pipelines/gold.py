"""silver.bars_1m -> gold.features_1m, gold.bars."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import structlog
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake import calendar
from barlake.io import arrow
from barlake.io.lake import Lake
from barlake.model import gold, ref, silver
from barlake.pipelines.silver import Published
from barlake.transforms.features import features
from barlake.transforms.lookback import SESSIONS_BACK, context, shapes
from barlake.transforms.resample import resample

logger = structlog.get_logger()

Held = Mapping[str, Sequence[date]]


def build_gold(lake: Lake, changed: Sequence[date]) -> Published:
    """Work out the sessions that changed, and those whose look-back holds them; merge what differs.

    Args:
        lake: Where.
        changed: Sessions whose silver changed.
    """
    held = _held_sessions(lake)
    known = {day for days in held.values() for day in days}
    direct = sorted(known.intersection(changed))
    if not direct:
        return Published([])
    targets = sorted(known.intersection(depending(held, direct)))
    sessions = lake.read(ref.SESSIONS)
    shape = shapes(_regular(lake, looked_at(held, targets)))
    earlier = lake.stage("context", context(shape, sessions, targets))
    rows = features(_regular(lake, targets), earlier)
    buckets = resample(_regular(lake, direct), sessions, intervals=gold.INTERVALS)
    commits = {
        "gold.features_1m": lake.merge(gold.FEATURES_1M, rows, _within(targets)),
        "gold.bars": lake.merge(gold.BARS, buckets, _within(direct)),
    }
    logger.info("published", table="gold.features_1m", sessions=len(targets))
    return Published(targets, commits)


def depending(held: Held, changed: Iterable[date]) -> set[date]:
    """Give the sessions whose rows of gold read a changed one: itself, and those that look back.

    A ticker's look-back are its own last 20 sessions held, and the calendar's previous session.
    """
    wanted = set(changed)
    for days in held.values():
        for day in changed:
            after = bisect_right(days, day)
            wanted.update(days[after : after + SESSIONS_BACK])
    return wanted | {calendar.next_session(day) for day in changed}


def looked_at(held: Held, targets: Sequence[date]) -> list[date]:
    """Give the sessions that some rows of gold of the targets read."""
    wanted = set(targets)
    for days in held.values():
        for day in targets:
            at = bisect_left(days, day)
            wanted.update(days[max(0, at - SESSIONS_BACK) : at])
    return sorted(wanted)


def _held_sessions(lake: Lake) -> Held:
    shown = lake.read(silver.COVERAGE).where(F.col("observed") > 0)
    held = defaultdict(list)
    for row in arrow.rows(shown.select("ticker", "session_date").orderBy("session_date")):
        held[row["ticker"]].append(row["session_date"])
    return held


def _regular(lake: Lake, sessions: Sequence[date]) -> DataFrame:
    these = F.col("session_date").isin(list(sessions))
    return lake.read(silver.BARS_1M, these).where(F.col("segment") == "regular")


def _within(sessions: Sequence[date]) -> Column:
    months = sorted({f"{day:%Y-%m}" for day in sessions})
    return F.col("session_month").isin(months) & F.col("session_date").isin(list(sessions))
