"""The lake for people: SQL, and bars as known at a time."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb

from barlake.io.store import Store
from barlake.model.errors import InputError
from barlake.model.gold import INTERVALS

_HELD = """
SELECT * FROM silver.bars_1m
WHERE ticker = $ticker AND session_date BETWEEN $start AND $end ORDER BY ts
"""
_BUCKETS = """
SELECT * FROM gold.bars
WHERE ticker = $ticker AND "interval" = $interval AND session_date BETWEEN $start AND $end
ORDER BY ts
"""
# The times of the exchange's day bound what a session may hold: from 04:00, for 16 hours.
_KNOWN = """
SELECT b.ticker, b.ts, s.session_date, b.revision,
       denoised(b.open) AS open,
       denoised(b.high) AS high,
       denoised(b.low) AS low,
       denoised(b.close) AS close,
       b.volume, b.source, b.fetched_at, b.request_id
FROM bronze.bars b JOIN ref.sessions s
  ON b.ts >= s.open_utc - INTERVAL 330 MINUTE AND b.ts < s.open_utc + INTERVAL 630 MINUTE
WHERE b.ticker = $ticker AND b.fetched_at <= $known AND s.session_date BETWEEN $start AND $end
QUALIFY row_number() OVER (PARTITION BY b.ts ORDER BY b.revision DESC) = 1
ORDER BY b.ts
"""


@dataclass(frozen=True, slots=True)
class OpenLake:
    """A lake that is open for reading: DuckDB, no JVM."""

    store: Store
    connection: duckdb.DuckDBPyConnection

    def sql(self, query: str, **values: object) -> duckdb.DuckDBPyRelation:
        """Run a query over the tables by name; `$name` in it takes a value given here.

        `.df()` of the answer is a pandas frame, `.arrow()` an Arrow table.
        """
        return self.connection.sql(query, params=values or None)

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """Run a query, and give its rows as dictionaries; instants are aware, in UTC."""
        return list(self.sql(query, **values).arrow().read_all().to_pylist())

    def bars(
        self,
        ticker: str,
        *,
        start: date | str = "1990-01-01",
        end: date | str = "9999-12-31",
        interval: str = "1m",
        as_known: datetime | str | None = None,
    ) -> duckdb.DuckDBPyRelation:
        """Give one ticker's bars of the sessions [start, end], in order of `ts`.

        Args:
            ticker: As the vendor spells it.
            start: First session date.
            end: Last session date, inclusive.
            interval: 1m, or one of gold.bars.
            as_known: An instant with an offset: give what had been served by then (observed bars
                alone, each at its last revision received), instead of what is believed now.

        Raises:
            InputError: The interval is unknown, or `as_known` is asked for another than 1m or has
                no offset.
        """
        span = {"ticker": ticker, "start": str(start), "end": str(end)}
        if as_known is not None:
            if interval != "1m":
                raise InputError(f"as_known gives bars of 1m, not of {interval}")
            return self.sql(_KNOWN, **span, known=_instant(as_known))
        if interval == "1m":
            return self.sql(_HELD, **span)
        if interval not in INTERVALS:
            raise InputError(
                f"there is no interval {interval!r}; there are 1m, {', '.join(INTERVALS)}"
            )
        return self.sql(_BUCKETS, **span, interval=interval)


def _instant(given: datetime | str) -> datetime:
    moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    if moment.tzinfo is None:
        raise InputError(f"{given} has no offset: write 2026-11-10T21:00Z")
    return moment
