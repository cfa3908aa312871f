"""What `barlake check` does, given its arguments."""

from datetime import datetime
from typing import Any

import barlake
from barlake import calendar, universe
from barlake.model import jobs
from barlake.options import Options
from barlake.runtime import opened, running
from barlake.steps import range_of


def check(
    options: Options, start: datetime | None, end: datetime | None, tickers: str | None
) -> dict[str, Any]:
    """Judge stored sessions of a range, or what landed and waits; publish nothing."""
    first, last = range_of(start, end)
    days = calendar.between(first, last) if first and last else []
    names = None if tickers is None else universe.parse(tickers)
    _, store, _ = opened(options)
    barlake.open(store)  # a lake that is not there is not made
    from barlake.pipelines import check as pipeline  # noqa: PLC0415 - brings Spark
    from barlake.summary import summary  # noqa: PLC0415

    with running(jobs.CHECK, options) as night:
        pipeline.check(night, [day.session_date for day in days], names)
    return summary(night)
