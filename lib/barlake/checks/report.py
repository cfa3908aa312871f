"""Great Expectations' own page of a validation, made to be read without a network."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING

from barlake.checks.verdict import Finding, Verdict

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult

# The page's scripts come from other hosts, as do its fonts and its style sheets; so does its logo.
_DROPPED = {"script", "style", "title", "iframe", "object"}
_DROPPED_ALONE = {"link", "meta", "img", "embed", "base", "source"}
_OF_RULES = ("severity", "rule", "why", "observed", "expected", "sessions", "keys")
_OF_SESSIONS = (
    "severity",
    "rule",
    "ticker",
    "session_date",
    "observed",
    "expected",
    "sample_keys",
)
_ADDRESSES = ("href", "src", "action", "srcset", "data", "xlink:href")


def page(
    result: "ExpectationSuiteValidationResult", verdict: Verdict, *, run_id: str, now: datetime
) -> str:
    """Give the page: the verdict, what failed with its keys, and all that GX says of it."""
    from great_expectations.render.renderer import (  # noqa: PLC0415 - takes seconds
        ValidationResultsPageRenderer,
    )
    from great_expectations.render.view import DefaultJinjaPageView  # noqa: PLC0415

    document = ValidationResultsPageRenderer(run_info_at_end=True).render(result)
    rendered = str(DefaultJinjaPageView().render(document))
    style = files("barlake.checks").joinpath("report.css").read_text("utf-8")
    head = (
        f'<meta name="viewport" content="width=device-width"><title>{escape(run_id)}: '
        f"{verdict.status}</title><style>{style}</style>"
    )
    return offline(rendered, head=head, top=_summary(verdict, run_id, now))


def offline(html: str, *, head: str, top: str) -> str:
    """Leave out of a page whatever runs or is fetched; `head` and `top` open those parts."""
    cleaner = _Cleaner(head, top)
    cleaner.feed(html)
    cleaner.close()
    return "<!DOCTYPE html>\n" + "".join(cleaner.kept)


class _Cleaner(HTMLParser):
    def __init__(self, head: str, top: str) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self._openings = {"head": f'<meta charset="utf-8">{head}', "body": top}
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag with its harmless attributes, or begin to leave out what is in it."""
        if tag in _DROPPED:
            self._within.append(tag)
        if self._within or tag in _DROPPED_ALONE:
            return
        told = "".join(
            f' {name}="{escape(value or "")}"' for name, value in attrs if _is_kept(name, value)
        )
        self.kept.append(f"<{tag}{told}>{self._openings.pop(tag, '')}")

    def handle_endtag(self, tag: str) -> None:
        if not self._within:
            self.kept.append("" if tag in _DROPPED_ALONE else f"</{tag}>")
        elif tag == self._within[-1]:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def _keep(self, text: str) -> None:
        if not self._within:
            self.kept.append(text)


def _is_kept(name: str, value: str | None) -> bool:
    if name.startswith("on") or name == "style":
        return False
    return name not in _ADDRESSES or (value or "").startswith("#")


def _summary(verdict: Verdict, run_id: str, now: datetime) -> str:
    sessions = [row for row in verdict.findings if row["ticker"]]
    return (
        f'<section class="verdict {verdict.status}"><h1>{escape(run_id)}: {verdict.status}</h1>'
        f"<p>{verdict.evaluated} expectations evaluated, {len(verdict.failed)} rules broken, "
        f"{now:%Y-%m-%d %H:%M} UTC.</p>{_rows('Broken rules', verdict.failed, _OF_RULES)}"
        f"{_rows('Where', sessions, _OF_SESSIONS)}</section>"
    )


def _rows(title: str, rows: Sequence[Finding], names: Sequence[str]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{name}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(row[name]))}</td>" for name in names) + "</tr>"
        for row in rows
    )
    return f"<h2>{title}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
