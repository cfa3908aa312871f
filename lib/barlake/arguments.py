"""The arguments that several commands take, each declared once."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from barlake.console import instant


class SourceName(StrEnum):
    """Where bars come from."""

    FILES = "files"
    SIMULATED = "simulated"
    YAHOO = "yahoo"


class Interval(StrEnum):
    """What a source is asked for."""

    MINUTE = "1m"
    DAY = "1d"


class Format(StrEnum):
    """How `sql` prints."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


_DAY = ["%Y-%m-%d"]
Lake = Annotated[str | None, typer.Option(help="Folder of the lake; default: ./lake/main.")]
Label = Annotated[str | None, typer.Option(help="Every table as it was, e.g. close-2026-11-20.")]
Env = Annotated[str | None, typer.Option("--env", help="Which file of conf/.")]
AsOf = Annotated[
    datetime | None,
    typer.Option(parser=instant, metavar="INSTANT", help="The clock, e.g. 2026-11-20T22:00Z."),
]
RunId = Annotated[str | None, typer.Option(help="Name of the run; default: a new one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Tickers = Annotated[str | None, typer.Option(help="AAPL,MSFT or @file.")]
Start = Annotated[datetime | None, typer.Option(formats=_DAY, help="First session date.")]
End = Annotated[datetime | None, typer.Option(formats=_DAY, help="Last session date, inclusive.")]
Source = Annotated[SourceName | None, typer.Option(help="Where bars come from.")]
From = Annotated[Path | None, typer.Option("--from", help="File or folder, for --source files.")]
IntervalOf = Annotated[
    Interval, typer.Option("--interval", help="1d: daily bars, to hold minutes against.")
]
