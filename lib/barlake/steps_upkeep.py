"""What the commands do that keep a lake: delete what nothing needs, go back to a label."""

from functools import partial
from typing import Any

from barlake.model import jobs
from barlake.options import Options
from barlake.runtime import opened, running


def vacuum(options: Options) -> dict[str, Any]:
    """Delete what no version within the retention uses, nor a label that lives."""
    from barlake.pipelines.lifecycle import keep_lifecycle  # noqa: PLC0415 - brings Spark
    from barlake.pipelines.vacuum import vacuum as delete  # noqa: PLC0415

    with running(jobs.VACUUM, options) as night:
        done = delete(night.lake, keep_days=night.settings.labels.keep_days)
        night.detail["vacuum"] = done.files
        night.detail["labels_removed"] = done.labels
        rules = keep_lifecycle(night.lake.store, night.settings.lifecycle)
    told = {
        "run_id": night.lake.run_id,
        "status": "ok",
        "files_deleted": done.files,
        "labels_removed": len(done.labels),
    }
    return told if rules is None else told | {"lifecycle": rules}


def restore(options: Options, label: str) -> dict[str, Any]:
    """Bring every table back to a label.

    Raises:
        InputError: There is no such label, or a file of it is gone.
    """
    from barlake.pipelines.restore import restorable  # noqa: PLC0415 - brings Spark
    from barlake.pipelines.restore import restore as bring_back  # noqa: PLC0415
    from barlake.summary import summary  # noqa: PLC0415

    _, store, _ = opened(options)
    chosen = restorable(store, label)
    # Once more under the leases: a vacuum may have run meanwhile.
    ready = partial(restorable, store, label)
    with running(jobs.RESTORE, options, ready=ready) as night:
        bring_back(night, chosen)
    return summary(night)
