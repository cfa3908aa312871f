"""Great Expectations over the facts of a batch: one expectation for each limit."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame

from barlake.checks.limits import CRITICAL, Limit

if TYPE_CHECKING:
    from great_expectations.core import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )

SUITE = "quality gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one limit: `fault` says why it was not evaluated, `observed` the worst value.

    A limit that was not evaluated has failed, and is critical whatever it was before.
    """

    limit: Limit
    passed: bool
    observed: float | None = None
    fault: str = ""

    @property
    def severity(self) -> str:
        """Critical where the limit was not evaluated."""
        return CRITICAL if self.fault else self.limit.severity


def validate(
    frame: DataFrame, wanted: Sequence[Limit], *, name: str
) -> "ExpectationSuiteValidationResult":
    """Hold the frame's columns against their limits; `name` is what the report calls the batch."""
    # Read at the import: nothing may call home.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own dependencies
        import great_expectations as gx  # noqa: PLC0415 - takes seconds
        from great_expectations.expectations import ExpectColumnMaxToBeBetween  # noqa: PLC0415

        context = gx.get_context(mode="ephemeral")
        context.enable_analytics(False)
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_spark("barlake", persist=False)
        batch = (
            source.add_dataframe_asset(name)
            .add_batch_definition_whole_dataframe("staged")
            .get_batch(batch_parameters={"dataframe": frame})
        )
        expectations = [
            ExpectColumnMaxToBeBetween(
                column=limit.name,
                max_value=limit.max,
                severity=limit.severity,
                notes=limit.sentence,
                meta={"limit": limit.name},
            )
            for limit in wanted
        ]
        suite = gx.ExpectationSuite(name=SUITE, expectations=expectations)
        return batch.validate(suite, result_format="SUMMARY")


def outcomes(wanted: Sequence[Limit], result: "ExpectationSuiteValidationResult") -> list[Outcome]:
    """Tell what became of each limit: Great Expectations may leave out what it could not do."""
    told = {r.expectation_config.meta.get("limit"): r for r in result.results}
    return [_outcome(limit, told.get(limit.name)) for limit in wanted]


def _outcome(limit: Limit, told: "ExpectationValidationResult | None") -> Outcome:
    if told is None:
        return Outcome(limit=limit, passed=False, fault="the expectation has no result")
    raised = _raised(told.exception_info or {})
    if raised is not None:
        return Outcome(limit=limit, passed=False, fault=f"the expectation raised: {raised}")
    observed = told.result.get("observed_value")
    if observed is None:
        return Outcome(limit=limit, passed=False, fault="the expectation observed nothing")
    return Outcome(limit=limit, passed=told.success is True, observed=float(observed))


def _raised(info: dict[str, Any]) -> str | None:
    """Find an exception: the information is one of them, or one for each metric."""
    parts = [info] if "raised_exception" in info else [p for p in info.values() if p]
    found = [part for part in parts if part.get("raised_exception")]
    return str(found[0].get("exception_message"))[:500] if found else None
