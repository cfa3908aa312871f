"""Parquet -> texts that lose nothing of the typed values."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import types

from barlake.model.errors import InputError
from barlake.sources.file_columns import SERVED_AS, check_columns, check_rows


def _is_text(kind: pa.DataType) -> bool:
    if types.is_dictionary(kind):
        kind = kind.value_type
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _is_instant(kind: pa.DataType) -> bool:
    return types.is_timestamp(kind) or _is_text(kind)


def _is_instant_or_void(kind: pa.DataType) -> bool:
    # A column of nulls alone has no type of its own; only this one may be absent altogether.
    return types.is_null(kind) or _is_instant(kind)


def _is_day(kind: pa.DataType) -> bool:
    return types.is_date(kind) or _is_instant(kind)


def _is_price(kind: pa.DataType) -> bool:
    return types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)


_INSTANT = "timestamp with a zone or string"
_PRICE = (_is_price, "floating, integer or decimal")
_Types = dict[str, tuple[Callable[[pa.DataType], bool], str]]
_WANTED: _Types = {
    "ticker": (_is_text, "string"),
    "ts": (_is_instant, _INSTANT),
    "fetched_at": (_is_instant_or_void, _INSTANT),
    "volume": (types.is_integer, "integer"),
}
_DAILY: _Types = {"ts": (_is_day, f"date, {_INSTANT}")}


def parquet_texts(content: bytes, *, file: str, is_daily: bool = False) -> pa.Table:
    """Read a Parquet file's content and write its values as text.

    A double is the shortest text that reads back as it, a 32-bit float is widened first. A time
    with a zone is ISO 8601 in UTC with `Z`, one without has no offset, and is refused as naive
    later. Null stays null, as does a blank text.

    Args:
        content: The file.
        file: Its name, for the sentences.
        is_daily: Its bars are of a session each: `ts` may be a date.

    Returns:
        The file's columns, named as in SERVED_SCHEMA, rows in the file's order.

    Raises:
        InputError: The file is truncated or corrupt, its columns are not those of a file of bars,
            or one has the wrong type; or it has no rows or too many.
    """
    try:
        return _texts(
            pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True),
            file,
            _WANTED | _DAILY if is_daily else _WANTED,
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} is truncated or no sound Parquet file; deliver it again"
        ) from error


def _texts(parquet: pq.ParquetFile, file: str, wanted: _Types) -> pa.Table:
    schema = parquet.schema_arrow
    check_columns(schema.names, file=file)
    for column in schema:
        _check_type(column, file, wanted)
    check_rows(parquet.metadata.num_rows, file=file)
    table = parquet.read()
    # Reading does not look at every string; what is not UTF-8 must not travel on.
    table.validate(full=True)
    names = [SERVED_AS[name] for name in table.column_names]
    return pa.Table.from_arrays([_text(column) for column in table.columns], names=names)


def _check_type(column: "pa.Field[Any]", file: str, wanted: _Types) -> None:
    is_wanted, words = wanted.get(column.name, _PRICE)
    if not is_wanted(column.type):
        raise InputError(
            f"{file} has column {column.name!r} of type {column.type}; write it as {words}"
        )


def _text(column: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    if types.is_timestamp(column.type):
        return _instant_text(column)
    if types.is_floating(column.type):
        text = column.cast(pa.float64()).cast(pa.string())
        return pc.replace_substring_regex(text, pattern="^nan$", replacement="NaN")
    text = column.cast(pa.string())
    return _without_blanks(text) if _is_text(column.type) else text


def _instant_text(column: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    # Stored in UTC whatever the zone; the cast to no zone does not move it.
    text = column.cast(pa.timestamp(column.type.unit)).cast(pa.string())
    offset = "" if column.type.tz is None else "Z"
    return pc.replace_substring_regex(
        text, pattern=r"^([0-9-]+) ([0-9:.]+)$", replacement=rf"\1T\2{offset}"
    )


def _without_blanks(text: "pa.ChunkedArray[Any]") -> "pa.ChunkedArray[Any]":
    trimmed = pc.utf8_trim(text, characters=" \t")
    is_blank = pc.equal(trimmed, pa.scalar(""))
    kept: pa.ChunkedArray[Any] = pc.if_else(is_blank, pa.scalar(None, pa.string()), trimmed)
    return kept
