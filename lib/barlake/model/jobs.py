"""Every job: its name, and what it alone writes."""

from dataclasses import dataclass

from barlake.model import bronze, gold, ref, silver, streamed
from barlake.model.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job's name is also its command's (the last word of it) and its script's in jobs/.

    While a run of it lasts, the tables in `writes` are leased to that run. Every job also writes
    `ops`, at its end.
    """

    name: str
    writes: tuple[Table, ...]


_LEDGER = (bronze.BARS, silver.QUARANTINE, ref.SESSIONS, ref.ACTIONS)
_BELIEF = (silver.BARS_1M, silver.COVERAGE)
_GOLD = (gold.FEATURES_1M, gold.BARS)
_ALL = (*_LEDGER, *_BELIEF, *_GOLD)
_STREAM = (streamed.VWAP_STREAM, streamed.ALERTS, silver.QUARANTINE_STREAM)

FETCH = Job(name="fetch", writes=())
INGEST = Job(name="ingest", writes=_LEDGER)
SILVER = Job(name="silver", writes=_BELIEF)
GOLD = Job(name="gold", writes=_GOLD)
RELEASE = Job(name="release", writes=_ALL)
RECONCILE = Job(name="reconcile", writes=_ALL)
OPTIMIZE = Job(name="optimize", writes=_ALL)
VACUUM = Job(name="vacuum", writes=_ALL)
REBUILD = Job(name="rebuild", writes=_ALL)
RESTORE = Job(name="restore", writes=(*_ALL, *_STREAM))
CHECK = Job(name="check", writes=())
RUN = Job(name="run", writes=_ALL)
STREAM = Job(name="stream", writes=_STREAM)

JOBS = (
    FETCH,
    INGEST,
    SILVER,
    GOLD,
    RECONCILE,
    RELEASE,
    OPTIMIZE,
    VACUUM,
    REBUILD,
    RESTORE,
    CHECK,
    RUN,
    STREAM,
)
