"""The session that truth rests on, without Spark: a stand-in has its settings."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from barlake.io.spark import (
    BUCKET_SETS,
    REQUIRED,
    MissingJarsError,
    UnsafeSessionError,
    require_jars,
    require_safe,
)

WRONG = {
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.files.ignoreCorruptFiles": "true",
    "spark.sql.files.ignoreMissingFiles": "true",
    "spark.databricks.delta.schema.autoMerge.enabled": "true",
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
}


def session(**changed: str) -> Any:
    """Stand in for a session whose settings are those required, but for what is changed."""
    settings = REQUIRED | changed
    return SimpleNamespace(conf=SimpleNamespace(get=settings.__getitem__))


@pytest.mark.parametrize("key", WRONG)
def test_a_session_with_one_unsafe_setting_is_refused_by_its_name_and_value(key: str) -> None:
    with pytest.raises(UnsafeSessionError) as refusal:
        require_safe(session(**{key: WRONG[key]}))

    assert f"{key} is {WRONG[key]} and must be {REQUIRED[key]}" in str(refusal.value)


def test_no_required_setting_is_left_untried() -> None:
    assert WRONG.keys() == REQUIRED.keys()


def test_a_session_with_all_of_them_is_taken_however_a_boolean_is_spelled() -> None:
    """Asked for each of them, and nothing was raised."""
    for changed in ({}, {"spark.sql.ansi.enabled": "TRUE"}):
        asked: list[str] = []
        settings = REQUIRED | changed
        told = SimpleNamespace(get=lambda key, s=settings, a=asked: (a.append(key), s[key])[1])

        require_safe(SimpleNamespace(conf=told))  # type: ignore[arg-type]

        assert asked == [*REQUIRED]


@pytest.mark.parametrize("lacking", BUCKET_SETS)
def test_a_bucket_without_its_jars_is_refused_with_what_to_do(lacking: str, tmp_path: Path) -> None:
    for jars in BUCKET_SETS:
        (tmp_path / jars).mkdir()
        (tmp_path / jars / "some.jar").touch()
    require_jars(tmp_path)

    (tmp_path / lacking / "some.jar").unlink()
    with pytest.raises(MissingJarsError, match=rf"not there \({lacking}\): `make bucket`"):
        require_jars(tmp_path)
