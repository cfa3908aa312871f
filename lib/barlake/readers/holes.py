"""What the lake lacks: each absent minute's reason, and until when it can be had."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from barlake import calendar
from barlake.calendar import Session
from barlake.model.landed import OF_MINUTES
from barlake.readers.frames import OpenLake
from barlake.sources.requests import chunks

# The first session of each ticker that is held, or that a vendor was asked for: from there on, what
# is lost is told for ever.
_SINCE = """
CREATE OR REPLACE TEMP TABLE since AS
SELECT ticker, min(first) AS first FROM (
    SELECT ticker, session_date AS first FROM silver.coverage
    UNION ALL SELECT ticker, range_start::DATE FROM ops.requests WHERE ticker <> '' AND :of_minutes
) GROUP BY ticker
""".replace(":of_minutes", OF_MINUTES)
# A pair is wanted where it was asked for by date, can still be had, or follows the first one.
_WANTED = """
CREATE OR REPLACE TEMP TABLE wanted AS
WITH names AS (FROM asked UNION SELECT ticker FROM silver.coverage WHERE $all)
SELECT n.ticker, d.* FROM names n CROSS JOIN days d LEFT JOIN since s USING (ticker)
WHERE $dated OR d.can_be_had OR d.session_date >= s.first
"""
_LACKS = """
WITH gaps AS (
    SELECT w.*, c.first_ts, c.last_ts, c.is_settled, unnest(c.gaps) AS g
    FROM wanted w JOIN silver.coverage c USING (ticker, session_date)
),
unheld AS (
    SELECT w.*, least(w.minutes, coalesce(r.refused, 0)) AS refused
    FROM (FROM wanted ANTI JOIN silver.coverage USING (ticker, session_date)) w LEFT JOIN (
        SELECT q.ticker, d.session_date, count(DISTINCT instant(q.ts_text)) AS refused
        FROM silver.quarantine q JOIN days d
          ON instant(q.ts_text) >= d.open_utc AND instant(q.ts_text) < d.close_utc
        WHERE q.released_at IS NULL GROUP BY ALL
    ) r USING (ticker, session_date)
),
unknown AS (
    SELECT ticker, arg_max(outcome, received_at) = 'unknown_ticker' AS is_unknown
    FROM ops.requests WHERE :of_minutes GROUP BY ticker
),
told AS (
    SELECT ticker, session_date, g.minutes AS minutes, can_be_had, expires_at, CASE
        WHEN g.reason = 'not_covered' AND NOT can_be_had THEN 'lost'
        WHEN g.reason = 'not_covered' AND g."from" > last_ts AND NOT is_settled THEN 'unsettled'
        WHEN g.reason IN ('no_trade', 'halt', 'vendor_hole')
            AND (first_ts IS NULL OR g."from" < first_ts) THEN 'before_first'
        ELSE g.reason END AS reason
    FROM gaps
    UNION ALL
    SELECT ticker, session_date, refused, can_be_had, expires_at, 'quarantined'
    FROM unheld WHERE refused > 0
    UNION ALL
    SELECT u.ticker, session_date, minutes - refused, can_be_had, expires_at, CASE
        WHEN k.is_unknown THEN 'unknown_ticker'
        WHEN NOT can_be_had THEN 'lost'
        ELSE 'never_asked' END
    FROM unheld u LEFT JOIN unknown k USING (ticker) WHERE minutes > refused
)
SELECT ticker, session_date AS session, sum(minutes)::BIGINT AS minutes, reason, expires_at
FROM told GROUP BY ALL
ORDER BY any_value(can_be_had) DESC, expires_at, ticker, session, reason
""".replace(":of_minutes", OF_MINUTES)
_EVERYTHING = """
SELECT ticker, session_date AS session, minutes::BIGINT AS minutes,
       CASE WHEN can_be_had THEN 'never_asked' ELSE 'lost' END AS reason, expires_at
FROM asked CROSS JOIN days WHERE can_be_had OR $dated
ORDER BY can_be_had DESC, expires_at, ticker, session
"""
# As `pipelines.plan` has it: what of these lacks is not asked for again.
_SETTLED = "SELECT ticker, session_date FROM silver.coverage WHERE is_settled AND observed > 0"
_FIRST = "SELECT min(first) AS first FROM since"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """For what to look: tickers and sessions, and the vendor's memory.

    `is_all` adds the tickers that the lake holds. Without a range the sessions are those that the
    vendor still has, and, of each ticker, those since the first that is held or was asked for.
    """

    tickers: Sequence[str]
    is_all: bool
    start: date | None
    end: date | None
    now: datetime
    horizon_days: int
    sessions_per_request: int


def lacks(lake: OpenLake | None, window: Window) -> dict[str, Any]:
    """Give what closed sessions lack: (ticker, session, minutes, reason, expires_at, requests).

    `expires_at` is when `barlake run` asks no more for the session: `horizon_days` after its first
    minute at 04:00 exchange time. Soonest to expire first; what has expired comes last. `requests`
    is what asking for it costs: 0 where it comes with an earlier session, cannot be had, or is not
    asked for: what a settled session lacks, the vendor has not.

    Args:
        lake: None where there is none yet: then everything is lacking.
        window: For what to look.
    """
    connection = lake.connection if lake else duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    if lake:
        connection.execute(_SINCE)
    days = _days(lake, window)
    _register(connection, window, days)
    dated = {"dated": window.start is not None}
    if lake:
        connection.execute(_WANTED, dated | {"all": window.is_all})
        found = lake.rows(_LACKS)
        settled = {(row["ticker"], row["session_date"]) for row in lake.rows(_SETTLED)}
    else:
        answer = connection.sql(_EVERYTHING, params=dated).arrow()
        found = list(answer.read_all().to_pylist())
        settled = set()
    costed = _with_requests(found, window, days, settled)
    return {
        "as_of": window.now,
        "horizon_days": window.horizon_days,
        "minutes": sum(row["minutes"] for row in costed),
        "requests": sum(row["requests"] for row in costed),
        "reasons": _by_reason(costed),
        "lacks": costed,
    }


def expires_at(day: Session, horizon_days: int) -> datetime:
    """Give the instant after which a session is asked for no more, UTC."""
    return day.first + timedelta(days=horizon_days)


def _days(lake: OpenLake | None, window: Window) -> list[Session]:
    first, last = window.start, window.end
    if first is None or last is None:
        last = window.now.date()
        first = last - timedelta(days=window.horizon_days + 1)
        held = lake.rows(_FIRST)[0]["first"] if lake else None
        first = min(first, held) if held else first
    return [day for day in calendar.between(first, last) if day.close_utc <= window.now]


def _register(
    connection: duckdb.DuckDBPyConnection, window: Window, days: Iterable[Session]
) -> None:
    instant = pa.timestamp("us", tz="UTC")
    fields: list[pa.Field[Any]] = [
        pa.field("session_date", pa.date32()),
        pa.field("open_utc", instant),
        pa.field("close_utc", instant),
        pa.field("minutes", pa.int64()),
        pa.field("expires_at", instant),
        pa.field("can_be_had", pa.bool_()),
    ]
    rows = [
        {
            "session_date": day.session_date,
            "open_utc": day.open_utc,
            "close_utc": day.close_utc,
            "minutes": day.minutes,
            "expires_at": expires_at(day, window.horizon_days),
            "can_be_had": expires_at(day, window.horizon_days) >= window.now,
        }
        for day in days
    ]
    connection.register("days", pa.Table.from_pylist(rows, schema=pa.schema(fields)))
    connection.register("asked", pa.table({"ticker": pa.array(window.tickers, pa.string())}))


def _with_requests(
    found: Iterable[dict[str, Any]],
    window: Window,
    days: Iterable[Session],
    settled: Collection[tuple[str, date]],
) -> list[dict[str, Any]]:
    rows = list(found)
    lacking = {(row["ticker"], row["session"]) for row in rows}.difference(settled)
    to_be_had = [day for day in days if expires_at(day, window.horizon_days) >= window.now]
    first = {
        (ticker, chunk[0].session_date)
        for ticker in {ticker for ticker, _ in lacking}
        for chunk in chunks(
            [day for day in to_be_had if (ticker, day.session_date) in lacking],
            window.sessions_per_request,
        )
    }
    costed = []
    for row in rows:
        key = (row["ticker"], row["session"])
        costed.append(row | {"requests": int(key in first)})
        first.discard(key)  # a session's other reasons cost nothing more
    return costed


def _by_reason(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    totals: dict[str, list[int]] = {}
    for row in found:
        totals.setdefault(row["reason"], []).append(row["minutes"])
    return [
        {"reason": reason, "minutes": sum(each), "ticker_sessions": len(each)}
        for reason, each in sorted(totals.items(), key=lambda entry: -sum(entry[1]))
    ]
