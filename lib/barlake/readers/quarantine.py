"""What was refused: counted, row by row, and where each row stands in what landed."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from barlake.calendar import EXCHANGE_ZONE
from barlake.model.errors import InputError
from barlake.readers.frames import OpenLake
from barlake.readers.landed import name_landing

KEY = ("request_id", "ticker", "ts_text", "rule")

# Both tables alike. Instants that Python cannot hold (years 1 and 9999 reach beyond it, by their
# offsets) are null, as is session_date where no time could be read. A key's parts are put together
# by a character that no text of a row should hold.
_CHOSEN = """
CREATE OR REPLACE TEMP TABLE chosen AS
SELECT * FROM (
    SELECT * REPLACE (CASE WHEN year(fetched_at) BETWEEN 2 AND 9998 THEN fetched_at END
                      AS fetched_at),
           CASE WHEN year(instant(ts_text)) BETWEEN 2 AND 9998 THEN instant(ts_text) END AS ts,
           (ts AT TIME ZONE $zone)::DATE AS session_date
    FROM (
        SELECT 'silver.quarantine' AS "table", * FROM silver.quarantine
        UNION ALL BY NAME
        SELECT 'silver.quarantine_stream' AS "table", * FROM silver.quarantine_stream
    )
)
WHERE ($run::VARCHAR IS NULL OR run_id = $run)
  AND ($rule::VARCHAR IS NULL OR rule = $rule)
  AND ($ticker::VARCHAR IS NULL OR ticker = $ticker)
  AND ($session::DATE IS NULL OR session_date = $session)
  AND ($keys::VARCHAR[] IS NULL
       OR list_contains($keys, concat_ws(chr(31), request_id, ticker, ts_text, rule)))
"""
_TOTALS = """
SELECT count(*) AS rows, count(released_at) AS released,
       count(*) - count(released_at) AS refused FROM chosen
"""
_COUNTS = {
    "rules": """
SELECT rule, any_value(severity) AS severity, count(*) AS rows, count(released_at) AS released,
       any_value(reason) AS reason FROM chosen GROUP BY rule ORDER BY rows DESC, rule
""",
    "runs": """
SELECT run_id, "table", count(*) AS rows, count(released_at) AS released
FROM chosen GROUP BY ALL ORDER BY max(fetched_at) DESC, run_id
""",
    "tickers": """
SELECT ticker, count(*) AS rows, count(released_at) AS released
FROM chosen GROUP BY ticker ORDER BY rows DESC, ticker
""",
    "sessions": """
SELECT session_date, count(*) AS rows, count(released_at) AS released
FROM chosen GROUP BY session_date ORDER BY session_date DESC NULLS LAST
""",
}
_ROWS = """
SELECT "table", request_id, ticker, ts_text, rule, reason, severity, open_text, high_text, low_text,
       close_text, volume_text, raw, source, fetched_at, run_id, released_at, released_by
FROM chosen ORDER BY fetched_at DESC NULLS LAST, ticker, ts_text, request_id, rule LIMIT $most
"""
# The first refused row of a key goes by its request alone, each further one by request/row. Spark
# has trimmed blanks alone; without them named, trim would take other spaces too.
_PLACED = """
WITH near AS (
    SELECT * FROM served WHERE coalesce(ticker, '') IN (SELECT ticker FROM chosen)
),
further AS (
    SELECT q.request_id, q.ticker, q.ts_text, q.rule, s.request_id AS served_by, s.row, s.file
    FROM chosen q JOIN near s
      ON q.request_id = s.request_id || '/' || s.row AND q.ticker = coalesce(s.ticker, '')
),
first AS (
    SELECT q.request_id, q.ticker, q.ts_text, q.rule, s.request_id AS served_by, s.row, s.file
    FROM chosen q JOIN near s
      ON q.request_id = s.request_id AND q.ticker = coalesce(s.ticker, '')
     AND q.ts_text = trim(coalesce(s.ts_text, ''), ' ')
    WHERE trim(s.open_text, ' ') IS NOT DISTINCT FROM q.open_text
      AND trim(s.high_text, ' ') IS NOT DISTINCT FROM q.high_text
      AND trim(s.low_text, ' ') IS NOT DISTINCT FROM q.low_text
      AND trim(s.close_text, ' ') IS NOT DISTINCT FROM q.close_text
      AND trim(s.volume_text, ' ') IS NOT DISTINCT FROM q.volume_text
      AND CASE WHEN s.raw IS NOT NULL THEN s.raw = q.raw
               WHEN json_valid(q.raw) THEN
                   json_extract_string(q.raw, '$.fetched_at') IS NOT DISTINCT FROM s.fetched_at_text
               ELSE false END
)
SELECT q."table", q.request_id, q.ticker, q.ts_text, q.rule, q.released_at, q.released_by,
       p.served_by, p.row, p.file
FROM chosen q LEFT JOIN (
    SELECT request_id, ticker, ts_text, rule, min(served_by) AS served_by, min(row) AS row,
           min_by(file, row) AS file
    FROM (FROM further UNION ALL FROM first) GROUP BY ALL
) p USING (request_id, ticker, ts_text, rule)
ORDER BY ALL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which refused rows: all conditions must hold; None asks for nothing.

    `keys` are texts as `key_text` writes them.
    """

    run: str | None = None
    rule: str | None = None
    ticker: str | None = None
    session: date | None = None
    keys: Sequence[str] | None = None

    @property
    def is_everything(self) -> bool:
        """Whether no condition is given."""
        given = (self.run, self.rule, self.ticker, self.session, self.keys or None)
        return all(value is None for value in given)


def key_text(row: dict[str, Any]) -> str:
    """Write a refused row's key as one line of CSV: request_id, ticker, ts_text, rule."""
    line = io.StringIO()
    csv.writer(line).writerow([row[name] for name in KEY])
    return line.getvalue().removesuffix("\r\n")


def listed(lake: OpenLake, chosen: Chosen, *, most: int) -> dict[str, Any]:
    """Count the rows that are chosen, by rule, run, ticker and session, and give `most` of them.

    `rows` are all, `released` those let in since, `refused` those that are still out.
    """
    choose(lake, chosen)
    counts = {name: lake.rows(query) for name, query in _COUNTS.items()}
    rows = lake.rows(_ROWS, most=most) if most else []
    return {
        "lake": lake.store.address,
        **lake.rows(_TOTALS)[0],
        **counts,
        "quarantine": [{"key": key_text(row), **row} for row in rows],
    }


def placed(lake: OpenLake, chosen: Chosen) -> list[dict[str, Any]]:
    """Give the rows that are chosen, each with where it was served: `served_by`, `row`, `file`.

    The three are null for the stream's: its messages do not land.
    """
    name_landing(lake)
    choose(lake, chosen)
    return lake.rows(_PLACED)


def choose(lake: OpenLake, chosen: Chosen) -> None:
    """Keep the rows that are chosen as the table `chosen` of the connection.

    Raises:
        InputError: A key is not one.
    """
    keys = None if not chosen.keys else [chr(31).join(parts(text)) for text in chosen.keys]
    lake.connection.execute(
        _CHOSEN,
        {
            "zone": EXCHANGE_ZONE,
            "run": chosen.run,
            "rule": chosen.rule,
            "ticker": chosen.ticker,
            "session": chosen.session,
            "keys": keys,
        },
    )


def parts(text: str) -> list[str]:
    """Read a key as `key_text` writes it.

    Raises:
        InputError: It is none.
    """
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if len(rows) != 1 or len(rows[0]) != len(KEY):
        raise InputError(
            f"{text[:80]!r} is no key; write REQUEST_ID,TICKER,TS_TEXT,RULE as "
            "`barlake quarantine list --rows` shows it"
        )
    return rows[0]
