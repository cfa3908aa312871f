"""Hold a table against what it must say, and tell where they part."""

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api import types

SHOWN = 5
ABSOLUTE = 1e-9

Flags = npt.NDArray[np.bool_]


def assert_same(
    actual: pd.DataFrame, expected: pd.DataFrame, key: list[str], rel: float = 1e-9
) -> None:
    """Fail unless `actual` holds exactly the rows of `expected`, in any order.

    `expected` says which columns count and of what kind they are: its floats are compared within
    `rel` (or 1e-9 absolute), all else exactly; None, NaN, NaT and NA are null alike. Instants
    without a zone are taken for UTC, and midnights for dates where dates are expected. The
    failure shows up to five differences: column, key, both values.
    """
    absent = [name for name in expected.columns if name not in actual.columns]
    assert not absent, f"no such columns: {absent}; there are {list(actual.columns)}"
    got, wanted = (_plain(frame[list(expected.columns)]) for frame in (actual, expected))
    got = _in_kinds_of(wanted, got)
    _assert_same_keys(got, wanted, key)
    got = got.sort_values(key, ignore_index=True)
    wanted = wanted.sort_values(key, ignore_index=True)
    differing = {name: _differ(got[name], wanted[name], rel) for name in expected.columns}
    total = int(sum(flags.sum() for flags in differing.values()))
    if total:
        raise AssertionError(_told(differing, got, wanted, key, total))


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Give all instants as UTC in microseconds, and a fresh index."""
    plain = frame.reset_index(drop=True)
    for name in plain.columns:
        column = plain[name]
        if types.is_datetime64_any_dtype(column.dtype):
            utc = (
                column.dt.tz_localize("UTC")
                if column.dt.tz is None
                else column.dt.tz_convert("UTC")
            )
            plain[name] = utc.dt.as_unit("us")
    return plain


def _in_kinds_of(wanted: pd.DataFrame, got: pd.DataFrame) -> pd.DataFrame:
    """Give dates where dates are wanted: some readers give a date as an instant at midnight."""
    for name in got.columns:
        is_instant = types.is_datetime64_any_dtype(got[name].dtype)
        if is_instant and any(type(value) is date for value in wanted[name]):
            got[name] = [None if pd.isna(value) else value.date() for value in got[name]]
    return got


def _assert_same_keys(got: pd.DataFrame, wanted: pd.DataFrame, key: list[str]) -> None:
    for word, frame in (("actual", got), ("expected", wanted)):
        repeated = frame[frame.duplicated(key)]
        assert repeated.empty, f"{word} has keys twice: {_keys(repeated, key)}"
    found, meant = (pd.MultiIndex.from_frame(frame[key]) for frame in (got, wanted))
    missing, extra = wanted[~meant.isin(found)], got[~found.isin(meant)]
    if len(missing) or len(extra):
        raise AssertionError(
            f"{len(missing)} keys are missing: {_keys(missing, key)}\n"
            f"{len(extra)} keys are not expected: {_keys(extra, key)}"
        )


def _differ(got: "pd.Series[Any]", wanted: "pd.Series[Any]", rel: float) -> Flags:
    nothing, none_wanted = got.isna().to_numpy(), wanted.isna().to_numpy()
    both = ~nothing & ~none_wanted
    differ: Flags = nothing != none_wanted
    left, right = got[both], wanted[both]
    if types.is_float_dtype(wanted.dtype):
        a, b = left.to_numpy(dtype=np.float64), right.to_numpy(dtype=np.float64)
        differ[both] = ~np.isclose(a, b, rtol=rel, atol=ABSOLUTE)
    else:
        pairs = zip(left, right, strict=True)
        differ[both] = np.array([bool(a != b) for a, b in pairs], dtype=bool)
    return differ


def _told(
    differing: dict[str, Flags],
    got: pd.DataFrame,
    wanted: pd.DataFrame,
    key: list[str],
    total: int,
) -> str:
    counts = {name: int(flags.sum()) for name, flags in differing.items() if flags.any()}
    places = [(name, row) for name in counts for row in np.flatnonzero(differing[name]).tolist()]
    lines = [
        f"{name} at {_key(wanted, key, row)}: {got[name][row]}, expected {wanted[name][row]}"
        for name, row in places[:SHOWN]
    ]
    return "\n".join([f"{total} values differ of {len(wanted)} rows, by column {counts}", *lines])


def _key(frame: pd.DataFrame, key: list[str], row: int) -> str:
    return ", ".join(f"{name}={frame[name][row]}" for name in key)


def _keys(frame: pd.DataFrame, key: list[str]) -> str:
    return "; ".join(_key(frame, key, row) for row in frame.index[:SHOWN]) or "none"
