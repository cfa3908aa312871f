"""Write the tables of AWS' Glue catalog, infra/modules/catalog/tables.json, from the model.

Run: python infra/catalog.py [--check]

Athena finds a table by its entry there, and reads the columns again from the table's own log.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from barlake.model.table import Column, Table
from barlake.model.tables import TABLES

PROJECT = Path(__file__).resolve().parents[1]
TARGET = PROJECT / "infra" / "modules" / "catalog" / "tables.json"
# Glue's bounds; what is longer would be refused at apply.
COMMENT_MAX, DOC_MAX = 255, 2048


def entries(tables: Sequence[Table] = TABLES) -> dict[str, Any]:
    """Give the catalog's entry of each table, by zone and name.

    Partition columns stand among the others: Delta's log says what lies where, and a partition
    of Glue's own would have to be registered each night.
    """
    return {
        str(table): {
            "zone": str(table.zone),
            "name": table.name,
            "path": table.path,
            "doc": _cut(table.doc, DOC_MAX),
            "columns": [_column(column) for column in table.columns],
        }
        for table in tables
    }


def text(tables: Sequence[Table] = TABLES) -> str:
    """Give the file's content."""
    return json.dumps(entries(tables), indent=2, sort_keys=True) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file, or, with --check, tell whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; 1 unless current")
    chosen = parser.parse_args(argv)
    if not chosen.check:
        TARGET.write_text(text(), "utf-8")
        return 0
    if TARGET.exists() and TARGET.read_text("utf-8") == text():
        return 0
    sys.stderr.write(f"barlake: {TARGET.relative_to(PROJECT)} is not the model's: make docs\n")
    return 1


def _column(column: Column) -> dict[str, str]:
    return {
        "name": column.name,
        "type": _type(column.type),
        "comment": _cut(column.comment, COMMENT_MAX),
    }


def _type(spark: str) -> str:
    """Spell a type as Hive does: in small letters, a struct's fields without quotes and spaces."""
    return spark.lower().replace("`", "").replace(" ", "")


def _cut(words: str, longest: int) -> str:
    return words if len(words) <= longest else words[: longest - 1] + "…"


if __name__ == "__main__":
    sys.exit(main())
