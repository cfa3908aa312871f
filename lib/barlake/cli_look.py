"""The commands that look at a lake and change no table: arguments and one call each."""

from datetime import datetime
from typing import Annotated

import typer

from barlake import console, told
from barlake.arguments import AsOf, Env, Format, Json, Label, Lake
from barlake.options import Options

Session = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Its date; default: the newest one.")
]


def sql(
    query: str,
    lake: Lake = None,
    env: Env = None,
    label: Label = None,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
) -> None:
    """Ask DuckDB: every table is there by name, e.g. silver.bars_1m."""
    from barlake import steps_look

    options = Options(lake=lake, environment=env)
    console.show_rows(steps_look.query(options, query, label), form)


def tables(
    lake: Lake = None,
    env: Env = None,
    label: Label = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Print the statements that name every table in Spark SQL: spark-sql -i FILE."""
    from barlake import steps_look

    told = steps_look.tables(Options(lake=lake, environment=env), label)
    console.show({"statements": told, "text": told}, json=json)


def status(
    run: Annotated[str | None, typer.Option(help="What this run did, and its verdict.")] = None,
    lake: Lake = None,
    as_of: AsOf = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Tell what the lake holds: versions, sizes, coverage, holes, the last runs."""
    from barlake import steps_look

    done = steps_look.status(Options(lake=lake, environment=env, as_of=as_of), run)
    console.show(done, json=json, tell=told.run if run is not None else None)


def metrics(
    lake: Lake = None,
    as_of: AsOf = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Print the lake's metrics as Prometheus reads them: text format 0.0.4."""
    from barlake import steps_look

    found = steps_look.metrics(Options(lake=lake, environment=env, as_of=as_of))
    if json:
        del found["text"]
    console.show(found, json=json)


def pages(
    lake: Lake = None,
    as_of: AsOf = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Make the HTML pages: what the lake holds, its gaps, its quality, a page a ticker."""
    from barlake import steps_look

    done = steps_look.pages(Options(lake=lake, environment=env, as_of=as_of))
    console.show(done, json=json)


def live(
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 0,
    session: Session = None,
    lake: Lake = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Show the stream's VWAP and alerts on a page of this machine alone, until Ctrl-C."""
    from barlake import steps_live

    options = Options(lake=lake, environment=env)
    steps_live.live(options, port, session, tell=lambda done: console.show(done, json=json))


def doctor(
    lake: Lake = None,
    env: Env = None,
    json: Json = False,  # noqa: FBT002
) -> None:
    """Tell what this machine lacks, and with --lake what that lake's store does, and what to do."""
    from barlake import steps_look
    from barlake.doctor import bucket_jars
    from barlake.doctor import doctor as look

    needs = [need._asdict() for need in look()]
    if lake is None:
        console.show_needs(needs, json=json)
        return
    if lake.startswith("s3a://"):
        needs.append(bucket_jars()._asdict())
    needs += steps_look.examined(Options(lake=lake, environment=env))
    console.show_needs(needs, json=json, whose=f"this machine or the lake {lake}")


COMMANDS = (sql, tables, status, metrics, pages, live, doctor)
