"""`barlake plan` and `barlake explain`: what is absent, and where what is there came from."""

from datetime import datetime
from typing import Annotated

import typer

from barlake import console, told
from barlake.arguments import AsOf, End, Env, Json, Lake, Start, Tickers
from barlake.options import Options

Cell = Annotated[
    datetime | None,
    typer.Argument(
        parser=console.instant, metavar="TS", help="Its minute, e.g. 2026-11-20T14:30Z."
    ),
]
Name = Annotated[str | None, typer.Argument(metavar="TICKER", help="As the vendor spells it.")]
Key = Annotated[
    str | None, typer.Option("--key", help="A refused row, as `quarantine list --rows` shows it.")
]


def plan(
    tickers: Tickers = None,
    start: Start = None,
    end: End = None,
    lake: Lake = None,
    as_of: AsOf = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Tell what the lake lacks, why, and until when it can be had."""
    from barlake import steps_trace as steps

    options = Options(lake=lake, environment=env, as_of=as_of)
    console.show(steps.plan(options, tickers, start, end), json=json, tell=told.plan)


def explain(
    ticker: Name = None,
    ts: Cell = None,
    key: Key = None,
    lake: Lake = None,
    as_of: AsOf = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Tell where a minute came from, and what it fed; or why it is absent."""
    from barlake import steps_trace as steps

    options = Options(lake=lake, environment=env, as_of=as_of)
    console.show(steps.explain(options, ticker, ts, key), json=json, tell=told.explain)
