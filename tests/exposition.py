"""Prometheus' text format 0.0.4, read strictly: whatever it does not allow is an error."""

import re
from typing import NamedTuple

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'(?:[a-zA-Z_][a-zA-Z0-9_]*)="(?:[^"\\\n]|\\[\\n"])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (\S+)")
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"')
_SPELLED = {r"\\": "\\", r"\n": "\n", r"\"": '"'}
Labels = frozenset[tuple[str, str]]


class Family(NamedTuple):
    """What one metric says."""

    doc: str
    kind: str
    samples: dict[Labels, float]


def parsed(text: str) -> dict[str, Family]:
    """Read a whole page: HELP, TYPE, then the samples of each metric, none of them twice."""
    assert text == "" or text.endswith("\n")
    found: dict[str, Family] = {}
    lines = iter(text.split("\n")[:-1])
    name = ""
    for line in lines:
        if line.startswith("# HELP "):
            name, _, doc = line.removeprefix("# HELP ").partition(" ")
            word, typed, kind = next(lines).removeprefix("# ").split(" ")
            assert (word, typed) == ("TYPE", name)
            assert name not in found
            assert not re.search(r"\\(?![\\n])", doc.replace(r"\\", ""))
            found[name] = Family(doc, kind, {})
            continue
        sample = _SAMPLE.fullmatch(line)
        assert sample is not None, line
        assert sample[1] == name, line
        labels = frozenset((k, _plain(v)) for k, v in _PAIR.findall(sample[2] or ""))
        assert labels not in found[name].samples, line
        found[name].samples[labels] = float(sample[3])
    return found


def _plain(text: str) -> str:
    return re.sub(r'\\[\\n"]', lambda escape: _SPELLED[escape[0]], text)


def labelled(**labels: str) -> Labels:
    """Give labels as `parsed` does."""
    return frozenset(labels.items())
