"""Landing files in DuckDB: what was served, row by row, and what was released."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from barlake.model.landed import FOLDER, RELEASES
from barlake.readers.duck_reach import address
from barlake.sources.source import SERVED_SCHEMA

if TYPE_CHECKING:
    from barlake.readers.frames import OpenLake

# Named as the files are: landing/<source>/<digest>.parquet.
_SERVED = r"""
CREATE OR REPLACE TEMP VIEW served AS
SELECT * EXCLUDE (filename),
       regexp_extract(filename, 'landing/([^/]+)/[^/]+$', 1) AS source,
       regexp_extract(filename, 'landing/[^/]+/[^/]+$') AS file
FROM landed_files
"""
_DECIDED = """
CREATE OR REPLACE TEMP VIEW decided AS SELECT * FROM release_files
"""
_NO_DECISION = """
CREATE OR REPLACE TEMP VIEW decided AS
SELECT NULL::VARCHAR AS request_id, NULL::INTEGER AS row, NULL::VARCHAR AS rule,
       NULL::VARCHAR AS ticker, NULL::VARCHAR AS ts_text, NULL::VARCHAR AS release_id,
       NULL::TIMESTAMPTZ AS released_at, NULL::VARCHAR AS released_by, NULL::VARCHAR AS why
WHERE false
"""


def name_landing(lake: "OpenLake") -> None:
    """Name `served` (rows as they came, with `source` and `file`) and `decided` (releases)."""
    names = [name for name in lake.store.names(FOLDER) if name.endswith(".parquet")]
    releases = [name for name in names if name.startswith(f"{RELEASES}/")]
    _view(lake, "landed_files", [name for name in names if name not in {*releases}])
    lake.connection.execute(_SERVED)
    if releases:
        _view(lake, "release_files", releases)
    lake.connection.execute(_DECIDED if releases else _NO_DECISION)


def _view(lake: "OpenLake", name: str, files: Sequence[str]) -> None:
    if files:
        paths = [address(lake.store, file) for file in files]
        found = lake.connection.read_parquet(paths, filename=True)
    else:
        nothing = SERVED_SCHEMA.append(pa.field("filename", pa.string())).empty_table()
        found = lake.connection.from_arrow(nothing)
    found.create_view(name, replace=True)
