"""Declared columns -> Arrow's types and schemas."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from barlake.model.table import Column

TYPES = {
    "STRING": pa.string(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "DATE": pa.date32(),
    "DOUBLE": pa.float64(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "SMALLINT": pa.int16(),
    "BOOLEAN": pa.bool_(),
    "ARRAY<STRING>": pa.list_(pa.string()),
}


def schema(columns: Iterable[Column]) -> pa.Schema:
    """Give the columns, in order, with their types and whether they may be null."""
    fields: list[pa.Field[Any]] = [
        pa.field(c.name, TYPES[c.type], nullable=c.nullable) for c in columns
    ]
    return pa.schema(fields)
