"""A lake that looks as if nothing had been written to it for a while."""

import json
import os
import time
from pathlib import Path

DAY = 86_400


def age(root: Path, days: float) -> None:
    """Set back when data files and commits were written, and when commits took files out."""
    then = time.time() - days * DAY
    for path in root.rglob("part-*.parquet"):
        os.utime(path, (then, then))
    for path in root.rglob("_delta_log/*.json"):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        for action in actions:
            if "remove" in action:
                action["remove"]["deletionTimestamp"] -= int(days * DAY * 1000)
        path.write_text("".join(f"{json.dumps(action)}\n" for action in actions))
        os.utime(path, (then, then))
    # They tell of the same files, as they were: the commits alone are enough.
    for pattern in ("*.crc", "*.checkpoint.parquet", "_last_checkpoint"):
        for path in root.rglob(f"_delta_log/{pattern}"):
            path.unlink()
