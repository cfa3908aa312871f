"""The lake for people: SQL, and bars as known at a time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb

from barlake.io import delta_rs, history, labels
from barlake.io.labels import Label
from barlake.io.store import Store
from barlake.model.errors import InputError
from barlake.model.gold import INTERVALS
from barlake.model.tables import TABLES
from barlake.readers.duck_reach import quoted
from barlake.readers.known import known
from barlake.settings import load

if TYPE_CHECKING:
    from deltalake import DeltaTable

FOR_EVER = "infinity"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# An instant is a date as well.
_KINDS = ((datetime, "TIMESTAMPTZ"), (date, "DATE"), (int, "BIGINT"))
_HELD = """
SELECT * FROM silver.bars_1m
WHERE ticker = $ticker AND session_date BETWEEN $start AND $end ORDER BY ts
"""
_BUCKETS = """
SELECT * FROM gold.bars
WHERE ticker = $ticker AND "interval" = $interval AND session_date BETWEEN $start AND $end
ORDER BY ts
"""
# `$shares`: the splits known by then; `vwap` is a bucket's alone.
_IN_SHARES = """
SELECT * REPLACE (
    open / split_factor AS open, high / split_factor AS high, low / split_factor AS low,
    close / split_factor AS close, round(volume * split_factor)::BIGINT AS volume
)
FROM (
    SELECT *, split_factor(ticker, session_date, $shares::TIMESTAMPTZ) AS split_factor
    FROM bars
) ORDER BY ts
"""


@dataclass(frozen=True, slots=True)
class OpenLake:
    """A lake that is open for reading: DuckDB, no JVM."""

    store: Store
    connection: duckdb.DuckDBPyConnection
    label: Label | None = None

    def labels(self) -> list[str]:
        """Give the names that `barlake.open(root, label=...)` takes, oldest first."""
        return [label.label for label in labels.all_labels(self.store)]

    def table(self, name: str) -> "DeltaTable":
        """Open a table in delta-rs, as of the lake's label: `.to_pandas()`, `.to_pyarrow_table()`.

        Raises:
            InputError: There is no table of that name.
        """
        found = next((table for table in TABLES if str(table) == name), None)
        if found is None:
            names = ", ".join(str(table) for table in TABLES)
            raise InputError(f"there is no table {name!r}; there are {names}")
        version = self.label.version(found) if self.label else history.latest(self.store, found)
        if version is None or version < 0:
            raise InputError(f"{name} is not in this lake yet")
        return delta_rs.opened(self.store, found, version)

    def sql(self, query: str, **values: object) -> duckdb.DuckDBPyRelation:
        """Run a query over the tables by name; `$name` in it takes a value given here.

        `.df()` of the answer is a pandas frame, `.arrow()` an Arrow table.
        """
        return self.connection.sql(query, params=values or None)

    def rows(self, query: str, **values: object) -> list[dict[str, Any]]:
        """Run a query, and give its rows as dictionaries; instants are aware, in UTC."""
        return list(self.sql(query, **values).arrow().read_all().to_pylist())

    def name(self, **values: date | int) -> None:
        """Name values for queries: `getvariable('start')`; instants must be aware.

        Cheaper than values in `sql` and `rows`: with the first one DuckDB loads pandas.
        """
        for name, value in values.items():
            kind = next(kind for known, kind in _KINDS if isinstance(value, known))
            text = "".join([quoted(str(value)), "::", kind])
            self.connection.execute(" ".join(["SET VARIABLE", name, "=", text]))

    def instants(self, query: str) -> list[tuple[Any, datetime]]:
        """Run a query for pairs, the second in microseconds since 1970: instants, aware, in UTC.

        Cheaper than the same by `rows`: the first instant in an Arrow table loads pandas.
        """
        found = self.connection.sql(query).fetchall()
        return [(key, EPOCH + timedelta(microseconds=us)) for key, us in found if us is not None]

    def bars(
        self,
        ticker: str,
        *,
        start: date | str = "1990-01-01",
        end: date | str = "9999-12-31",
        interval: str = "1m",
        as_known: datetime | str | None = None,
        adjusted: bool = False,
    ) -> duckdb.DuckDBPyRelation:
        """Give one ticker's bars of the sessions [start, end], in order of `ts`.

        Args:
            ticker: As the vendor spells it.
            start: First session date.
            end: Last session date, inclusive.
            interval: 1m, or one of gold.bars.
            as_known: An instant with an offset: give what was believed then instead of now, worked
                out anew from what had been received by then. Observed bars alone: of 1m those of
                silver.bars_1m that are not filled, of longer intervals those of gold.bars. Whether
                a night had published by then, and whether the gate had let it, no ledger tells: a
                label does. By then means by knowledge time, for files that came later as well. An
                instant has today's `timing.settle_minutes`.
            adjusted: Give prices and volume in the shares of today, or of `as_known`, instead of as
                traded: prices divided by the splits that came later, with `split_factor`. Dividends
                are not taken out.

        Raises:
            InputError: The interval is unknown, a date is none, or `as_known` has no offset.
        """
        if interval != "1m" and interval not in INTERVALS:
            raise InputError(
                f"there is no interval {interval!r}; there are 1m, {', '.join(INTERVALS)}"
            )
        span: dict[str, object] = {"ticker": ticker, **_days(start, end)}
        query, shares = _HELD, FOR_EVER
        if as_known is not None:
            moment = _instant(as_known)
            span |= {"known": moment, "settle": load().timing.settle_minutes}
            query, shares = known(self, span, interval), str(moment)
        elif interval != "1m":
            query = _BUCKETS
            span["interval"] = interval
        if not adjusted:
            return self.sql(query, **span)
        return self.sql(_in_shares(query, interval), **span, shares=shares)


def _in_shares(query: str, interval: str) -> str:
    vwap = [] if interval == "1m" else ["vwap / split_factor AS vwap,"]
    replaced = _IN_SHARES.replace("REPLACE (", " ".join(["REPLACE (", *vwap]), 1)
    return " ".join(["WITH bars AS (", query, ")", replaced])


def _days(start: date | str, end: date | str) -> dict[str, str]:
    try:
        first, last = (date.fromisoformat(str(day)) for day in (start, end))
    except ValueError:
        raise InputError(f"{start} to {end} are no dates: write 2026-11-20") from None
    if first > last:
        raise InputError(f"start {first} is after end {last}")
    return {"start": first.isoformat(), "end": last.isoformat()}


def _instant(given: datetime | str) -> datetime:
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError:
        raise InputError(f"{given!r} is no instant: write 2026-11-10T21:00Z") from None
    if moment.tzinfo is None:
        raise InputError(f"{given} has no offset: write 2026-11-10T21:00Z")
    return moment
