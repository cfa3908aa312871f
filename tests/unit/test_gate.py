"""The verdict counts what was evaluated: what Great Expectations leaves out has failed."""

from types import SimpleNamespace
from typing import Any

import pytest

from barlake.checks.judge import outcomes
from barlake.checks.limits import Limit, limits
from barlake.checks.report import offline
from barlake.checks.verdict import verdict
from barlake.settings import Settings, load
from barlake.transforms.refusals import FACTS
from tests.builders import SESSION

JUMP = Limit(rule="jump", fact="jump_share", severity="warning", max=0.25, sentence="It jumped.")
SOUND = {"raised_exception": False, "exception_message": None}
RAISED = {"raised_exception": True, "exception_message": "no such column"}


def told(success: bool, observed: float | None, info: dict[str, Any]) -> SimpleNamespace:  # noqa: FBT001
    return SimpleNamespace(
        expectation_config=SimpleNamespace(meta={"limit": "jump"}),
        success=success,
        result={"observed_value": observed},
        exception_info=info,
    )


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load()


@pytest.mark.parametrize(
    ("results", "status"),
    [
        ([told(True, 0.1, SOUND)], "passed"),
        ([told(False, 0.3, SOUND)], "warned"),
        ([], "blocked"),
        ([told(True, 0.1, RAISED)], "blocked"),
        ([told(True, 0.1, {"a metric": SOUND, "another": RAISED})], "blocked"),
        ([told(True, None, SOUND)], "blocked"),
    ],
    ids=["held", "broken", "left out", "raised", "raised in a metric", "saw nothing"],
)
def test_what_was_not_evaluated_blocks_though_it_is_a_warning(
    results: list[SimpleNamespace], status: str
) -> None:
    found = outcomes([JUMP], SimpleNamespace(results=results))

    said = verdict(found, [], {}, newest=SESSION, samples=5)

    assert said.status == status
    assert said.evaluated == (status != "blocked")
    assert [row["passed"] for row in said.findings] == [status == "passed"]


def test_every_rule_of_conf_looks_at_a_fact_that_there_is(settings: Settings) -> None:
    assert {rule.fact for rule in settings.quality.rules.values()} <= set(FACTS)


def test_no_two_limits_have_one_name(settings: Settings) -> None:
    names = [limit.name for limit in limits(settings.quality)]

    assert len(set(names)) == len(names)


def test_a_ticker_may_have_a_limit_of_its_own(settings: Settings) -> None:
    jump = settings.quality.rules["jump"].model_copy(update={"tickers": {"SMMT": 2.0}})
    quality = settings.quality.model_copy(update={"rules": {"jump": jump}})

    usual, own = [limit for limit in limits(quality) if limit.rule == "jump"]

    assert (usual.max, usual.others, own.max, own.ticker) == (0.25, ("SMMT",), 2.0, "SMMT")


def test_a_page_without_a_network_runs_and_fetches_nothing() -> None:
    page = (
        '<!DOCTYPE html><html><head><title>x</title><link href="https://cdn/x.css"/>'
        '<script src="https://cdn/x.js"></script><style>@import url(//cdn)</style></head>'
        '<body onload="go()"><a href="https://cdn">a &amp; b</a><a href="#here">here</a>'
        '<img src="https://cdn/logo.png?id=7"><script>go("<b>")</script>&lt;i&gt;</body></html>'
    )

    assert offline(page, head="<title>y</title>", top="<h1>z</h1>") == (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>y</title></head>'
        '<body><h1>z</h1><a>a &amp; b</a><a href="#here">here</a>&lt;i&gt;</body></html>'
    )
