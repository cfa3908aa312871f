"""What the pages say is what SQL says of the same lake."""

import json
from pathlib import Path
from typing import Any

import pytest

from barlake.model import ops
from barlake.pages.site import publish
from barlake.pages.view import percent
from barlake.readers.frames import OpenLake
from barlake.settings import Settings
from tests.pages.conftest import HALTED, TICKERS
from tests.pages.tables import made_up

OBSERVED = """
SELECT ticker, session_date::VARCHAR AS session_date, count(*) FILTER (WHERE NOT is_filled) AS n
FROM silver.bars_1m WHERE segment = 'regular' GROUP BY ALL
"""
MINUTES = """
SELECT b.minute_of_session AS minute, b.open, b.high, b.low, b.close, b.volume, b.is_filled,
       b.revision, round(f.vwap, 4) AS vwap
FROM silver.bars_1m b LEFT JOIN gold.features_1m f USING (ticker, ts)
WHERE b.ticker = $ticker AND b.session_date = $day AND b.segment = 'regular' ORDER BY b.ts
"""

REASONS = """
SELECT g.minutes, g.reason
FROM (SELECT unnest(gaps) AS g FROM silver.coverage WHERE ticker = $ticker AND session_date = $day)
ORDER BY g."from"
"""


def twin(site: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((site / f"{name}.json").read_text()))


def test_the_heatmap_counts_the_bars_that_silver_holds(site: Path, lake: OpenLake) -> None:
    shown = twin(site, "gaps")

    days = [day["session_date"] for day in shown["sessions"]]
    cells = {
        (row["ticker"], day): cell[1]
        for row in shown["tickers"]
        for day, cell in zip(days, row["cells"], strict=True)
    }
    counted = {(ticker, day): n for ticker, day, n in lake.sql(OBSERVED).fetchall()}
    assert cells == counted
    assert shown["total"]["observed"] == sum(counted.values())


def test_each_gap_and_the_bars_make_the_session(site: Path) -> None:
    cells = [cell for row in twin(site, "gaps")["tickers"] for cell in row["cells"]]

    assert len(cells) == 9
    for expected, observed, *_, gaps in cells:
        assert observed + sum(gaps[1::3]) == expected


def test_gaps_lie_where_silver_has_no_bar(site: Path, lake: OpenLake) -> None:
    shown = twin(site, "ticker/AAPL")

    [halted] = [s for s in shown["sessions"] if s["session_date"] == str(HALTED)]
    told = [m for g in halted["gaps"] for m in range(g["minute"], g["minute"] + g["minutes"])]
    held = lake.sql(MINUTES, ticker="AAPL", day=HALTED).fetchall()
    assert told == [row[0] for row in held if row[6]]
    reasons = lake.sql(REASONS, ticker="AAPL", day=HALTED).fetchall()
    assert [(gap["minutes"], gap["reason"]) for gap in halted["gaps"]] == reasons
    assert {reason for _, reason in reasons} == {"halt"}


def test_a_ticker_shows_silvers_bars_and_golds_vwap(site: Path, lake: OpenLake) -> None:
    shown = {s["session_date"]: s for s in twin(site, "ticker/AAPL")["sessions"]}[str(HALTED)]

    bars = shown["bars"]
    found = lake.sql(MINUTES, ticker="AAPL", day=HALTED)
    held = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    for column in ("open", "high", "low", "close", "volume", "vwap"):
        assert bars[column] == [row[column] for row in held]
    assert [bars["first"] + at for at in range(len(held))] == [row["minute"] for row in held]
    assert bars["filled"] == [row["minute"] for row in held if row["is_filled"]]
    revised = [(row["minute"], row["revision"]) for row in held if row["revision"]]
    assert [(r["minute"], r["revision"]) for r in bars["revised"]] == revised
    assert [minute for minute, _ in revised] == [60, 95, 300]
    assert shown["day"]["volume"] == sum(row["volume"] for row in held)
    assert shown["day"]["close"] == held[-1]["close"]


def test_the_index_counts_what_the_tables_hold(site: Path, lake: OpenLake) -> None:
    shown = twin(site, "index")

    for table in shown["tables"]:
        query = " ".join(["SELECT count(*) FROM", table["table"]])
        assert table["rows"] == lake.sql(query).fetchall()[0][0]
    [(observed, expected)] = lake.sql(
        "SELECT sum(observed), sum(expected) FROM silver.coverage"
    ).fetchall()
    assert shown["held"]["observed"] == observed
    assert shown["held"]["observed_percent"] == percent(observed, expected)
    assert [t["ticker"] for t in shown["tickers"]] == TICKERS


def test_quality_tells_each_run_with_the_rows_it_received(site: Path, lake: OpenLake) -> None:
    shown = twin(site, "quality")

    received = lake.sql(
        "SELECT run_id, sum(received) FROM ops.ingest_audit GROUP BY run_id ORDER BY run_id DESC"
    ).fetchall()
    assert [(r["run_id"], r["received"]) for r in shown["runs"]] == received
    told = lake.sql("SELECT detail->>'$.verdict.status' FROM ops.runs").fetchall()
    assert told == [("passed",)]
    assert [r["verdict"] for r in shown["runs"]] == ["published"]
    assert shown["as_of"] == "2026-11-28 14:00"


ENDS = [
    ("run", "ok", "passed", "published"),
    ("run", "ok", "warned", "published, with warnings"),
    ("run", "ok", None, "not judged"),
    ("run", "blocked", "blocked", "blocked by the gate"),
    ("run", "blocked", "warned", "published, answers missing"),
    ("run", "blocked", None, "answers missing"),
    ("run", "failed", "passed", "broke down"),
    ("run", "abandoned", None, "died"),
    ("release", "ok", "passed", "published"),
    ("fetch", "ok", None, "not judged"),
    ("gold", "ok", None, "not judged"),
    ("check", "ok", "passed", "checked"),
    ("check", "ok", "warned", "checked, with warnings"),
    ("check", "blocked", "blocked", "checked: would be blocked"),
    ("check", "ok", None, "not judged"),
]
JUDGED = """
SELECT count(*) FILTER (WHERE gate IN ('passed', 'warned') AND status IN ('ok', 'blocked')),
       count(gate)
FROM (SELECT status, detail->>'$.verdict.status' AS gate FROM ops.runs WHERE job <> 'check')
"""


def test_a_run_is_published_only_where_its_gate_let_a_batch_through(
    tmp_path: Path, conf: Settings
) -> None:
    ended = [
        {
            "run_id": f"{at:02}",
            "job": job,
            "status": status,
            "detail": json.dumps({"verdict": {"status": gate}} if gate else {}),
        }
        for at, (job, status, gate, _) in enumerate(ENDS)
    ]
    lake = made_up(tmp_path, {ops.RUNS: [*ended, {"run_id": "old", "job": "run", "status": "ok"}]})
    publish(lake, conf.pages, as_of=None)

    shown = twin(tmp_path / "pages", "quality")

    said = [(run["job"], run["status"], run["gate"], run["verdict"]) for run in shown["runs"]]
    assert said == [*ENDS, ("run", "ok", None, "not judged")]
    assert (shown["total"]["published"], shown["total"]["judged"]) == lake.sql(JUDGED).fetchone()


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [(390, 390, 100.0), (38_999, 39_000, 99.9), (0, 390, 0.0), (0, 0, None)],
)
def test_a_share_is_cut_so_that_100_is_said_of_the_whole_alone(
    part: int, whole: int, told: float | None
) -> None:
    assert percent(part, whole) == told
