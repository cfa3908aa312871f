"""Delete the files that nothing needs any more, and the labels that nobody keeps."""

from dataclasses import dataclass, field

import pyarrow as pa
import structlog
from delta.tables import DeltaTable

from barlake.io import history, labels
from barlake.io.labels import Label
from barlake.io.lake import Lake
from barlake.io.listed import Listed
from barlake.model.errors import InputError
from barlake.model.table import Table
from barlake.model.tables import TABLES

logger = structlog.get_logger()

RETENTION_MIN_DAYS = 7
FILES, LOG = "delta.deletedFileRetentionDuration", "delta.logRetentionDuration"
_VIEW = "barlake_inventory"
_INVENTORY: list["pa.Field[pa.DataType]"] = [
    pa.field("path", pa.string()),
    pa.field("length", pa.int64()),
    pa.field("isDir", pa.bool_()),
    pa.field("modificationTime", pa.int64()),
]


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """How many files were deleted, by table, and which labels were removed."""

    files: dict[str, int] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)


def vacuum(lake: Lake, *, keep_days: int) -> Vacuumed:
    """Delete files that no version within the retention uses, nor a label that lives.

    Args:
        lake: Where; the caller holds the lease of every table.
        keep_days: How long a label lives; those that are older are removed first.

    Raises:
        InputError: A table's retention is under 7 days: a reader or a job might still need it; or
            its log does not go back as far as labels live.
    """
    for table in TABLES:
        _refuse_short_retention(lake, table, keep_days)
    living: list[Label] = []
    dead: list[Label] = []
    for label in labels.all_labels(lake.store):
        (dead if label.dies_at(keep_days) <= lake.now else living).append(label)
    for label in dead:
        labels.remove(lake.store, label)
        logger.info("label removed", label=label.label)
    deleted = {str(table): _vacuum(lake, table, _needed(lake, table, living)) for table in TABLES}
    return Vacuumed(deleted, [label.label for label in dead])


def _refuse_short_retention(lake: Lake, table: Table, keep_days: int) -> None:
    detail = DeltaTable.forPath(lake.spark, lake.path(table)).detail()
    properties = detail.select("properties").collect()[0][0]
    said = properties.get(FILES, "")
    if _days(said) < RETENTION_MIN_DAYS:
        raise InputError(
            f"{table} keeps deleted files for '{said}'; a reader or a job may need them for "
            f"{RETENTION_MIN_DAYS} days: set {FILES} to more"
        )
    said = properties.get(LOG, "")
    if _days(said) <= keep_days:
        raise InputError(
            f"{table} keeps its log for '{said}', and labels live {keep_days} days: set {LOG} to "
            "more, or labels.keep_days to less"
        )


def _days(said: str) -> int:
    """Read an interval of whole days; 0 where it is none."""
    words = said.lower().replace("interval", "").split()
    return int(words[0]) if len(words) == 2 and words[1].startswith("day") else 0


def _needed(lake: Lake, table: Table, living: list[Label]) -> set[str]:
    """Give the data files of the labelled versions, below the table."""
    named = {label.version(table): label.label for label in living if str(table) in label.versions}
    newest = lake.version(table)
    for version, label in named.items():
        if version is not None and version > newest:
            raise InputError(
                f"label {label} names version {version} of {table}, whose log ends at {newest}: "
                f"the table was made anew; remove {labels.FOLDER}/{label}.json, and vacuum again"
            )
    files = (history.live_files(lake.store, table, version) for version in named)
    return set().union(*files)


def _vacuum(lake: Lake, table: Table, needed: set[str]) -> int:
    before = {found.name: found for found in _data_files(lake, table)}
    kept = {f"{table.path}/{name}" for name in needed}
    unneeded = [found for name, found in before.items() if name not in kept]
    # No RETAIN: since Delta 4.1 it is ignored, and the table's property decides.
    lake.spark.createDataFrame(_inventory(lake, unneeded)).createOrReplaceTempView(_VIEW)
    at = "".join(["delta.`", lake.path(table).replace("`", "``"), "`"])
    words = ["VACUUM", at, "USING INVENTORY (SELECT * FROM", _VIEW, ")"]
    lake.spark.sql(" ".join(words))
    lake.spark.catalog.dropTempView(_VIEW)
    return len(before.keys() - {found.name for found in _data_files(lake, table)})


def _inventory(lake: Lake, found: list[Listed]) -> pa.Table:
    """Give what Delta may look at: the labelled versions' files, which its log forgot, are not."""
    rows = [
        {
            "path": _uri(lake.store.path(each.name)),
            "length": each.bytes,
            "isDir": False,
            "modificationTime": int(each.modified_at.timestamp() * 1000),
        }
        for each in found
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(_INVENTORY))


def _uri(path: str) -> str:
    """Spell a path as Hadoop does: a folder's with the scheme of local files."""
    return path if "://" in path else f"file:{path}"


def _data_files(lake: Lake, table: Table) -> list[Listed]:
    found = lake.store.listed(table.path)
    return [f for f in found if f.name.endswith(".parquet") and "/_delta_log/" not in f.name]
