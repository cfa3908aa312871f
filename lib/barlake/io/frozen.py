"""Frames that are computed once and change no more."""

from pyspark import StorageLevel
from pyspark.sql import DataFrame


def frozen(frame: DataFrame) -> DataFrame:
    """Compute a frame now, and give its rows without what they came from.

    On a cluster a second executor holds them too: nobody could compute them again, and a worker
    that is lost would take the run with it.
    """
    if (frame.sparkSession.sparkContext.master or "").startswith("local"):
        return frame.localCheckpoint()
    return frame.localCheckpoint(storageLevel=StorageLevel.MEMORY_AND_DISK_2)
