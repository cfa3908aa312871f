"""What the command does that brings the tables back to a label."""

from functools import partial
from typing import Any

from barlake.model import jobs
from barlake.options import Options
from barlake.runtime import opened, running


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
