"""What a command prints: results to standard output, all else to standard error."""

import csv
import json as json_text
import math
import sys
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import typer

from barlake.model.errors import BarlakeError, InputError, QualityError

if TYPE_CHECKING:
    import duckdb

STATUSES = {QualityError.exit_code: "blocked"}


def instant(text: str) -> datetime:
    """Read an ISO 8601 instant; a naive one is refused, not guessed."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no instant; write 2026-11-20T22:00Z") from None
    raise typer.BadParameter(f"{text!r} has no offset; write 2026-11-20T22:00Z")


def show(
    done: dict[str, Any],
    *,
    json: bool,
    tell: Callable[[dict[str, Any]], Iterable[str]] | None = None,
) -> None:
    """Print a result: as one JSON object, or line by line, in the words of `tell` where given."""
    if json:
        print(_json(done))
    elif tell is not None:
        print("\n".join(tell(done)))
    else:
        print("\n".join(done.get("text") or _lines(done)))
    _refuse_if_blocked(done)


def _refuse_if_blocked(done: dict[str, Any]) -> None:
    """Raise where a run did what it could, and a vendor did not let it do all."""
    if done.get("status") == STATUSES[QualityError.exit_code]:
        raise QualityError(done["error"])


def show_run(work: Callable[[], dict[str, Any]], *, json: bool) -> None:
    """Do the work of a run and print what it did; with JSON, what stopped it is printed as well."""
    try:
        done = work()
    except BarlakeError as refusal:
        if json and refusal.exit_code != InputError.exit_code:
            status = STATUSES.get(refusal.exit_code, "failed")
            verdict = getattr(refusal, "verdict", None)
            told = {"verdict": verdict} if verdict else {}
            print(_json({"status": status, "error": str(refusal), **told}))
        raise
    except Exception as broken:
        if json:
            print(_json({"status": "failed", "error": _told(broken)}))
        raise
    if json:
        print(_json(done))
    else:
        from barlake.summary import sentences  # brings Spark, which a refused run must not

        print("\n".join(sentences(done)))
    _refuse_if_blocked(done)


def show_rows(rows: "duckdb.DuckDBPyRelation", form: str) -> None:
    """Print the answer of a query.

    Raises:
        InputError: The query broke on a row.
    """
    import duckdb

    try:
        _show_rows(rows, form)
    except duckdb.Error as wrong:
        raise InputError(f"the query failed: {str(wrong).splitlines()[0]}") from None


def _show_rows(rows: "duckdb.DuckDBPyRelation", form: str) -> None:
    if form == "json":
        print(_json(rows.arrow().read_all().to_pylist()))
    elif form == "csv":
        found = rows.arrow().read_all()
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(found.column_names)
        # By position: two columns of a join may have one name.
        columns = [column.to_pylist() for column in found.columns]
        writer.writerows([_cell(v) for v in values] for values in zip(*columns, strict=True))
    elif form == "parquet":
        from pyarrow import parquet

        parquet.write_table(rows.arrow().read_all(), sys.stdout.buffer)
    else:
        rows.show(max_rows=1000)


def show_needs(needs: list[dict[str, Any]], *, json: bool, whose: str = "this machine") -> None:
    """Print what was found and what is missing; raise where something needed is missing."""
    if json:
        print(_json({"needs": needs}))
    else:
        for need in needs:
            mark = "found  " if need["found"] else "MISSING"
            advice = "" if need["found"] else f": {need['remedy']}"
            print(f"{mark} {need['name']}: {need['detail']}{advice}")
    missing = [n["name"] for n in needs if not (n["found"] or n["optional"])]
    if missing:
        raise BarlakeError(f"{whose} lacks {', '.join(missing)}")


def refuse(refusal: BarlakeError, *, is_debugging: bool) -> int:
    """Say why nothing was done; the stack only where it is asked for."""
    if is_debugging:
        traceback.print_exception(refusal)
    print(f"barlake: {refusal}", file=sys.stderr)
    return refusal.exit_code


def fault(error: Exception, *, is_debugging: bool) -> int:
    """Say what broke, in one line; the stack only where it is asked for."""
    if is_debugging:
        traceback.print_exception(error)
    advice = "" if is_debugging else " (run it again; --debug shows where)"
    print(f"barlake: {_told(error)}{advice}", file=sys.stderr)
    return BarlakeError.exit_code


def _told(error: Exception) -> str:
    first = str(error).strip().splitlines()[:1] or [""]
    return f"{type(error).__name__}: {first[0][:500]}"


def table(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Align rows under their names."""
    found = [{name: _word(value) for name, value in row.items()} for row in rows]
    if not found:
        return ["(none)"]
    names = list(found[0])
    widths = [max(len(name), *(len(row[name]) for row in found)) for name in names]
    cells = [names, *([row[name] for name in names] for row in found)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells
    ]


def _word(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _lines(done: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, value in done.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines += [f"{name}:", *(f"  {line}" for line in table(value))]
        elif isinstance(value, dict) and value and isinstance(next(iter(value.values())), dict):
            rows = [{name[:-1]: key, **entry} for key, entry in value.items()]
            lines += [f"{name}:", *(f"  {line}" for line in table(rows))]
        elif isinstance(value, dict):
            lines += [f"{name}:", *(f"  {line}" for line in table([value]))]
        else:
            lines.append(f"{name}: {value}")
    return lines


def spelled(value: object) -> object:
    """Give a value as a page shows it: instants in UTC, ending in Z."""
    return _spelled(value) if isinstance(value, datetime) else value


def _json(value: object) -> str:
    return json_text.dumps(_plain(value), allow_nan=False)


def _plain(value: object) -> object:
    """Give what JSON can hold: no NaN, instants in UTC, whole decimals as integers."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return _spelled(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _spelled(moment: datetime) -> str:
    if moment.tzinfo is None:
        return moment.isoformat()
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _cell(value: object) -> object:
    plain = _plain(value)
    return json_text.dumps(plain) if isinstance(plain, dict | list) else plain
