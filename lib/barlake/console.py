"""What a command prints: results to standard output, all else to standard error."""

import json as json_text
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
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
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write 2026-11-20T22:00Z") from None
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset; write {text}Z or {text}-05:00")
    return moment.astimezone(UTC)


def show(done: dict[str, Any], *, json: bool) -> None:
    """Print a result: as one JSON object, or line by line."""
    if json:
        print(json_text.dumps(done, default=str))
    else:
        print("\n".join(done.get("text") or _lines(done)))


def show_run(work: Callable[[], dict[str, Any]], *, json: bool) -> None:
    """Do the work of a run and print what it did; with JSON, a refusal is printed as well."""
    from barlake.summary import sentences

    try:
        done = work()
    except BarlakeError as refusal:
        if json and refusal.exit_code != InputError.exit_code:
            status = STATUSES.get(refusal.exit_code, "failed")
            print(json_text.dumps({"status": status, "error": str(refusal)}))
        raise
    print(json_text.dumps(done, default=str) if json else "\n".join(sentences(done)))


def show_rows(rows: "duckdb.DuckDBPyRelation", form: str) -> None:
    """Print the answer of a query."""
    if form == "json":
        found = rows.arrow().read_all().to_pylist()
        print(json_text.dumps(found, default=_plain))
    elif form == "csv":
        from pyarrow import csv

        csv.write_csv(rows.arrow().read_all(), sys.stdout.buffer)
    elif form == "parquet":
        from pyarrow import parquet

        parquet.write_table(rows.arrow().read_all(), sys.stdout.buffer)
    else:
        rows.show(max_rows=1000)


def show_needs(needs: list[dict[str, Any]], *, json: bool) -> None:
    """Print what was found and what is missing; raise where something needed is missing."""
    if json:
        print(json_text.dumps({"needs": needs}))
    else:
        for need in needs:
            mark = "found  " if need["found"] else "MISSING"
            advice = "" if need["found"] else f": {need['remedy']}"
            print(f"{mark} {need['name']}: {need['detail']}{advice}")
    missing = [n["name"] for n in needs if not (n["found"] or n["optional"])]
    if missing:
        raise BarlakeError(f"this machine lacks {', '.join(missing)}")


def refuse(refusal: BarlakeError, *, is_debugging: bool) -> int:
    """Say why nothing was done; the stack only where it is asked for."""
    if is_debugging:
        raise refusal
    print(f"barlake: {refusal}", file=sys.stderr)
    return refusal.exit_code


def fault(error: Exception, *, is_debugging: bool) -> int:
    """Say what broke, in one line; the stack only where it is asked for."""
    if is_debugging:
        raise error
    first = str(error).strip().splitlines()[:1] or [""]
    print(
        f"barlake: {type(error).__name__}: {first[0][:500]} (--debug shows where)", file=sys.stderr
    )
    return BarlakeError.exit_code


def table(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Align rows under their names."""
    found = [{k: "" if v is None else str(v) for k, v in row.items()} for row in rows]
    if not found:
        return ["(none)"]
    names = list(found[0])
    widths = [max(len(name), *(len(row[name]) for row in found)) for name in names]
    cells = [names, *([row[name] for name in names] for row in found)]
    return [
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in cells
    ]


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


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value)
