"""What a run is told of those before it, where some were taken back."""

import pytest

from barlake.pipelines.books import Detail, standing


def ended(run: str, *, undone: tuple[str, ...] | None = None, fault: str = "") -> Detail:
    told: Detail = {"run_id": run}
    if undone is not None:
        told["restored"] = {"label": "close-2026-11-20", "undone": list(undone)}
    return told | ({"fault": fault} if fault else {})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([ended("a"), ended("b")], ["a", "b"]),
        ([ended("a"), ended("b", fault="it broke")], ["a"]),
        ([ended("a"), ended("b"), ended("r", undone=("b",))], ["a", "r"]),
        # To a younger label again: what the first restore had taken back counts once more.
        (
            [ended("a"), ended("b"), ended("r", undone=("b",)), ended("s", undone=("r",))],
            ["a", "b", "s"],
        ),
        (
            [
                ended("a"),
                ended("r", undone=("a",)),
                ended("s", undone=("r",)),
                ended("t", undone=("s", "r")),
            ],
            ["a", "t"],
        ),
        # Back behind a restore: it and all before it are gone, the run that it had undone as well.
        ([ended("b"), ended("r", undone=("b",)), ended("s", undone=("b", "r"))], ["s"]),
    ],
)
def test_runs_that_a_restore_took_back_are_not_told_of(
    told: list[Detail], expected: list[str]
) -> None:
    assert [detail["run_id"] for detail in standing(told)] == expected
