"""What DuckDB can reach: the lake, through extensions from packages, and nothing else."""

from importlib import import_module
from pathlib import Path

import duckdb

from barlake.io.access import Access
from barlake.io.store import Store


def extension(name: str) -> Path:
    """Give the file of an extension, from its package: nothing is downloaded."""
    package = Path(str(import_module(f"duckdb_extension_{name}").__file__)).parent
    return next(package.rglob("*.duckdb_extension"))


def address(store: Store, name: str) -> str:
    """Give the address of an object as DuckDB takes it: it knows s3://, and no s3a://."""
    path = store.path(name)
    return path if store.access is None else path.replace("s3a://", "s3://", 1)


def keep_secret(connection: duckdb.DuckDBPyConnection, access: Access, scope: str) -> None:
    """Let DuckDB into the lake's part of the bucket; no query's text holds the secret."""
    told = {**access.duckdb(), "scope": scope}
    options = ", ".join(f"{name.upper()} ${name}" for name in told)
    connection.execute("".join(["CREATE SECRET lake (TYPE s3, ", options, ")"]), told)


def confine(connection: duckdb.DuckDBPyConnection, folder: str) -> None:
    """Shut everything out but the lake, for good: DuckDB does not open that door again."""
    inside = folder.rstrip("/") + "/"
    # No parameter: with the first one, of whatever type, DuckDB loads pandas, if it is there.
    connection.execute("".join(["SET allowed_directories = [", quoted(inside), "]"]))
    connection.execute("SET enable_external_access = false")


def quoted(value: str) -> str:
    """Spell a text as SQL does, where no parameter can stand."""
    return "".join(["'", value.replace("'", "''"), "'"])
