"""The log goes to what standard error is when a line is written."""

import io
import sys

import pytest
import structlog

from barlake import log


def test_a_line_goes_to_the_standard_error_of_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = structlog.get_logger()
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    log.configure(job="a job", run_id="a run")
    logger.info("before")
    monkeypatch.setattr(sys, "stderr", second)
    before = first.getvalue()
    first.close()

    logger.info("after")

    assert "before" in before
    assert "after" in second.getvalue()
