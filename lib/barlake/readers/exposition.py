"""Prometheus' text format, 0.0.4: what node_exporter's textfile collector reads."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_IN_LABEL = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, and the labels that tell it from the metric's others."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric in base units: its name, what it is in a sentence, its samples.

    Raises:
        ValueError: The name of it, or of a label, is none; or a counter's does not end in _total.
    """

    name: str
    kind: Literal["counter", "gauge"]
    doc: str
    samples: tuple[Sample, ...]

    def __post_init__(self) -> None:
        names = [self.name, *(name for sample in self.samples for name in sample.labels)]
        wrong = [name for name in names if not _NAME.fullmatch(name)]
        if wrong or (self.kind == "counter") != self.name.endswith("_total"):
            raise ValueError(f"{self.name} ({self.kind}, {wrong or 'by its ending'}) is no metric")


def exposition(metrics: Iterable[Metric]) -> str:
    """Spell metrics, each with its HELP and TYPE; one without samples is left out."""
    return "".join(f"{line}\n" for metric in metrics if metric.samples for line in _lines(metric))


def _lines(metric: Metric) -> list[str]:
    return [
        f"# HELP {metric.name} {metric.doc.translate(_IN_HELP)}",
        f"# TYPE {metric.name} {metric.kind}",
        *(f"{metric.name}{_labels(s.labels)} {_number(s.value)}" for s in metric.samples),
    ]


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value.translate(_IN_LABEL)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))
