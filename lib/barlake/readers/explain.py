"""Where one cell came from, and what it fed; or why there is none."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from barlake import calendar
from barlake.calendar import EXCHANGE_ZONE
from barlake.io import history
from barlake.model import bronze, gold, silver
from barlake.model.table import Table
from barlake.readers import holes, traces
from barlake.readers.frames import OpenLake
from barlake.readers.landed import name_landing
from barlake.readers.quarantine import Chosen, choose, key_text, placed

Row = dict[str, Any]

# Tables that a minute may stand in, each with the column that tells its partition.
_STORED = (bronze.BARS, silver.BARS_1M, silver.QUARANTINE, gold.FEATURES_1M, gold.BARS)
WHY = {
    "no_trade": "the ticker is sparse: a minute without a bar is a minute without a trade",
    "vendor_hole": "the ticker trades most minutes, and no answer held this one",
    "halt": "a long run of minutes of a busy ticker is absent: a halt is suspected",
    "outage": "most of the session's tickers lack this minute",
    "quarantined": "a row for it was served, and refused",
    "not_covered": "no answered request reached it",
    "before_first": "the session's first bar came later",
    "unsettled": "the session was read before its close, and not since",
    "provisional": "it was served before it was final, and not confirmed since",
    "outside_session": "no session holds this minute, pre- and post-market included",
    "not_served": "no answer held it, and outside regular hours nothing is filled",
    "never_asked": "no request for it is recorded",
    "lost": "no answer held it, and the vendor does not serve its session any more",
    "future": "it lies after the clock",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What to explain: a ticker's minute, by a clock and a vendor's memory."""

    ticker: str
    ts: datetime
    now: datetime
    horizon_days: int

    @property
    def day(self) -> date:
        """The exchange-local date."""
        return self.ts.astimezone(ZoneInfo(EXCHANGE_ZONE)).date()


def explain(lake: OpenLake, minute: Minute) -> Row:
    """Give all that is known of one minute of one ticker.

    `status` is observed, corrected, filled or absent; `reason` is why it is filled or absent, and
    `why` says that in words.
    """
    name_landing(lake)
    place = {"ticker": minute.ticker, "ts": minute.ts}
    session = traces.session(lake, minute.ts, minute.day)
    cell = _one(lake.rows(traces.CELL, **place, day=minute.day))
    revisions = lake.rows(traces.REVISIONS, **place)
    coverage = _one(lake.rows(traces.COVERAGE, **place, day=minute.day))
    payloads = lake.rows(traces.PAYLOADS, **place)
    refused = _refused(lake, minute)
    requests = lake.rows(traces.REQUESTS, **place, ids=_ids(payloads, revisions))
    feeds = traces.feeds(lake, minute.ticker, minute.ts, minute.day)
    features = [feeds["features"]] if feeds["features"] else []
    written = [*([cell] if cell else []), *revisions, *refused, *features]
    runs = sorted({str(row["run_id"]) for row in [*written, *requests] if row.get("run_id")})
    status = _status(cell)
    reason = None
    if status in {"filled", "absent"}:
        known = {"session": session, "coverage": coverage, "revisions": revisions}
        reason = _reason(minute, known, refused, requests)
    return {
        "lake": lake.store.address,
        "ticker": minute.ticker,
        "ts": minute.ts,
        "status": status,
        "reason": reason,
        "why": WHY.get(reason or ""),
        "session": session,
        "cell": cell,
        "carried_from": _one(lake.rows(traces.CARRIED, **place, age=_age(cell))),
        "coverage": coverage,
        "requests": requests,
        "payloads": payloads,
        "revisions": revisions,
        "quarantine": refused,
        "runs": lake.rows(traces.RUNS, ids=runs),
        "versions": versions(lake, runs, minute.day),
        "gates": lake.rows(traces.GATES, ticker=minute.ticker, day=minute.day, ids=runs),
        "feeds": feeds,
    }


def explain_refused(lake: OpenLake, key: str) -> Row:
    """Give all that is known of one refused row, by its key.

    `status` is refused, released, or waiting: a release let it in, and no run has published it yet.
    """
    places = placed(lake, Chosen(keys=[key]))
    refused = lake.rows(traces.REFUSED)
    payloads = [
        row
        for place in places
        for row in lake.rows(traces.PAYLOAD, request=place["served_by"], row=place["row"])
    ]
    requests = lake.rows(traces.REQUESTS, ticker="", ts=None, ids=_ids(payloads, []))
    runs = sorted({str(row["run_id"]) for row in [*refused, *requests] if row.get("run_id")})
    return {
        "lake": lake.store.address,
        "key": key,
        "status": _state(lake, [row for row in refused if row["released_at"]]),
        "quarantine": [_keyed(row) for row in refused],
        "payloads": payloads,
        "requests": requests,
        "runs": lake.rows(traces.RUNS, ids=runs),
    }


def versions(lake: OpenLake, runs: list[str], day: date) -> list[Row]:
    """Give the Delta versions that these runs wrote to the minute's tables and partitions."""
    partitions = {"session_date": str(day), "session_month": f"{day:%Y-%m}"}
    return [
        {
            "table": str(table),
            "version": commit.version,
            "operation": commit.operation,
            "run_id": commit.run_id,
        }
        for table in _STORED
        for commit in (
            history.commit(lake.store, table, v) for v in history.versions(lake.store, table)
        )
        if commit.run_id in runs and commit.changed and _touches(table, commit, partitions)
    ]


def _touches(table: Table, commit: history.Commit, partitions: dict[str, str]) -> bool:
    wanted = tuple(partitions[name] for name in table.partition_by if name in partitions)
    return not wanted or any(set(wanted) <= set(changed) for changed in commit.changed)


def _refused(lake: OpenLake, minute: Minute) -> list[Row]:
    choose(lake, Chosen(ticker=minute.ticker, session=minute.day))
    return [_keyed(row) for row in lake.rows(traces.REFUSED) if row["ts"] == minute.ts]


def _state(lake: OpenLake, released: list[Row]) -> str:
    if not released:
        return "refused"
    decisions = sorted({str(row["release_id"]) for row in released})
    return "released" if lake.rows(traces.FINISHED, ids=decisions) else "waiting"


def _keyed(row: Row) -> Row:
    return {"key": key_text(row), **{k: v for k, v in row.items() if k != "ts"}}


def _ids(*groups: list[Row]) -> list[str]:
    return sorted({str(row["request_id"]) for rows in groups for row in rows})


def _one(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None


def _age(cell: Row | None) -> int | None:
    return cell["fill_age"] if cell and cell["is_filled"] else None


def _status(cell: Row | None) -> str:
    if cell is None:
        return "absent"
    if cell["is_filled"]:
        return "filled"
    return "corrected" if cell["revision"] else "observed"


def _reason(minute: Minute, known: Row, refused: list[Row], requests: list[Row]) -> str:
    """Tell why there is no observed bar: the first that holds."""
    session, coverage = known["session"], known["coverage"]
    first = {
        "outside_session": session is None,
        "provisional": bool(known["revisions"]),
        "future": minute.ts > minute.now,
        "quarantined": any(row["released_at"] is None for row in refused),
    }
    if found := next((reason for reason, holds in first.items() if holds), None):
        return found
    day = calendar.between(minute.day, minute.day)[0]
    is_lost = holes.expires_at(day, minute.horizon_days) < minute.now
    if coverage is not None and coverage["reason"] is not None:
        return _of_gap(minute.ts, coverage, is_lost=is_lost)
    if requests:
        return "not_served"
    return "lost" if is_lost else "never_asked"


def _of_gap(ts: datetime, coverage: Row, *, is_lost: bool) -> str:
    reason = str(coverage["reason"])
    first, last = coverage["first_ts"], coverage["last_ts"]
    if reason == "not_covered":
        is_after = last is not None and ts > last and not coverage["is_settled"]
        return "lost" if is_lost else ("unsettled" if is_after else reason)
    is_quiet = reason in {"no_trade", "halt", "vendor_hole"}
    return "before_first" if is_quiet and (first is None or ts < first) else reason
