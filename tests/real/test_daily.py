"""Recorded minutes against recorded daily bars of the same sessions, and against pandas."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from barlake import landing
from barlake.io.folder import Folder
from barlake.model.landed import Kind
from barlake.pipelines.reconcile import reconcile
from barlake.pipelines.underway import Night
from barlake.sections import BoundSettings
from barlake.settings import Settings
from barlake.sources.files import FilesSource
from tests.builders import at, held, run_files
from tests.real.adapters import NEW_YORK, PRICES, eqker, lean, real_data, write_csv

KNOWN_AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
MEASURES = [*PRICES, "volume"]
EARLY = date(2015, 12, 24)
PAIR = ["ticker", "session_date"]

pytestmark = pytest.mark.real


@dataclass(frozen=True, slots=True)
class Recorded:
    """A lake that holds the recordings, and what pandas says of them."""

    night: Night
    minutes: pd.DataFrame
    daily: pd.DataFrame

    @property
    def expected(self) -> pd.DataFrame:
        """Minute and daily value and their relative difference, by ticker, session and rule."""
        sides = {"minute": summed(self.minutes), "daily": self.daily}
        both = pd.concat(
            {name: side.set_index(PAIR)[MEASURES].stack() for name, side in sides.items()}, axis=1
        ).dropna()
        both["difference"] = both["minute"] / both["daily"] - 1
        return both


def summed(minutes: pd.DataFrame, *, parts: str = "regular") -> pd.DataFrame:
    """Bars of whole sessions from the minutes, in New York's own clock."""
    local = minutes["ts"].dt.tz_convert(NEW_YORK)
    days, clock = local.dt.date, local.dt.strftime("%H:%M")
    close = days.map(lambda day: "13:00" if day == EARLY else "16:00")
    chosen = {
        "regular": (clock >= "09:30") & (clock < close),
        "auction": clock == close,
        "outside": (clock < "09:30") | (clock > close),
    }[parts]
    rows = minutes.assign(session_date=days)[chosen].sort_values("ts").groupby(PAIR)
    found: pd.DataFrame = rows.agg(
        open=("open", "first"),
        high=("high", "max"),
        low=("low", "min"),
        close=("close", "last"),
        volume=("volume", "sum"),
    ).reset_index()
    return found.astype({"volume": "float64"})


def lean_daily(path: Path) -> pd.DataFrame:
    names = ["day", *MEASURES]
    served = pd.read_csv(path, header=None, names=names, float_precision="round_trip")
    served[PRICES] = served[PRICES] / 10_000
    days = pd.to_datetime(served["day"].str[:8], format="%Y%m%d").dt.date
    return served.assign(ticker=path.stem.upper(), session_date=days)


def eqker_daily(path: Path) -> pd.DataFrame:
    served = pd.read_csv(path, float_precision="round_trip")
    days = pd.to_datetime(served["datetime"]).dt.date
    return served.assign(ticker=path.name.removesuffix("_daily.csv"), session_date=days)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Two vendors' recordings: minutes and daily bars of AAPL, GOOG, SPY and IBM, and of BAC."""
    usa, other = real_data() / "lean/equity/usa", real_data() / "eqker"
    tickers = ("aapl", "goog", "spy", "ibm")
    bars = [*(lean(usa / "minute" / t) for t in tickers), eqker(other / "BAC_1min.csv")]
    days = [lean_daily(usa / f"daily/{t}.zip") for t in tickers]
    minutes = pd.concat(bars)
    both = pd.concat([*days, eqker_daily(other / "BAC_daily.csv")])
    seen = summed(minutes)[PAIR]
    daily = both.merge(seen, on=PAIR).astype({"volume": "int64"})
    root = tmp_path_factory.mktemp("daily")
    told = daily.rename(columns={"session_date": "ts"})[["ticker", "ts", *MEASURES]]
    told.to_csv(root / "days.csv", index=False)
    source = FilesSource(path=root / "days.csv", clock=lambda: KNOWN_AT)
    answers = [source.daily(request) for request in source.requests(())]
    landing.land(Folder.at(str(root / "lake")), "files", answers, kind=Kind.DAILY)
    night = run_files(root / "lake", write_csv(minutes, root / "bars.csv"), as_of=KNOWN_AT)
    return Recorded(night, minutes, daily)


def verdicts(findings: list[dict[str, Any]]) -> pd.DataFrame:
    """The findings by ticker, session and measure, with minute value and reason read from them."""
    rows = pd.DataFrame(findings)
    rows["minute"] = rows["observed"].str.extract(r"^([0-9.E]+) ")[0].astype(float)
    rows["daily"] = rows["expected"].str.extract(r"^([0-9.E]+)[ ,]")[0].astype(float)
    rows["reason"] = rows["observed"].str.extract(r"; ([a-z_]+): ")[0]
    rows["measure"] = rows["rule"].str.removeprefix("daily_")
    return rows.set_index([*PAIR, "measure"]).sort_index()


def test_recorded_minutes_agree_with_recorded_daily_bars(recorded: Recorded) -> None:
    """Prices agree to 5 bp; volumes differ by vendor. The split of 2014-06-09 changes nothing."""
    expected = recorded.expected.sort_index()
    rows = held(
        recorded.night.lake,
        "SELECT * EXCLUDE (run_id, sample_keys) FROM ops.dq_results WHERE rule LIKE 'daily_%'",
    )

    found = verdicts(rows)

    assert list(found.index) == list(expected.index)
    assert len(found) == 5 * len(recorded.daily) == 5 * 20
    assert found["minute"].to_numpy() == pytest.approx(expected["minute"].to_numpy())
    assert found["daily"].to_numpy() == pytest.approx(expected["daily"].to_numpy())
    is_price = expected.index.get_level_values(-1) != "volume"
    off = expected["difference"].abs() > 0.0005
    failed = found[~found["passed"]]
    assert set(failed.index) <= set(expected[is_price & off].index)
    unproven = found[found["reason"].isin(["unexplained", "revision"])]
    assert set(unproven.index) == set(failed.index)


def test_held_to_the_last_share_what_differs_has_the_reason_that_pandas_finds(
    recorded: Recorded, conf: Settings
) -> None:
    """Without a floor: GOOG's daily volume of the early close counts the auction, to the share."""
    exact = BoundSettings(floor=1e-9, ceiling=1e-9, unknown=1e-9)
    strict = conf.reconcile.model_copy(update={"price": exact, "volume": exact})
    lake = at(recorded.night.lake, KNOWN_AT)
    days = sorted(set(recorded.daily["session_date"]))

    done = reconcile(lake, conf.model_copy(update={"reconcile": strict}), days)

    found = verdicts(done.findings)
    expected = recorded.expected.sort_index()
    differs = expected["difference"].abs() > 1e-9
    assert set(found[found["reason"].notna()].index) == set(expected[differs].index)
    auction = summed(recorded.minutes, parts="auction").set_index(PAIR)
    outside = summed(recorded.minutes, parts="outside").set_index(PAIR)
    for key in expected[differs].index:
        ticker, day, measure = key
        pair = (ticker, day)
        minute, daily = (float(expected[side][key]) for side in ("minute", "daily"))
        cross = auction.loc[pair] if pair in auction.index else None
        around = outside.loc[pair] if pair in outside.index else None
        assert found.loc[key, "reason"] == reason(measure, minute, daily, cross, around)
    assert found.loc[("GOOG", EARLY, "volume"), "reason"] == "closing_cross"


def reason(
    measure: str,
    minute: float,
    daily: float,
    cross: "pd.Series[float] | None",
    around: "pd.Series[float] | None",
) -> str:
    """Why the values differ, from what traded at the close and around the session."""
    shares = 0.0
    for name, part in (("closing_cross", cross), ("after_hours", around)):
        if part is None:
            continue
        shares += part["volume"]
        explained = {
            "open": name == "after_hours" and part["open"] == daily,
            "high": minute < daily <= part["high"],
            "low": minute > daily >= part["low"],
            "close": daily == part["close"] or (cross is part and daily == part["open"]),
            "volume": minute + shares == daily,
        }
        if explained[measure]:
            return name
    return "unexplained"
