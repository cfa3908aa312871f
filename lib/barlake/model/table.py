"""What a table and a column are."""

from dataclasses import dataclass
from enum import StrEnum

from barlake.model.errors import TableDeclarationError

LOG_DAYS = 400


class Zone(StrEnum):
    """The lake's zones of Delta tables."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    REF = "ref"
    OPS = "ops"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `unit` is the zone of an instant, the unit of a number, or empty."""

    name: str
    type: str
    unit: str
    doc: str
    nullable: bool = True

    @property
    def comment(self) -> str:
        """What the column holds, with its unit, as Delta stores it."""
        return f"{self.doc} [{self.unit}]" if self.unit else self.doc

    @property
    def ddl(self) -> str:
        """Name, type, nullability and comment as SQL."""
        null = "" if self.nullable else " NOT NULL"
        quoted = self.comment.replace("\\", "\\\\").replace("'", "\\'")
        return f"`{self.name}` {self.type}{null} COMMENT '{quoted}'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long Delta keeps what the current version no longer needs, as SQL intervals.

    `files` are data files that only older versions use, `log` is the table's history.
    """

    files: str = "interval 30 days"
    log: str = f"interval {LOG_DAYS} days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Everything that is fixed about one Delta table.

    A row that differs from the stored one in nothing but `lineage` columns is not news.
    `checks` are CHECK constraints, name to SQL. `order_by` sorts rows inside a file, `prune_by`
    names columns whose range in a file tells a MERGE that it can skip it. `first_writer` columns
    keep what the row was inserted with. After `checkpoint_every` commits Delta sums up the log;
    None leaves that to Delta.

    Raises:
        TableDeclarationError: A key, partition, order, Z-order or lineage column is not declared,
            a key column is nullable, or a column is both partitioned and Z-ordered (Delta refuses
            that).
    """

    zone: Zone
    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_by: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    zorder_by: tuple[str, ...] = ()
    prune_by: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    first_writer: tuple[str, ...] = ()
    checks: tuple[tuple[str, str], ...] = ()
    retention: Retention = Retention()
    checkpoint_every: int | None = None

    def __post_init__(self) -> None:
        nullable = {c.name: c.nullable for c in self.columns}
        named = {
            *self.key,
            *self.partition_by,
            *self.order_by,
            *self.zorder_by,
            *self.prune_by,
            *self.lineage,
            *self.first_writer,
        }
        if undeclared := named - nullable.keys():
            raise TableDeclarationError(f"{self}: undeclared columns {sorted(undeclared)}")
        if loose := sorted(name for name in self.key if nullable[name]):
            raise TableDeclarationError(f"{self}: key columns {loose} must not be nullable")
        if twice := set(self.partition_by) & set(self.zorder_by):
            raise TableDeclarationError(f"{self}: {sorted(twice)} both partitioned and Z-ordered")

    def __str__(self) -> str:
        return f"{self.zone}.{self.name}"

    @property
    def path(self) -> str:
        """Path below the lake's root, e.g. "silver/bars_1m"."""
        return f"{self.zone}/{self.name}"

    @property
    def ddl(self) -> str:
        """Columns in the form that `createDataFrame` and `CREATE TABLE` take."""
        return ", ".join(c.ddl for c in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(c.name for c in self.columns)

    @property
    def payload(self) -> tuple[str, ...]:
        """What a row says of its key: the columns that are neither key nor lineage."""
        return tuple(n for n in self.names if n not in {*self.key, *self.lineage})

    @property
    def properties(self) -> dict[str, str]:
        """Delta's table properties: retention, constraints, nothing a common reader lacks."""
        return {
            "delta.enableDeletionVectors": "false",
            "delta.deletedFileRetentionDuration": self.retention.files,
            "delta.logRetentionDuration": self.retention.log,
            **self._checkpoints,
            **{f"delta.constraints.{name}": sql for name, sql in self.checks},
        }

    @property
    def _checkpoints(self) -> dict[str, str]:
        every = self.checkpoint_every
        return {"delta.checkpointInterval": str(every)} if every else {}
