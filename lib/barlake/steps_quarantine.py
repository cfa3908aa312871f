"""What `barlake quarantine` does, given its arguments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import barlake
from barlake.model import jobs
from barlake.model.errors import InputError
from barlake.options import Options
from barlake.readers.quarantine import Chosen, listed
from barlake.readers.release import Wish, candidates
from barlake.runtime import opened, running

SAYINGS_MAX = 500


def chosen(
    run: str | None,
    rule: str | None,
    ticker: str | None,
    session: datetime | None,
    keys: Sequence[str] | None = None,
) -> Chosen:
    """Put the conditions of a command together."""
    day = session.date() if session else None
    return Chosen(run=run, rule=rule, ticker=ticker, session=day, keys=keys or None)


def list_refused(options: Options, wanted: Chosen, *, most: int) -> dict[str, Any]:
    """Count what was refused, and give `most` of the rows."""
    _, store, _ = opened(options)
    return listed(barlake.open(store), wanted, most=most)


def release(
    options: Options, wanted: Chosen, by: str, why: str, *, is_rejudged: bool
) -> dict[str, Any]:
    """Let refused rows in.

    Raises:
        InputError: Nothing is chosen, or nothing of it can become a bar.
    """
    if wanted.is_everything:
        raise InputError("say which rows: --key, --rule, --run, --ticker or --session")
    names = {"--by": by, "--why": why}
    for option, text in names.items():
        if not text.strip() or len(text) > SAYINGS_MAX:
            raise InputError(f"{option} needs a text of 1 to {SAYINGS_MAX} characters")
    _, store, _ = opened(options)
    reader = barlake.open(store)
    wish = Wish(chosen=wanted, by=by.strip(), why=why.strip(), is_rejudged=is_rejudged)
    candidates(reader, wish)
    from barlake.pipelines import release as pipeline  # noqa: PLC0415 - brings Spark
    from barlake.summary import summary  # noqa: PLC0415

    with running(jobs.RELEASE, options) as night:
        told = pipeline.release(night, wish)
    return summary(night) | told
