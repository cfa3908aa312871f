"""The command that sends a session's bars into Kafka: arguments and one call."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from barlake import console
from barlake.arguments import AsOf, Env, Json, Lake, Tickers
from barlake.options import Options


def _odds(what: str) -> Any:  # noqa: ANN401 - typer's own type
    return typer.Option(min=0, max=1, metavar="P", help=f"Probability, for each bar, {what}.")


def replay(
    session: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Session date; default: silver's newest."),
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0, help="Times the market's pace; 0 waits for nothing.")
    ] = 60,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="HH:MM", help="Begin there, exchange time.")
    ] = None,
    tickers: Tickers = None,
    seed: Annotated[int, typer.Option(help="Of all that is out of order.")] = 1,
    late: Annotated[float, _odds("to come 2 to 30 minutes late")] = 0,
    duplicate: Annotated[float, _odds("to come twice")] = 0,
    correct: Annotated[float, _odds("to come wrong, and then corrected")] = 0,
    drop: Annotated[float, _odds("not to come")] = 0,
    malform: Annotated[float, _odds("of a malformed message beside it")] = 0,
    future: Annotated[float, _odds("of one ten years ahead beside it")] = 0,
    resume: Annotated[  # noqa: FBT002
        bool, typer.Option("--resume", help="Go on where the same replay was stopped or killed.")
    ] = False,
    ledger: Annotated[
        Path | None,
        typer.Option(
            help="File of what was acknowledged; default: lake/replays/SESSION-TOPIC.ledger."
        ),
    ] = None,
    lake: Lake = None,
    as_of: AsOf = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Send a session's observed bars into Kafka, at the market's pace or faster.

    The same session, seed and probabilities give the same messages in the same order. Ctrl-C stops
    it; with --resume, what was not acknowledged is sent, and nothing twice. Where there is no
    ledger to go on with, --resume begins at the beginning.
    """
    from barlake.steps_replay import Asked
    from barlake.steps_replay import replay as send
    from barlake.streaming.disorder import Odds

    asked = Asked(
        session=session.date() if session else None,
        speed=speed,
        seed=seed,
        odds=Odds(
            late=late,
            duplicate=duplicate,
            correct=correct,
            drop=drop,
            malform=malform,
            future=future,
        ),
        tickers=tickers,
        begin=begin,
        is_resumed=resume,
        ledger=ledger,
    )
    options = Options(lake=lake, environment=env, as_of=as_of)
    console.show(send(options, asked), json=json)
