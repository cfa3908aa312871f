"""A ticker's page: candles, VWAP and volume of its last sessions; what was absent or corrected."""

from typing import Any

from barlake.pages.gaps import CELLS, SESSIONS
from barlake.pages.view import View, has_page, percent

_SHOWN_SESSIONS = "CREATE OR REPLACE TEMP TABLE shown_sessions AS " + SESSIONS
_SHOWN_CELLS = "CREATE OR REPLACE TEMP TABLE shown_cells AS " + CELLS
_SHOWN_BARS = """
CREATE OR REPLACE TEMP TABLE shown_bars AS
SELECT b.ticker, b.session_date, b.minute_of_session AS minute, b.open, b.high, b.low, b.close,
       b.volume, b.is_filled, b.revision, round(f.vwap, 4) AS vwap,
       strftime(b.last_changed_at, '%Y-%m-%d %H:%M') AS changed_at
FROM silver.bars_1m b
LEFT JOIN gold.features_1m f
  ON f.ticker = b.ticker AND f.ts = b.ts AND f.session_date >= $first
WHERE b.segment = 'regular' AND b.session_date >= $first
"""
BARS = """
SELECT session_date::VARCHAR AS session_date, min(minute) AS first,
       list(open ORDER BY minute) AS open, list(high ORDER BY minute) AS high,
       list(low ORDER BY minute) AS low, list(close ORDER BY minute) AS close,
       list(volume ORDER BY minute) AS volume, list(vwap ORDER BY minute) AS vwap,
       coalesce(list(minute ORDER BY minute) FILTER (WHERE is_filled), []) AS filled,
       coalesce(list(struct_pack(minute, revision, changed_at) ORDER BY minute)
                FILTER (WHERE revision > 0), []) AS revised
FROM shown_bars WHERE ticker = $ticker GROUP BY session_date ORDER BY session_date
"""
DAYS = """
SELECT session_date::VARCHAR AS session_date, arg_min(open, minute) AS open, max(high) AS high,
       min(low) AS low, arg_max(close, minute) AS close, sum(volume)::BIGINT AS volume,
       arg_max(vwap, minute) AS vwap, count(*) FILTER (WHERE revision > 0) AS corrected
FROM shown_bars WHERE ticker = $ticker GROUP BY session_date
"""
_CELLS = """
SELECT c.*, s.is_early_close FROM shown_cells c JOIN shown_sessions s USING (session_date)
WHERE c.ticker = $ticker ORDER BY session_date
"""
_DATES = "SELECT session_date FROM shown_sessions ORDER BY session_date"
_NAMES = "SELECT DISTINCT ticker FROM silver.coverage ORDER BY ticker"


def names(view: View) -> list[str]:
    """Give the tickers that get a page: those whose name can be that of a file."""
    return [row["ticker"] for row in view.rows(_NAMES) if has_page(row["ticker"])]


def load(view: View) -> None:
    """Bring what the pages show into tables of the connection's own.

    Once for all tickers: each page would open the lake's tables anew.
    """
    run = view.lake.connection.execute
    run(_SHOWN_SESSIONS, {"sessions": view.settings.gaps_sessions})
    days = [row["session_date"] for row in view.rows(_DATES)]
    drawn = days[-view.settings.ticker_sessions :]
    run(_SHOWN_CELLS, {"first": days[0] if days else None, "ticker": None})
    run(_SHOWN_BARS, {"first": drawn[0] if drawn else None})


def ticker(view: View, name: str) -> dict[str, Any]:
    """Give the page's numbers, once `load` has brought them.

    Returns:
        `ticker`, and `sessions` in order: the calendar's and the coverage's words on the session,
        its gaps in minutes since the open, and, for the latest sessions, `day` (its sums) and
        `bars` (columns by minute from `first` on; minutes are complete from there, filled ones
        named in `filled`). Prices as traded.
    """
    days = {row.pop("session_date"): row for row in view.rows(DAYS, ticker=name)}
    bars = {row.pop("session_date"): row for row in view.rows(BARS, ticker=name)}
    return {
        "ticker": name,
        "sessions": [
            {
                **cell,
                "observed_percent": percent(cell["observed"], cell["expected"]),
                "day": days.get(cell["session_date"]),
                "bars": bars.get(cell["session_date"]),
            }
            for cell in view.rows(_CELLS, ticker=name)
        ],
    }
