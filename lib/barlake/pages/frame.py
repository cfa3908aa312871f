"""What is common to all pages: templates, and text that is safe inside of them."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

# In a script element nothing is an entity: what could end it is spelled as JSON allows.
_SPELLED = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}
SPARK_WIDTH, SPARK_HEIGHT = 120, 32


def twin_of(numbers: dict[str, Any]) -> str:
    """Spell a page's numbers as JSON that may stand in a script element as it is.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    text = json.dumps(numbers, allow_nan=False, separators=(",", ":"))
    return text.translate(_SPELLED) + "\n"


def render(template: str, path: str, numbers: dict[str, Any], twin: str) -> str:
    """Fill a template with a page's numbers; `path` is the page's own, without suffix."""
    return (
        _templates()
        .get_template(template)
        .render(
            page=numbers,
            twin=Markup(twin),  # noqa: S704 - `twin_of` spelled it without markup
            twin_name=f"{path.rsplit('/', 1)[-1]}.json",
            up="../" * path.count("/"),
        )
    )


def link(name: str) -> str:
    """Spell a name as one segment of an address."""
    return quote(name, safe="")


def thousands(count: int | None) -> str:
    """Spell a count with separators."""
    return "" if count is None else f"{count:,}"


def words(name: str) -> str:
    """Spell a name of the tables as people do."""
    return name.replace("_", " ")


def size(count: int) -> str:
    """Spell a number of bytes."""
    amount, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if amount >= 100 or unit == "B" else f"{amount:.1f} {unit}"


def spark(values: list[float]) -> str:
    """Give the points of a small line, from left to right, for an SVG of the sizes above."""
    low, high = min(values), max(values)
    step = SPARK_WIDTH / max(len(values) - 1, 1)
    scale = (SPARK_HEIGHT - 4) / ((high - low) or 1.0)
    points = (
        (at * step, SPARK_HEIGHT - 2 - (value - low) * scale) for at, value in enumerate(values)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters = {"link": link, "thousands": thousands, "words": words, "size": size, "spark": spark}
    environment.filters.update(filters)
    return environment
