"""DuckDB: a connection with every table of the lake as a view."""

import duckdb

from barlake.io import history
from barlake.io.labels import Label
from barlake.io.store import Store
from barlake.model import ref, silver
from barlake.model.errors import InputError
from barlake.model.table import Table
from barlake.model.tables import TABLES
from barlake.readers.duck_reach import address, confine, extension, keep_secret, quoted

# Half up on decimals, as on the way into silver: DuckDB rounds a double by its binary value.
_DENOISED = """
CREATE MACRO denoised(price) AS CASE
    WHEN price < 1000 THEN round(price::DECIMAL(18, 8), 4)::DOUBLE
    ELSE round(price::DECIMAL(18, 8), 2)::DOUBLE
END
"""
# Splits after a session, as far as they were known: what one share of then has become.
_SPLIT_FACTOR = """
CREATE MACRO split_factor(of, day, known) AS (
    SELECT coalesce(product(a.value), 1.0) FROM ref.actions a
    WHERE a.kind = 'split' AND a.ticker = of AND a.ex_date > day AND a.first_seen_at <= known
)
"""
_ADJUSTED = """
CREATE VIEW silver.bars_1m_adjusted AS
SELECT * REPLACE (
    open / split_factor AS open, high / split_factor AS high, low / split_factor AS low,
    close / split_factor AS close, round(volume * split_factor)::BIGINT AS volume
)
FROM (
    SELECT b.*, split_factor(b.ticker, b.session_date, 'infinity'::TIMESTAMPTZ) AS split_factor
    FROM silver.bars_1m b
)
"""
# What model.rules.INSTANT takes, as an instant; null where a text is none, or has no offset.
_INSTANT = r"""
CREATE MACRO instant(said) AS CASE
    WHEN regexp_full_match(trim(said, ' '),
        '\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):\d\d(:\d\d([.]\d{1,9})?)? ?'
        || '(Z|[+-]((0\d|1[0-7])(:?[0-5]\d)?|18(:?00)?))')
    THEN TRY_CAST(
        regexp_replace(
            regexp_replace(trim(said, ' '), '^(.{10}[T ]\d\d:\d\d)([^:])', '\1:00\2'),
            ' ([Z+-])', '\1'
        ) AS TIMESTAMPTZ)
    END
"""


def connect(store: Store, label: Label | None = None) -> duckdb.DuckDBPyConnection:
    """Open DuckDB on a lake: `silver.bars_1m` and so on are views; instants are shown in UTC.

    `silver.bars_1m_adjusted` is silver.bars_1m in today's shares: prices divided by the splits that
    came later, volume multiplied, with `split_factor`. Dividends are not taken out.

    Nothing outside the lake can be read or written through the connection, by whatever query; what
    Python holds can be: `register` it.

    Args:
        store: The lake.
        label: Give every table as it was then; None is as it is now, and as it becomes.

    Raises:
        InputError: No table is there.
    """
    versions = _versions(store, label)
    if not versions:
        raise InputError(
            f"{store.address} holds no lake; run `barlake demo` or `barlake run` first"
        )
    # Extensions come from packages: nothing is downloaded, whatever a query asks for.
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    if store.access is not None:
        connection.load_extension(str(extension("httpfs")))
        keep_secret(connection, store.access, address(store, ""))
    connection.load_extension(str(extension("delta")))
    connection.execute("SET TimeZone = 'UTC'")
    for zone in sorted({table.zone.value for table in versions}):
        connection.execute("CREATE SCHEMA " + zone)
    for table, version in versions.items():
        connection.execute(_view(table, address(store, table.path), version))
    name_macros(connection)
    if {silver.BARS_1M, ref.ACTIONS} <= {*versions}:
        connection.execute(_SPLIT_FACTOR)
        connection.execute(_ADJUSTED)
    confine(connection, address(store, ""))
    return connection


def _versions(store: Store, label: Label | None) -> dict[Table, int | None]:
    """Give the tables that are there, each with the version to read; None is the newest."""
    if label is None:
        return {table: None for table in TABLES if history.latest(store, table) >= 0}
    return {table: label.version(table) for table in TABLES if str(table) in label.versions}


def _view(table: Table, path: str, version: int | None) -> str:
    pinned = "" if version is None else " ".join([", version =>", str(version)])
    return "".join(["CREATE VIEW ", str(table), " AS FROM delta_scan(", quoted(path), pinned, ")"])


def name_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Name `denoised(price)`, as silver rounds, and `instant(text)`, as the gate reads times."""
    connection.execute(_DENOISED)
    connection.execute(_INSTANT)
