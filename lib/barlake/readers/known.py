"""Bars as they were believed at a time, from the ledger and from what landed."""

from typing import TYPE_CHECKING

from barlake.model.gold import INTERVALS
from barlake.readers.landed import name_landing

if TYPE_CHECKING:
    from barlake.readers.frames import OpenLake

# The times of the exchange's day bound what a session may hold: from 04:00, for 16 hours.
_REVISIONS = """
revisions AS (
    SELECT b.*, s.session_date, s.open_utc, s.close_utc, s.minutes,
           min(b.fetched_at) OVER bar AS first_seen_at,
           lead(b.fetched_at) OVER (bar ORDER BY b.revision) AS replaced_at,
           lead(b.request_id) OVER (bar ORDER BY b.revision) AS replaced_by,
           b.fetched_at >= b.ts + to_minutes(1 + $settle) AS was_final
    FROM bronze.bars b JOIN ref.sessions s
      ON b.ts >= s.open_utc - INTERVAL 330 MINUTE AND b.ts < s.open_utc + INTERVAL 630 MINUTE
    WHERE b.ticker = $ticker AND b.fetched_at <= $known
      AND b.session_month BETWEEN $start[:7] AND $end[:7]
      AND s.session_date BETWEEN $start::DATE AND $end::DATE
    WINDOW bar AS (PARTITION BY b.ts)
)
"""
# Good rows of recorded requests: each says what was known before it, or makes a revision. Spark has
# trimmed blanks alone; without them named, trim would take other spaces too.
_AGAIN = """
again AS (
    SELECT instant(s.ts_text) AS ts, s.request_id,
           CASE WHEN trim(coalesce(s.fetched_at_text, ''), ' ') = '' THEN s.fetched_at
                ELSE instant(s.fetched_at_text) END AS known
    FROM served s
    WHERE s.ticker = $ticker AND s.request_id IN (SELECT request_id FROM ops.requests)
      AND NOT EXISTS (
        FROM silver.quarantine q
        WHERE q.released_at IS NULL AND q.ticker = s.ticker AND q.ts_text = trim(s.ts_text, ' ')
          AND (q.request_id = s.request_id || '/' || s.row OR (
                q.request_id = s.request_id
                AND q.open_text IS NOT DISTINCT FROM trim(s.open_text, ' ')
                AND q.high_text IS NOT DISTINCT FROM trim(s.high_text, ' ')
                AND q.low_text IS NOT DISTINCT FROM trim(s.low_text, ' ')
                AND q.close_text IS NOT DISTINCT FROM trim(s.close_text, ' ')
                AND q.volume_text IS NOT DISTINCT FROM trim(s.volume_text, ' '))))
)
"""
# Served once more, after it and before the next revision, by then.
_CONFIRMED = """
EXISTS (
    FROM again a
    WHERE a.ts = r.ts AND a.known > r.fetched_at AND a.known <= $known
      AND (r.replaced_at IS NULL
           OR (a.known, a.request_id) < (r.replaced_at, r.replaced_by)))
"""
_BELIEVED = """
SELECT r.ticker, r.ts, r.session_date,
       CASE WHEN r.ts >= r.open_utc AND r.ts < r.close_utc
            THEN date_diff('minute', r.open_utc, r.ts)::SMALLINT END AS minute_of_session,
       CASE WHEN r.ts < r.open_utc THEN 'pre' WHEN r.ts < r.close_utc THEN 'regular'
            WHEN r.ts = r.close_utc THEN 'close_auction' ELSE 'post' END AS segment,
       denoised(r.open) AS open, denoised(r.high) AS high, denoised(r.low) AS low,
       denoised(r.close) AS close, r.volume, r.revision, r.first_seen_at, r.fetched_at, r.source,
       r.request_id, r.open_utc, r.minutes
FROM revisions r
WHERE r.was_final OR (:confirmed)
QUALIFY row_number() OVER (PARTITION BY r.ts ORDER BY r.revision DESC) = 1
"""
_MINUTES = "SELECT * EXCLUDE (open_utc, minutes) FROM believed ORDER BY ts"
# As transforms.resample has them. The sum runs in order of `ts`: the same bars, the same bits.
_BUCKETS = """
SELECT ticker, $interval AS "interval", open_utc + to_minutes(place * $length) AS ts, session_date,
       open, high, low, close, volume,
       CASE WHEN volume > 0 THEN notional / volume::DOUBLE END AS vwap, n_observed,
       least($length, minutes - place * $length)::INTEGER AS n_expected,
       minutes - place * $length < $length AND $interval <> '1d' AS is_short
FROM (
    SELECT ticker, session_date, open_utc, minutes, minute_of_session // $length AS place,
           min_by(open, ts) AS open, max(high) AS high, min(low) AS low,
           max_by(close, ts) AS close, sum(volume)::BIGINT AS volume,
           sum((high + low + close) / 3 * volume ORDER BY ts) AS notional,
           count(*)::INTEGER AS n_observed
    FROM believed WHERE segment = 'regular' GROUP BY ALL
) ORDER BY ts
"""
_IS_PROVISIONAL = "SELECT count(*) AS n FROM revisions WHERE NOT was_final"


def known(lake: "OpenLake", span: dict[str, object], interval: str) -> str:
    """Give the query for a ticker's bars as known at a time; `span` gets what it takes.

    What was served before its minute was final counts once it was served again. Where the ledger
    holds such bars, `landing/` is read as well: it alone tells of rows that were no news.

    Args:
        lake: Where.
        span: `ticker`, `start`, `end` (texts of dates), `known` (an instant), `settle` (minutes).
        interval: 1m, or one of gold.bars.
    """
    provisional = lake.rows(_with(_REVISIONS, query=_IS_PROVISIONAL), **span)[0]["n"]
    parts, confirmed = [_REVISIONS], "false"
    if provisional:
        name_landing(lake)
        parts, confirmed = [_REVISIONS, _AGAIN], _CONFIRMED
    believed = _BELIEVED.replace(":confirmed", confirmed)
    parts.append(" ".join(["believed AS (", believed, ")"]))
    if interval == "1m":
        return _with(*parts, query=_MINUTES)
    span |= {"interval": interval, "length": INTERVALS[interval]}
    return _with(*parts, query=_BUCKETS)


def _with(*parts: str, query: str) -> str:
    return " ".join(["WITH", ", ".join(parts), query])
