"""What the stream takes for now: the machine's time, or a simulated lake's that is ahead of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from barlake.io.folder import Folder
from barlake.streaming.job import ahead

NOW = datetime(2026, 11, 28, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([], None),
        ([NOW - DAY, NOW], None),
        ([NOW - DAY, NOW + 5 * DAY, NOW + 4 * DAY], NOW + 5 * DAY),
    ],
)
def test_a_lake_whose_runs_are_ahead_lends_its_clock_and_no_other_does(
    starts: list[datetime], expected: datetime | None, tmp_path: Path
) -> None:
    schema = pa.schema([("started_at", pa.timestamp("us", "UTC"))])
    rows = pa.Table.from_pylist([{"started_at": start} for start in starts], schema=schema)
    write_deltalake(str(tmp_path / "ops" / "runs"), rows)

    assert ahead(Folder(tmp_path), NOW) == expected
