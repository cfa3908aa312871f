"""What a lake holds and did, as metrics for Prometheus: from the tables alone, no JVM."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from barlake.model.table import Zone
from barlake.readers.exposition import Metric, Sample
from barlake.readers.frames import OpenLake
from barlake.readers.freshness import look
from barlake.readers.metric_queries import ASKED, LAST_RUNS, RECENT_ANSWERS, Asked
from barlake.readers.status import tables
from barlake.settings import Settings
from barlake.transforms.freshness import Arrival

# The last sessions that metrics tell apart: a label for each of a year's would be too many.
SESSIONS = 5
_START = """
SELECT min(session_date) AS first FROM (
    SELECT DISTINCT session_date FROM silver.coverage
    ORDER BY session_date DESC LIMIT getvariable('sessions')
)
"""
_OF_TABLES = {
    "table_version": ("version", "Version of a table."),
    "table_rows": ("rows", "Rows of a table."),
    "table_files": ("files", "Data files of a table's newest version."),
    "table_bytes": ("bytes", "Bytes of a table's newest version."),
}


def metrics(lake: OpenLake, settings: Settings, now: datetime) -> list[Metric]:
    """Give every metric; one of which the lake says nothing yet has no samples.

    Args:
        lake: The lake.
        settings: Of timing and freshness.
        now: What ages, and sessions that are missing, are counted to.
    """
    lake.name(sessions=SESSIONS, now=now, settle=settings.timing.settle_minutes)
    [found] = lake.rows(_START)
    lake.name(start=found["first"] or now.date())
    for query in (LAST_RUNS, RECENT_ANSWERS):
        lake.connection.execute(query)
    return [
        *(_metric(lake, asked) for asked in ASKED),
        *_of_arrivals(look(lake, settings, now)),
        *_of_tables(tables(lake, now)),
    ]


def _metric(lake: OpenLake, asked: Asked) -> Metric:
    rows = lake.rows(asked.query)
    samples = [_sample(row) for row in rows if row["value"] is not None]
    return _named_metric(asked.name, asked.kind, asked.doc, samples)


def _sample(row: dict[str, Any]) -> Sample:
    return Sample(row["value"], {k: str(v) for k, v in row.items() if k != "value"})


def _named_metric(
    name: str, kind: Literal["counter", "gauge"], doc: str, samples: list[Sample]
) -> Metric:
    return Metric(name=f"barlake_{name}", kind=kind, doc=doc, samples=tuple(samples))


def _of_arrivals(arrivals: list[Arrival]) -> Iterator[Metric]:
    late = [
        Sample(60 * arrival.late_minutes, {"session_date": arrival.session_date.isoformat()})
        for arrival in arrivals[:SESSIONS]
    ]
    yield _named_metric(
        "session_late_seconds",
        "gauge",
        "Time from a session's deadline to its publication, or to now where it is missing; 0 on "
        "time; the last five sessions.",
        late,
    )
    yield _named_metric(
        "sessions_missing",
        "gauge",
        "Sessions beyond their deadline that are not published.",
        [Sample(sum(arrival.is_missing for arrival in arrivals), {})],
    )


def _of_tables(found: dict[str, dict[str, Any]]) -> Iterator[Metric]:
    held = {name: told for name, told in found.items() if told["version"] >= 0}
    for name, (fact, doc) in _OF_TABLES.items():
        samples = [Sample(told[fact], {"table": table}) for table, told in held.items()]
        yield _named_metric(name, "gauge", doc, samples)
    yield _named_metric(
        "table_lease_held",
        "gauge",
        "1 where a run holds the table for writing; its run_id is empty where none does.",
        [
            Sample(int(told["written_by"] is not None), _holder(table, told))
            for table, told in held.items()
            if not table.startswith(f"{Zone.OPS}.")
        ],
    )


def _holder(table: str, told: dict[str, Any]) -> dict[str, str]:
    return {"table": table, "run_id": told["written_by"] or ""}
