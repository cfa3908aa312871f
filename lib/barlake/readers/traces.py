"""The queries behind `explain`: each table's rows of one minute."""

from datetime import date, datetime
from typing import Any

from barlake.model.landed import OF_MINUTES
from barlake.readers.frames import OpenLake

_SESSION = """
SELECT session_date, open_utc, close_utc, minutes, is_early_close,
       CASE WHEN $ts < open_utc THEN 'pre' WHEN $ts < close_utc THEN 'regular'
            WHEN $ts = close_utc THEN 'close_auction' ELSE 'post' END AS segment,
       CASE WHEN $ts >= open_utc AND $ts < close_utc
            THEN date_diff('minute', open_utc, $ts) END AS minute_of_session
FROM ref.sessions
WHERE session_date = $day
  AND $ts >= open_utc - INTERVAL 330 MINUTE AND $ts < open_utc + INTERVAL 630 MINUTE
"""
CELL = """
SELECT * FROM silver.bars_1m WHERE ticker = $ticker AND ts = $ts AND session_date = $day
"""
CARRIED = """
SELECT ts, close, revision, source FROM silver.bars_1m
WHERE ticker = $ticker AND ts = $ts::TIMESTAMPTZ - to_minutes($age::BIGINT)
"""
REVISIONS = "SELECT * FROM bronze.bars WHERE ticker = $ticker AND ts = $ts ORDER BY revision"
COVERAGE = """
SELECT c.* EXCLUDE (gaps), g."from" AS gap_from, g."to" AS gap_to, g.minutes AS gap_minutes,
       g.reason AS reason
FROM silver.coverage c
LEFT JOIN (SELECT ticker, session_date, unnest(gaps) AS g FROM silver.coverage) u
  ON u.ticker = c.ticker AND u.session_date = c.session_date
 AND $ts >= u.g."from" AND $ts < u.g."to"
WHERE c.ticker = $ticker AND c.session_date = $day
"""
PAYLOADS = """
SELECT * FROM served WHERE ticker = $ticker AND instant(ts_text) = $ts
ORDER BY fetched_at, file, row
"""
PAYLOAD = "SELECT * FROM served WHERE request_id = $request AND row = $row ORDER BY file"
REQUESTS = """
SELECT * FROM ops.requests
WHERE (ticker = $ticker AND range_start <= $ts::TIMESTAMPTZ AND range_end > $ts::TIMESTAMPTZ
       AND :of_minutes)
   OR (list_contains($ids::VARCHAR[], request_id) AND ticker IN ('', $ticker))
   OR (list_contains($ids::VARCHAR[], request_id) AND $ticker = '')
ORDER BY received_at, request_id, ticker
""".replace(":of_minutes", OF_MINUTES)
RUNS = """
SELECT run_id, job, status, started_at, finished_at, code_version, config_hash
FROM ops.runs WHERE list_contains($ids::VARCHAR[], run_id) ORDER BY started_at, run_id
"""
GATES = """
SELECT * FROM ops.dq_results
WHERE ticker IN ('', $ticker)
  AND (session_date = $day OR (ticker = '' AND list_contains($ids::VARCHAR[], run_id)))
ORDER BY coalesce(passed, false), run_id, "table", rule, ticker
"""
# Of the table `chosen`; with the decisions that let a row in.
REFUSED = """
SELECT q.*, d.why, d.release_id FROM chosen q LEFT JOIN (
    SELECT request_id, rule, ticker, ts_text, released_at,
           min(why) AS why, min(release_id) AS release_id
    FROM decided GROUP BY ALL
) d ON d.ticker = q.ticker AND d.ts_text = q.ts_text AND d.rule = q.rule
   AND d.released_at = q.released_at
   AND (d.request_id = q.request_id OR starts_with(q.request_id, d.request_id || '/'))
ORDER BY q.fetched_at, q.request_id, q.rule
"""
# A release is named there by the run that published it; by none where the gate blocked it.
FINISHED = """
SELECT request_id FROM ops.requests
WHERE source = 'release' AND list_contains($ids::VARCHAR[], request_id)
"""
_FEATURES = """
SELECT * FROM gold.features_1m WHERE ticker = $ticker AND ts = $ts
"""
_LATER = """
SELECT count(*) AS rows FROM gold.features_1m
WHERE ticker = $ticker AND session_date = $day AND ts > $ts
"""
# A minute is in the sums of volume that the ticker's next sessions are held against, from the same
# minute on; `rel_volume_20d` looks back over so many sessions.
_COMPARED = """
WITH compared AS (
    SELECT f.session_date, count(f.rel_volume_20d) FILTER (
        WHERE date_diff('minute', s.open_utc, f.ts) >= $minute) AS rows
    FROM gold.features_1m f JOIN ref.sessions s USING (session_date)
    WHERE f.ticker = $ticker AND f.session_date > $day
    GROUP BY f.session_date ORDER BY f.session_date LIMIT 20
)
SELECT count(*) AS sessions, coalesce(sum(rows), 0)::BIGINT AS rows FROM compared WHERE rows > 0
"""
# The session's last bar is its close, whose distance to the next session's first open is a feature.
_NEXT_GAP = """
SELECT DISTINCT f.session_date, f.gap_from_prior_close
FROM gold.features_1m f
WHERE f.ticker = $ticker AND f.gap_from_prior_close IS NOT NULL
  AND f.session_date = (SELECT min(session_date) FROM ref.sessions WHERE session_date > $day)
  AND NOT EXISTS (FROM gold.features_1m later
                  WHERE later.ticker = $ticker AND later.session_date = $day
                    AND later.ts > $ts AND NOT later.is_filled)
"""
# Buckets hold observed minutes of the regular segment alone.
_BUCKETS = """
SELECT * FROM gold.bars
WHERE ticker = $ticker AND session_date = $day AND ts <= $ts
  AND ("interval" = '1d'
       OR ts + to_minutes(TRY_CAST(replace("interval", 'm', '') AS BIGINT)) > $ts)
  AND EXISTS (FROM silver.bars_1m b WHERE b.ticker = $ticker AND b.ts = $ts
              AND b.session_date = $day AND b.segment = 'regular' AND NOT b.is_filled)
ORDER BY n_expected, ts
"""
_STREAM = "SELECT * FROM gold.vwap_stream WHERE ticker = $ticker AND ts = $ts"
_ALERTS = """
SELECT * FROM gold.alerts
WHERE ticker = $ticker AND session_date = $day AND ts >= $ts ORDER BY ts
"""
_IS_THERE = """
SELECT count(*) AS n FROM information_schema.tables
WHERE table_schema = 'gold' AND table_name = $name
"""


def session(lake: OpenLake, ts: datetime, day: date) -> dict[str, Any] | None:
    """Give the session that holds a minute, pre- and post-market included."""
    rows = lake.rows(_SESSION, ts=ts, day=day)
    return rows[0] if rows else None


def feeds(lake: OpenLake, ticker: str, ts: datetime, day: date) -> dict[str, Any]:
    """Give what was made of a minute: its features, later rows that saw it, buckets, alerts.

    `later_features` counts rows of its own session; `later_volumes` the `sessions` and `rows` after
    it whose `rel_volume_20d` reads it; `next_gap` is the next session's `gap_from_prior_close`
    where the minute is its session's close, else None.
    """
    place = {"ticker": ticker, "ts": ts}
    features = lake.rows(_FEATURES, **place)
    stream = lake.rows(_STREAM, **place) if _is_there(lake, "vwap_stream") else []
    alerts = lake.rows(_ALERTS, **place, day=day) if _is_there(lake, "alerts") else []
    return {
        "features": features[0] if features else None,
        **(_later(lake, place, day) if features else _NOTHING_LATER),
        "bars": lake.rows(_BUCKETS, **place, day=day),
        "vwap_stream": stream,
        "alerts": alerts,
    }


_NOTHING_LATER = {
    "later_features": 0,
    "later_volumes": {"sessions": 0, "rows": 0},
    "next_gap": None,
}


def _later(lake: OpenLake, place: dict[str, Any], day: date) -> dict[str, Any]:
    where = session(lake, place["ts"], day)
    [compared] = lake.rows(
        _COMPARED,
        ticker=place["ticker"],
        day=day,
        minute=where["minute_of_session"] if where else None,
    )
    gap = lake.rows(_NEXT_GAP, **place, day=day)
    return {
        "later_features": lake.rows(_LATER, **place, day=day)[0]["rows"],
        "later_volumes": compared,
        "next_gap": gap[0] if gap else None,
    }


def _is_there(lake: OpenLake, table: str) -> bool:
    return bool(lake.rows(_IS_THERE, name=table)[0]["n"])
