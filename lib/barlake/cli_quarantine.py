"""`barlake quarantine`: look at what was refused, and let some of it in."""

from datetime import datetime
from typing import Annotated

import typer

from barlake import console, told
from barlake.arguments import AsOf, Env, Json, Lake, RunId
from barlake.options import Options

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Look at refused rows; release some.",
)

Run = Annotated[str | None, typer.Option(help="The run that refused them.")]
Rule = Annotated[str | None, typer.Option(help="The rule that refused them.")]
Ticker = Annotated[str | None, typer.Option(help="Their ticker, as served.")]
Session = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The trading date of their minute.")
]
Rejudge = Annotated[
    bool, typer.Option("--rejudge", help="Let in what today's rules pass, nothing else.")
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", help="REQUEST_ID,TICKER,TS_TEXT,RULE, as `list --rows` shows it."),
]


@app.command("list")
def list_(
    run: Run = None,
    rule: Rule = None,
    ticker: Ticker = None,
    session: Session = None,
    rows: Annotated[bool, typer.Option("--rows", help="Show rows, not counts alone.")] = False,  # noqa: FBT002
    limit: Annotated[int, typer.Option(help="The most rows to show.", min=1)] = 50,
    lake: Lake = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Count what was refused, by rule, run, ticker and session; --rows shows it."""
    from barlake import steps_quarantine as steps

    wanted = steps.chosen(run, rule, ticker, session)
    found = steps.list_refused(
        Options(lake=lake, environment=env), wanted, most=limit if rows else 0
    )
    console.show(found, json=json, tell=told.quarantine)


@app.command()
def release(
    by: Annotated[str, typer.Option(help="Who takes the decision.")],
    why: Annotated[str, typer.Option(help="Why; kept for ever.")],
    key: Keys = None,
    run: Run = None,
    rule: Rule = None,
    ticker: Ticker = None,
    session: Session = None,
    rejudge: Rejudge = False,  # noqa: FBT002
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Let refused rows in: they pass the rule that refused them, and no other."""
    from barlake import steps_quarantine as steps

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    wanted = steps.chosen(run, rule, ticker, session, key)
    console.show_run(
        lambda: steps.release(options, wanted, by, why, is_rejudged=rejudge), json=json
    )
