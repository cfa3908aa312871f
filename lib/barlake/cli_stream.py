"""The commands of the topic of bars, and the one that follows it: arguments and one call."""

from typing import Annotated

import typer

from barlake import console
from barlake.arguments import AsOf, Env, Json, Lake, RunId
from barlake.cli_replay import replay
from barlake.options import Options


def stream(
    available_now: Annotated[  # noqa: FBT002
        bool, typer.Option("--available-now", help="End when all is read that is there now.")
    ] = False,
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Read bars from Kafka into gold: running VWAP and alerts, until Ctrl-C or SIGTERM."""
    from barlake import steps_stream

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show(steps_stream.stream(options, is_once=available_now), json=json)


COMMANDS = (replay, stream)
