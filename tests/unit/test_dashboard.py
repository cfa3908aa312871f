"""Grafana's dashboard asks for metrics that `barlake metrics` exports, by labels that they have."""

import json
import re

import pytest

from barlake.settings import PROJECT

DASHBOARD = PROJECT / "infra/observability/grafana/dashboards/barlake.json"
# Not ours: node_exporter tells how old the file is that it reads.
FOREIGN = {"node_textfile_mtime_seconds": {"file"}}


def documented() -> dict[str, set[str]]:
    """The labels of each metric, from the page that another test holds to the code."""
    page = (PROJECT / "docs/monitoring.md").read_text("utf-8")
    rows = re.findall(r"^\| ((?:`barlake_\w+`(?:, )?)+) \| ([a-z_, ]*)\|", page, re.MULTILINE)
    return {
        name: set(re.findall(r"\w+", labels))
        for names, labels in rows
        for name in re.findall(r"barlake_\w+", names)
    }


def asked() -> list[tuple[str, str]]:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return [(t["expr"], t["legendFormat"]) for panel in panels for t in panel["targets"]]


def test_the_page_of_metrics_is_understood() -> None:
    assert len(documented()) > 20
    assert documented()["barlake_vendor_requests_total"] == {"source", "outcome"}


@pytest.mark.parametrize(("query", "legend"), asked())
def test_each_query_is_of_metrics_and_labels_that_there_are(query: str, legend: str) -> None:
    known = documented() | FOREIGN
    names = re.findall(r"\b(?:barlake|node)_\w+", query)
    grouped = {
        label for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")
    }
    shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
    matched = set(re.findall(r"(\w+)=~?\"", query))

    assert len(names) == 1
    labels = known[names[0]]
    assert grouped | matched <= labels
    assert shown <= (grouped or labels)
    counted = re.search(rf"increase\({names[0]}\b", query) is not None
    assert counted is names[0].endswith("_total")
