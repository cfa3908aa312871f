"""CSV -> texts: one physical line is one row, whatever its quotes say."""

import re
from collections.abc import Iterator
from itertools import islice

import pyarrow as pa

from barlake.model.errors import InputError
from barlake.sources.file_columns import MAX_ROWS, SERVED_AS, check_columns, check_rows

MAX_LINE = 1_000_000
MAX_RAW = 2_000

_BATCH = 100_000
_BLANKS = " \t"
_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"[^\r\n]+")
# A field in quotes, where "" stands for one quote, or a field without any; then a comma or the end.
# Possessive (*+): a hostile line of blanks would otherwise take quadratic time.
_FIELD = re.compile(r'[ \t]*+(?:"([^"]*+(?:""[^"]*+)*+)"[ \t]*+|([^",]*+))(,|\Z)')


def csv_texts(content: bytes, *, file: str) -> pa.Table:
    """Split a CSV file's content into texts, with nothing converted.

    Blanks around a field go; an empty field is null; a blank line is no row. A line that does not
    split into the header's fields (too few, too many, an unbalanced quote, not UTF-8, a NUL) is a
    row of nulls with the line in `raw`, cut at 2,000 characters.

    Args:
        content: The file, unpacked.
        file: Its name, for the sentences.

    Returns:
        The file's columns, named as in SERVED_SCHEMA, and `raw`; a row a line, in order.

    Raises:
        InputError: The header is not one of a file of bars, no rows follow it or too many, or a
            line is longer than 1 MB.
    """
    lines = _lines(content.removeprefix(_BOM), file)
    names = _header(next(lines, b""), file)
    schema = pa.schema([*((SERVED_AS[name], pa.string()) for name in names), ("raw", pa.string())])
    rows = islice((_row(line, len(names)) for line in lines), MAX_ROWS + 1)
    batches = []
    # In batches, so that only a few texts at a time live as Python objects.
    while batch := list(islice(rows, _BATCH)):
        columns = [pa.array(column, pa.string()) for column in zip(*batch, strict=True)]
        batches.append(pa.record_batch(columns, schema=schema))
    table = pa.Table.from_batches(batches, schema)
    check_rows(table.num_rows, file=file)
    return table


def _lines(content: bytes, file: str) -> Iterator[bytes]:
    for line in _LINE.finditer(content):
        if line.end() - line.start() > MAX_LINE:
            number = len(content[: line.start()].splitlines()) + 1
            raise InputError(
                f"{file} has more than {MAX_LINE:,} bytes in line {number}; deliver it again"
            )
        if not line[0].isspace():
            yield line[0]


def _header(line: bytes, file: str) -> list[str]:
    if not line:
        raise InputError(f"{file} is empty: it has no header; deliver it again or leave it out")
    text = _text(line)
    if text is None:
        raise InputError(f"{file} has a header that is not UTF-8 text; save it as CSV in UTF-8")
    fields = _split(text)
    if fields is None:
        raise InputError(f"{file} has a header with an unbalanced quote; remove the quote")
    names = [field.strip(_BLANKS) for field in fields]
    check_columns(names, file=file)
    return names


def _row(line: bytes, width: int) -> list[str | None]:
    """Give the line's fields and a null; or nulls and, last, the line that did not split."""
    text = _text(line)
    fields = None if text is None else _split(text)
    if fields is None or len(fields) != width:
        return [*[None] * width, _raw(line)]
    return [*[field.strip(_BLANKS) or None for field in fields], None]


def _text(line: bytes) -> str | None:
    """Decode a line; None where it is not UTF-8, or holds a NUL."""
    try:
        return None if b"\0" in line else line.decode()
    except UnicodeDecodeError:
        return None


def _split(text: str) -> list[str] | None:
    """Split at commas outside quotes; None where a quote is unbalanced."""
    if '"' not in text:
        return text.split(",")
    fields = []
    field = _FIELD.match(text)
    while field:
        quoted, plain, end = field.groups()
        fields.append(plain if quoted is None else quoted.replace('""', '"'))
        if not end:
            return fields
        field = _FIELD.match(text, field.end())
    return None


def _raw(line: bytes) -> str:
    return line.decode(errors="backslashreplace").replace("\0", "\\x00")[:MAX_RAW]
