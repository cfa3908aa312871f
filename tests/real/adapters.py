"""Recorded files -> frames of bars, and frames -> the CSV that `run --source files` takes.

A frame of bars has `ticker`, `ts` (start of the minute, UTC), `open`, `high`, `low`, `close`
(dollars) and `volume` (shares, Int64), in the recording's own order. Nothing is repaired: what the
vendor served twice, or wrongly, is in the frame. `shared/data/real/README.md` tells the formats.
"""

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

PRICES = ["open", "high", "low", "close"]
BARS = ["ticker", "ts", *PRICES, "volume"]
NEW_YORK = "America/New_York"


def real_data() -> Path:
    """Give the folder of recordings; without it a test is skipped, or fails where CI is true."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "real"
    folder = Path(os.environ.get("BARLAKE_REAL_DATA") or beside)
    if folder.is_dir():
        return folder
    missing = f"no recorded bars: {folder} is not a folder; set BARLAKE_REAL_DATA"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def as_bars(ticker: str, ts: pd.DatetimeIndex, served: pd.DataFrame) -> pd.DataFrame:
    """Give the frame of bars; `served` has the prices and the volume, `ts` has a zone."""
    kinds = dict.fromkeys(PRICES, "float64") | {"volume": "Int64"}
    bars = served[[*kinds]].astype(kinds)
    bars.insert(0, "ticker", ticker)
    bars.insert(1, "ts", ts.tz_convert("UTC"))
    return bars.reset_index(drop=True)


def lean(path: Path) -> pd.DataFrame:
    """Read `<ticker>/<yyyymmdd>_trade.zip`, or all days of the folder `<ticker>`.

    Milliseconds since New York's midnight, bar start; dollars times 10,000.
    """
    if path.is_dir():
        days = [lean(day) for day in sorted(path.glob("*_trade.zip"))]
        return pd.concat(days, ignore_index=True)
    served = _csv(path, header=None, names=["ms", *PRICES, "volume"])
    served[PRICES] = served[PRICES] / 10_000
    midnight = pd.Timestamp(path.name.removesuffix("_trade.zip"))
    wall_clock = midnight + pd.to_timedelta(served["ms"], unit="ms")
    return as_bars(path.parent.name.upper(), in_new_york(wall_clock), served)


def eqker(path: Path) -> pd.DataFrame:
    """Read `<ticker>_1min.csv`: New York wall clock at the bar's END, newest first."""
    served = _csv(path)
    ts = in_new_york(pd.to_datetime(served["datetime"])) - pd.Timedelta(minutes=1)
    return as_bars(path.name.removesuffix("_1min.csv"), ts, served)


def money_tree(path: Path) -> pd.DataFrame:
    """Read `<ticker>_1m.csv`: New York wall clock at the bar's start, with pre and post market."""
    served = _csv(path, index_col=0).rename(columns=str.lower)
    ts = in_new_york(pd.to_datetime(served["datetime"]))
    return as_bars(path.name.removesuffix("_1m.csv"), ts, served)


def bsw_demo(path: Path) -> pd.DataFrame:
    """Read `<ticker>_1m.csv`: three header lines, UTC, 32-bit prices widened to 64."""
    fields = _csv(path, nrows=0).columns.str.lower()
    served = _csv(path, skiprows=3, header=None, names=["datetime", *fields[1:]])
    ts = pd.DatetimeIndex(pd.to_datetime(served["datetime"], utc=True))
    return as_bars(path.name.removesuffix("_1m.csv"), ts, served)


def yahoo_chart(path: Path) -> pd.DataFrame:
    """Read a recorded answer of Yahoo's v8 chart for 1m; rows null throughout are left out.

    Raises:
        ValueError: Yahoo answered with an error, or with bars of another length.
    """
    result = _chart_result(json.loads(path.read_text())["response"])
    if (length := result["meta"]["dataGranularity"]) != "1m":
        raise ValueError(f"bars of {length}, not of one minute: {path.name}")
    quote = pd.DataFrame(result["indicators"]["quote"][0], columns=[*PRICES, "volume"])
    ts = pd.to_datetime(pd.Series(result.get("timestamp", []), dtype="int64"), unit="s", utc=True)
    told = quote.notna().any(axis="columns").to_numpy()
    return as_bars(result["meta"]["symbol"], pd.DatetimeIndex(ts[told]), quote[told])


def write_csv(frame: pd.DataFrame, path: Path, fetched_at: datetime | None = None) -> Path:
    """Write bars as the files source takes them; nulls are empty, floats of the shortest repr.

    A column `fetched_at` of `frame` is written row by row; the argument, with a zone, stands for
    all rows.
    """
    told = frame[[name for name in [*BARS, "fetched_at"] if name in frame]].copy()
    told["volume"] = told["volume"].astype("Int64")
    if fetched_at is not None:
        told["fetched_at"] = pd.Timestamp(fetched_at)
    for name in ["ts", "fetched_at"]:
        if name in told:
            told[name] = [iso_utc(instant) for instant in told[name]]
    told.to_csv(path, index=False, lineterminator="\n")
    return path


def iso_utc(instant: pd.Timestamp) -> str:
    """Spell an instant as ISO 8601 with `Z`; one without a zone is refused."""
    if instant.tzinfo is None:
        raise ValueError(f"no zone: {instant}")
    return instant.tz_convert("UTC").isoformat().replace("+00:00", "Z")


def in_new_york(wall_clock: "pd.Series[pd.Timestamp]") -> pd.DatetimeIndex:
    """Give the instants of a New York wall clock."""
    return pd.DatetimeIndex(wall_clock).tz_localize(NEW_YORK)


def recording(path: Path, root: Path) -> pd.DataFrame:
    """Read one recorded file of 1-minute bars, whatever its format: its top folder names it."""
    return READERS[path.relative_to(root).parts[0]](path)


def deliveries(root: Path) -> dict[str, pd.DataFrame]:
    """Give every recording as one delivery, by its folder: tickers that were recorded together."""
    together: dict[str, list[Path]] = {}
    for pattern in PATTERNS:
        for path in sorted(root.glob(pattern)):
            together.setdefault(str(path.parent.relative_to(root)), []).append(path)
    return {
        name: pd.concat([recording(path, root) for path in paths], ignore_index=True)
        for name, paths in together.items()
    }


def _csv(path: Path, **options: Any) -> pd.DataFrame:
    """Read a CSV with floats exact: pandas' own quick parser is off by a unit in the last place."""
    served: pd.DataFrame = pd.read_csv(path, float_precision="round_trip", **options)
    return served


def _chart_result(response: dict[str, Any]) -> dict[str, Any]:
    answer = response.get("bodyJson") or json.loads(response["body"])
    chart: dict[str, Any] = answer["chart"]
    if chart["error"]:
        raise ValueError(f"{chart['error']['code']}: {chart['error']['description']}")
    result: dict[str, Any] = chart["result"][0]
    return result


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "lean": lean,
    "eqker": eqker,
    "money-tree": money_tree,
    "bsw-demo": bsw_demo,
    "node-yahoo-finance2": yahoo_chart,
}
PATTERNS = (
    "lean/equity/usa/minute/*/*_trade.zip",
    "eqker/*_1min.csv",
    "money-tree/*/*_1m.csv",
    "bsw-demo/*_1m.csv",
    "node-yahoo-finance2/chart-*-interval-1m.json",
)
