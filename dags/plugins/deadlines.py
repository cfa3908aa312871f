"""What Airflow says of a run that is not over by its deadline."""

import logging
from typing import Any

log = logging.getLogger(__name__)


async def late(context: dict[str, Any], **_: Any) -> None:  # noqa: ANN401 - as Airflow calls it
    """Leave one line in the triggerer's log: which run, for which session, and what to do."""
    run = context["dag_run"]
    log.error(
        "%s: run %s of the session that closed at %s was not over at %s. Look at its first task "
        "that is not green; or see the runbook, A session is late, or missing",
        run["dag_id"],
        run["dag_run_id"],
        run["data_interval_end"],
        context["deadline"]["deadline_time"],
    )
