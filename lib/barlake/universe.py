"""Which tickers are asked for."""

import re
from pathlib import Path

from barlake.model.errors import InputError
from barlake.model.rules import TICKER


def parse(text: str) -> list[str]:
    """Read tickers: "AAPL,MSFT", or "@file" with one a line, # for comments; each once, in order.

    Raises:
        InputError: The file is not there, nothing is named, or a ticker is malformed.
    """
    names = _lines(Path(text[1:])) if text.startswith("@") else text.split(",")
    tickers = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    wrong = [at for at, name in enumerate(tickers, start=1) if not re.fullmatch(TICKER, name)]
    if wrong:
        # What a file holds is not repeated: it may be another file than was meant.
        said = (
            f"entry {wrong[0]} of {text[1:]}"
            if text.startswith("@")
            else repr(tickers[wrong[0] - 1][:40])
        )
        raise InputError(
            f"{said} is no ticker: 1 to 15 of A-Z 0-9 . ^ = -, as the vendor spells it"
        )
    if not tickers:
        raise InputError(f"no ticker in {text!r}; write AAPL,MSFT or @file")
    return tickers


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"there is no file {path} with tickers")
    try:
        text = path.read_text("utf-8")
    except (UnicodeDecodeError, OSError):
        raise InputError(f"{path} cannot be read as text; give one ticker a line") from None
    return [line.split("#")[0] for line in text.splitlines()]
