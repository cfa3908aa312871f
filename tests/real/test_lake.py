"""Every recording, through the whole lake, against the oracle."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pandas as pd
import pytest

import barlake
from barlake.readers.frames import OpenLake
from tests.builders import run_files
from tests.real.adapters import deliveries, real_data, write_csv
from tests.real.compare import assert_same
from tests.real.oracle import Truth, truth

KNOWN_AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
NAMES = (
    "eqker",
    "money-tree/2b9424df",
    "bsw-demo",
    "node-yahoo-finance2",
    "lean/equity/usa/minute/aapl",
    "lean/equity/usa/minute/goog",
    "lean/equity/usa/minute/shy",
    "lean/equity/usa/minute/ibm",
)
# An index has no volume; PPLT rarely trades; prices were printed far from the others, of before a
# split in one case; a recording ends 13 minutes after the open, one at it.
ODD = {
    "bsw-demo": {("few_rows", "AAPL"), ("few_rows", "SPY")},
    "node-yahoo-finance2": {("empty_session", "AAPL")},
    "money-tree/2b9424df": {("wide_bar", "NVDA")},
    "eqker": {("without_volume", "VIX"), ("mostly_filled", "PPLT")},
    "lean/equity/usa/minute/aapl": {("wide_bar", "AAPL"), ("jump", "AAPL")},
}
# The one pair of rows that say two things of one minute: 19:59 in New York, after the close.
TWICE = ("conflicting_duplicate", "NVDA", datetime(2024, 8, 28, 23, 59, tzinfo=UTC))
REFUSED = {"money-tree/2b9424df": [TWICE, TWICE]}
# The widest minutes: prints far off after the close, and one in the unit of before a split.
WIDE = {
    "money-tree/2b9424df": ["NVDA@2024-08-27T20:56:00Z", "NVDA@2024-08-28T21:17:00Z"],
    "lean/equity/usa/minute/aapl": ["AAPL@2014-06-09T08:00:00Z"],
}

pytestmark = pytest.mark.real


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording in a lake, and what the lake must hold of it."""

    name: str
    lake: OpenLake
    truth: Truth

    def rows(self, query: str) -> pd.DataFrame:
        """Give the answer of a query."""
        return self.lake.sql(query).df()


@pytest.fixture(scope="module", params=NAMES)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A lake with one recording in it, run once."""
    root = tmp_path_factory.mktemp("real")
    frame = deliveries(real_data())[request.param]
    run_files(root / "lake", write_csv(frame, root / "bars.csv"), as_of=KNOWN_AT)
    return Recorded(request.param, barlake.open(str(root / "lake")), truth(frame))


def test_silver_is_what_the_contract_says(recorded: Recorded) -> None:
    held = recorded.rows("SELECT * FROM silver.bars_1m")

    assert_same(held, recorded.truth.silver, ["ticker", "ts"])


def test_coverage_is_what_the_contract_says(recorded: Recorded) -> None:
    held = recorded.rows("SELECT * FROM silver.coverage")

    assert_same(held, recorded.truth.coverage, ["ticker", "session_date"])


def test_resampled_bars_are_what_the_contract_says(recorded: Recorded) -> None:
    held = recorded.rows("SELECT * FROM gold.bars")

    assert_same(held, recorded.truth.bars, ["ticker", "interval", "ts"])


def test_every_feature_is_what_the_contract_says(recorded: Recorded) -> None:
    held = recorded.rows("SELECT * FROM gold.features_1m")

    assert_same(held, recorded.truth.features, ["ticker", "ts"])


def test_the_gate_publishes_every_recording_and_marks_what_is_odd_in_it(
    recorded: Recorded,
) -> None:
    broken = recorded.rows("SELECT * FROM ops.dq_results WHERE NOT passed AND ticker <> ''")
    found = set(zip(broken["rule"], broken["ticker"], strict=True))
    critical = recorded.rows(
        "SELECT * FROM ops.dq_results WHERE NOT passed AND severity = 'critical'"
    )

    assert critical.empty
    assert found == ODD.get(recorded.name, set())


def test_a_wide_bar_is_named_by_its_minute(recorded: Recorded) -> None:
    wide = recorded.rows(
        "SELECT unnest(sample_keys) AS key FROM ops.dq_results"
        " WHERE rule = 'wide_bar' AND ticker <> '' AND NOT passed ORDER BY key"
    )

    assert list(wide["key"]) == WIDE.get(recorded.name, [])


def test_what_is_refused_is_refused_by_its_rule_at_its_minute(recorded: Recorded) -> None:
    held = recorded.lake.rows(
        "SELECT rule, ticker, instant(ts_text) AS ts FROM silver.quarantine ORDER BY ALL"
    )

    assert [(r["rule"], r["ticker"], r["ts"]) for r in held] == REFUSED.get(recorded.name, [])


@pytest.mark.parametrize("recorded", ["eqker"], indirect=True)
def test_a_real_gap_of_eight_percent_at_the_open_blocks_and_marks_nothing(
    recorded: Recorded,
) -> None:
    """The first bar of VIX on 2019-02-14 opened at 16.74, after a close of 15.46."""
    vix = {"ticker": "VIX", "day": date(2019, 2, 14)}

    [gap] = recorded.lake.rows(
        "SELECT DISTINCT round(gap_from_prior_close, 4) AS gap FROM gold.features_1m"
        " WHERE ticker = $ticker AND session_date = $day",
        **vix,
    )
    marks = recorded.lake.rows(
        "SELECT rule FROM ops.dq_results"
        " WHERE ticker = $ticker AND session_date = $day AND NOT passed",
        **vix,
    )
    [held] = recorded.lake.rows(
        "SELECT count(*) AS minutes FROM silver.bars_1m WHERE ticker = $ticker"
        " AND session_date = $day AND segment = 'regular'",
        **vix,
    )

    assert gap["gap"] == 0.0828
    assert [row["rule"] for row in marks] == ["without_volume"]
    assert held["minutes"] == 389


def test_every_row_has_the_fate_that_the_contract_says(recorded: Recorded) -> None:
    fates = recorded.truth.fates["fate"].value_counts()
    counted = recorded.rows(
        "SELECT sum(new) AS new, sum(duplicate) AS duplicate, sum(quarantined) AS quarantined,"
        " sum(received) AS received FROM ops.ingest_audit"
    ).iloc[0]

    assert counted["received"] == fates.sum()
    assert counted["new"] == fates.get("accepted", 0)
    assert counted["duplicate"] == fates.get("duplicate", 0)
