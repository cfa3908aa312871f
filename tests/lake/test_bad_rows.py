"""Every bad row of the table of cases, through the whole lake."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

import barlake
from barlake.model.jobs import RUN
from barlake.options import Options
from barlake.pipelines.night import run
from barlake.pipelines.underway import Night, Wanted
from barlake.readers.explain import Minute, explain, explain_refused
from barlake.readers.quarantine import Chosen, listed, placed
from barlake.runtime import running
from barlake.sources.files import FilesSource
from tests.bad_rows import ASKED, CASES, KNOWN_AT, Case, as_csv


@dataclass(frozen=True, slots=True)
class Landed:
    """Where the cases' rows ended."""

    night: Night
    bars: list[dict[str, Any]]
    quarantined: list[dict[str, Any]]
    audit: list[dict[str, Any]]


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """All cases in one file, run once."""
    root = tmp_path_factory.mktemp("bad")
    (root / "bars.csv").write_bytes(as_csv(CASES))
    source = FilesSource(path=root / "bars.csv", clock=lambda: KNOWN_AT, asked=sorted(ASKED))
    options = Options(lake=str(root / "lake"), as_of=KNOWN_AT, run_id="bad")
    with pytest.MonkeyPatch.context() as patch:
        # Most of them are bad, which the gate would block.
        patch.setenv("BARLAKE_QUALITY__RULES__BATCH_REFUSED_MOST__MAX", "1")
        with running(RUN, options) as night:
            run(night, source, Wanted(), [])
    lake = barlake.open(str(root / "lake"))

    def rows(query: str) -> list[dict[str, Any]]:
        return list(lake.sql(query).arrow().read_all().to_pylist())

    return Landed(
        night,
        rows("SELECT * FROM silver.bars_1m WHERE NOT is_filled"),
        rows("SELECT * FROM silver.quarantine"),
        rows("SELECT * FROM ops.ingest_audit"),
    )


def _text(case: Case, name: str) -> str:
    return (case.row or {}).get(name, "").strip(" \t")


@pytest.mark.parametrize("case", [c for c in CASES if c.row], ids=lambda case: case.name)
def test_a_row_ends_where_its_case_says(landed: Landed, case: Case) -> None:
    refused = [
        row
        for row in landed.quarantined
        if (row["ticker"], row["ts_text"]) == (_text(case, "ticker"), _text(case, "ts"))
        and all((row[f"{n}_text"] or "") == _text(case, n) for n in ("open", "close", "volume"))
    ]

    rules = [row["rule"] for row in refused]
    if case.fate == "quarantine":
        assert case.rule in rules
    elif case.fate == "silver":
        held = [row for row in landed.bars if row["ticker"] == _text(case, "ticker")]
        assert (rules, len(held) > 0) == ([], True)
    else:
        assert landed.night.ingested is not None
        assert landed.night.ingested.counts["duplicate"] > 0


def test_every_line_that_does_not_split_is_kept_as_text(landed: Landed) -> None:
    kept = Counter(row["raw"] for row in landed.quarantined if row["rule"] == "row_structure")

    assert sum(kept.values()) == sum(case.rule == "row_structure" for case in CASES)
    assert all(kept)


def test_each_row_has_just_one_fate(landed: Landed) -> None:
    assert landed.night.ingested is not None
    counts = landed.night.ingested.counts
    wanted = Counter(case.fate for case in CASES)

    assert counts["received"] == len(CASES)
    assert counts["new"] == wanted["silver"]
    assert counts["duplicate"] == wanted["duplicate"]
    assert counts["quarantined"] == wanted["quarantine"] == len(landed.quarantined)
    assert sum(row["received"] for row in landed.audit) == len(CASES)


def test_no_two_refused_rows_share_a_key(landed: Landed) -> None:
    keys = Counter(
        (r["request_id"], r["ticker"], r["ts_text"], r["rule"]) for r in landed.quarantined
    )

    assert max(keys.values()) == 1


def test_each_reason_is_a_sentence(landed: Landed) -> None:
    assert [r["rule"] for r in landed.quarantined if not (r["reason"] or "").endswith(".")] == []


def test_every_refused_row_is_listed_and_found_where_it_was_served(landed: Landed) -> None:
    """A case's place in the table is its row's in the file."""
    lake = barlake.open(str(landed.night.lake.store.root))
    refused = {at: case.rule for at, case in enumerate(CASES) if case.fate == "quarantine"}

    counts = listed(lake, Chosen(), most=len(CASES))
    found = placed(lake, Chosen())

    assert {place["row"]: place["rule"] for place in found} == refused
    assert len(found) == len(counts["quarantine"]) == counts["rows"] == len(refused)
    assert {r["rule"]: r["rows"] for r in counts["rules"]} == Counter(refused.values())
    assert all(row["reason"].endswith(".") and row["raw"] for row in counts["quarantine"])


def test_a_refused_row_of_each_rule_is_explained_by_its_key_and_by_its_minute(
    landed: Landed,
) -> None:
    lake = barlake.open(str(landed.night.lake.store.root))
    rows = listed(lake, Chosen(), most=len(CASES))["quarantine"]
    of_rules = {row["rule"]: row for row in rows}

    for row in of_rules.values():
        found = explain_refused(lake, row["key"])
        assert [r["key"] for r in found["quarantine"]] == [row["key"]]
        assert len(found["payloads"]) == 1
        assert [r["run_id"] for r in found["runs"]] == ["bad"]
    dear = of_rules["price_range"]
    minute = Minute(
        ticker=dear["ticker"],
        ts=datetime.fromisoformat(dear["ts_text"]),
        now=KNOWN_AT,
        horizon_days=29,
    )
    told = explain(lake, minute)
    assert (told["status"], told["reason"]) == ("absent", "quarantined")
    assert [r["key"] for r in told["quarantine"]] == [dear["key"]]
