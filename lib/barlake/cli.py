"""The command line: each command is arguments and one call.

What a command runs is imported inside it, so that `--help` loads neither Spark nor pandas.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from barlake import cli_check, cli_look, cli_quarantine, cli_replay, cli_trace, console
from barlake.arguments import (
    AsOf,
    End,
    Env,
    From,
    Interval,
    IntervalOf,
    Json,
    Lake,
    RunId,
    Source,
    Start,
    Tickers,
)
from barlake.model.errors import BarlakeError, InputError
from barlake.options import Options

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog="--debug, anywhere, shows the stack of a fault.",
)
check = app.command()(cli_check.check)
reconcile = app.command()(cli_check.reconcile)


def run() -> None:
    """Run the program; `barlake` is this."""
    sys.exit(_guarded(app, sys.argv[1:]))


def script(command: Callable[..., None], argv: Sequence[str] | None) -> None:
    """Run one command as a program of its own, for jobs/."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command()(command)
    sys.exit(_guarded(alone, sys.argv[1:] if argv is None else list(argv)))


@app.command()
def demo(
    tickers: Annotated[int, typer.Option(help="How many.", min=1, max=200)] = 20,
    sessions: Annotated[int, typer.Option(help="How many.", min=2, max=20)] = 10,
    source: Source = None,
    lake: Annotated[str | None, typer.Option(help="Folder; default: ./lake/demo.")] = None,
    as_of: AsOf = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Run the whole lake, simulated or with Yahoo, and show what landed where."""
    from barlake.demo import demonstrate

    options = Options(lake=lake, as_of=as_of)
    console.show(demonstrate(options, tickers, sessions, source), json=json)


@app.command("run")
def run_(
    source: Source = None,
    path: From = None,
    interval: IntervalOf = Interval.MINUTE,
    tickers: Tickers = None,
    start: Start = None,
    end: End = None,
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Do a whole night in one Spark session: plan, fetch, ingest, silver, gold, optimize."""
    from barlake import steps

    asked = steps.Asked.of(source, path, tickers, start, end, interval=interval)
    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps.run(options, asked), json=json)


@app.command()
def fetch(
    source: Source = None,
    path: From = None,
    interval: IntervalOf = Interval.MINUTE,
    tickers: Tickers = None,
    start: Start = None,
    end: End = None,
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Bring one source into landing/."""
    from barlake import steps

    asked = steps.Asked.of(source, path, tickers, start, end, interval=interval)
    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show(steps.fetch(options, asked), json=json)


@app.command()
def ingest(
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Bring what landed into bronze.bars and silver.quarantine."""
    from barlake import steps

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps.ingest(options), json=json)


@app.command()
def silver(
    start: Start = None,
    end: End = None,
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Bring what was ingested into silver.bars_1m and silver.coverage."""
    from barlake import steps

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps.silver(options, start, end), json=json)


@app.command()
def gold(
    start: Start = None,
    end: End = None,
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Bring what changed in silver into gold.features_1m and gold.bars."""
    from barlake import steps

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps.gold(options, start, end), json=json)


@app.command()
def optimize(
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Lay out what changed: silver's days, gold's closed months."""
    from barlake import steps

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps.optimize(options), json=json)


@app.command()
def vacuum(
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Delete data files that only versions beyond the retention use, and no label."""
    from barlake import steps_upkeep

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show(steps_upkeep.vacuum(options), json=json)


@app.command()
def rebuild(
    into: Annotated[str, typer.Option(help="Folder of the new lake.")],
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Make bronze, silver and gold again from landing/, in another lake."""
    from barlake import steps

    options = Options(lake=into, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps.rebuild(options, lake), json=json)


@app.command()
def restore(
    label: Annotated[str, typer.Argument(help="Of a session's close: close-2026-11-20.")],
    lake: Lake = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Bring every table back to what it was at a session's close."""
    from barlake import steps_upkeep

    options = Options(lake=lake, environment=env, as_of=as_of, run_id=run_id)
    console.show_run(lambda: steps_upkeep.restore(options, label), json=json)


for command in (*cli_look.COMMANDS, cli_trace.plan, cli_trace.explain, cli_replay.replay):
    app.command()(command)
app.add_typer(cli_quarantine.app, name="quarantine")


def _guarded(program: typer.Typer, arguments: list[str]) -> int:
    is_debugging = "--debug" in arguments
    given = [word for word in arguments if word != "--debug"]
    try:
        code: Any = program(given, standalone_mode=False)
    except TyperException as wrong:
        return console.refuse(InputError(wrong.format_message()), is_debugging=is_debugging)
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        return 130
    except BarlakeError as refusal:
        return console.refuse(refusal, is_debugging=is_debugging)
    except Exception as fault:  # noqa: BLE001 - the last stop: one line instead of a stack
        return console.fault(fault, is_debugging=is_debugging)
    return code if isinstance(code, int) else 0
