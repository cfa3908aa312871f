"""Every bad row of the table of cases, through the whole lake."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import barlake
from barlake.model.jobs import RUN
from barlake.options import Options
from barlake.pipelines.night import run
from barlake.pipelines.underway import Night, Wanted
from barlake.readers.explain import Minute, explain, explain_refused
from barlake.readers.frames import OpenLake
from barlake.readers.quarantine import Chosen, listed, placed
from barlake.runtime import running
from barlake.sources.files import FilesSource
from tests.bad_rows import ASKED, CASES, COLUMNS, KNOWN_AT, TS, Case, as_csv

PRICES = ("open", "high", "low", "close")
TEXTS = (*PRICES, "volume")
GOOD = {"open": 100.25, "high": 101.5, "low": 99.75, "close": 100.5, "volume": 1200}
MINUTE = datetime.fromisoformat(TS)
# Ticker: what its typed row has in place of the good one, the rule, and the text that is kept.
TYPED: dict[str, tuple[dict[str, Any], str | None, dict[str, str | None]]] = {
    "PQ.GOOD": ({}, None, {}),
    "PQ.NAN": ({"open": float("nan")}, "price_finite", {"open_text": "NaN"}),
    "PQ.INF": ({"high": float("inf")}, "price_finite", {"high_text": "inf"}),
    "PQ.NULL": ({"close": None}, "price_missing", {"close_text": None}),
    "PQ.ZERO": ({"low": -0.0}, "price_positive", {"low_text": "-0"}),
    "PQ.SILENT": ({"volume": None}, "volume_missing", {"volume_text": None}),
    "PQ.LESS": ({"volume": -1}, "volume_range", {"volume_text": "-1"}),
    "PQ.NEVER": ({"ts": None}, "ts_missing", {"ts_text": ""}),
    "PQ.OFF": (
        {"ts": MINUTE.replace(microsecond=1)},
        "ts_grid",
        {"ts_text": "2026-11-20T20:58:00.000001Z"},
    ),
}
NAIVE = "PQ.NAIVE"


def _parquet(rows: list[dict[str, Any]], zone: str | None) -> bytes:
    """Write typed rows; their instants are of a zone, or of none."""
    schema = pa.schema(
        [
            ("ticker", pa.string()),
            ("ts", pa.timestamp("us", zone)),
            *((name, pa.float64()) for name in PRICES),
            ("volume", pa.int64()),
        ]
    )
    sink = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema), sink)
    return sink.getvalue()


def _typed() -> bytes:
    usual = GOOD | {"ts": MINUTE}
    return _parquet(
        [usual | {"ticker": name} | told for name, (told, _, _) in TYPED.items()], "UTC"
    )


# File: its content, and of each of its rows the rule that refuses it.
FILES: dict[str, tuple[bytes, list[str | None]]] = {
    "bars.csv": (as_csv(CASES), [case.rule for case in CASES]),
    "typed.parquet": (_typed(), [rule for _, rule, _ in TYPED.values()]),
    "naive.parquet": (
        _parquet([GOOD | {"ticker": NAIVE, "ts": MINUTE.replace(tzinfo=None)}], None),
        ["ts_naive"],
    ),
}
# The rule by file, told by its hash, and row.
REFUSED = {
    (sha256(content).hexdigest(), at): rule
    for content, rules in FILES.values()
    for at, rule in enumerate(rules)
    if rule
}
RECEIVED = sum(len(rules) for _, rules in FILES.values())


@dataclass(frozen=True, slots=True)
class Landed:
    """Where the cases' rows ended."""

    night: Night
    bars: list[dict[str, Any]]
    quarantined: list[dict[str, Any]]
    audit: list[dict[str, Any]]

    @property
    def lake(self) -> OpenLake:
        return barlake.open(self.night.lake.store)


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Landed:
    """All cases in one folder of files, run once."""
    root = tmp_path_factory.mktemp("bad")
    (root / "given").mkdir()
    for name, (content, _) in FILES.items():
        (root / "given" / name).write_bytes(content)
    asked = sorted({*ASKED, *TYPED, NAIVE})
    source = FilesSource(path=root / "given", clock=lambda: KNOWN_AT, asked=asked)
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


def _is_of(row: dict[str, Any], case: Case) -> bool:
    """Tell whether a refused row holds the texts that the case's row was served with."""
    key = (row["ticker"], row["ts_text"]) == (_text(case, "ticker"), _text(case, "ts"))
    return key and all((row[f"{name}_text"] or "") == _text(case, name) for name in TEXTS)


@pytest.mark.parametrize("case", [c for c in CASES if c.row], ids=lambda case: case.name)
def test_a_row_ends_where_its_case_says(landed: Landed, case: Case) -> None:
    refused = [row for row in landed.quarantined if _is_of(row, case)]

    rules = [row["rule"] for row in refused]
    if case.fate == "quarantine":
        assert case.rule in rules
        served = {name: _text(case, name) for name in COLUMNS}
        # An absent field is absent, but for the key's.
        texts = {name: text for name, text in served.items() if text or name in ("ticker", "ts")}
        assert texts in [json.loads(row["raw"]) for row in refused if row["rule"] == case.rule]
    elif case.fate == "silver":
        held = [row for row in landed.bars if row["ticker"] == _text(case, "ticker")]
        assert (rules, len(held) > 0) == ([], True)
    else:
        assert landed.night.ingested is not None
        assert landed.night.ingested.counts["duplicate"] > 0


def test_every_line_that_does_not_split_is_kept_as_text(landed: Landed) -> None:
    kept = Counter(row["raw"] for row in landed.quarantined if row["rule"] == "row_structure")

    lines = [case.raw_line for case in CASES if case.raw_line]
    texts = [line.decode(errors="backslashreplace").replace("\0", r"\x00") for line in lines]
    assert kept == Counter(text[:2_000] for text in texts)


@pytest.mark.parametrize("ticker", TYPED)
def test_a_typed_row_ends_by_its_rule_with_its_value_as_text(landed: Landed, ticker: str) -> None:
    _, rule, texts = TYPED[ticker]
    refused = [row for row in landed.quarantined if row["ticker"] == ticker]
    held = [row for row in landed.bars if row["ticker"] == ticker]

    assert [row["rule"] for row in refused] == ([rule] if rule else [])
    assert len(held) == (rule is None)
    usual = {f"{name}_text": f"{GOOD[name]:g}" for name in TEXTS}
    for row in refused:
        assert {name: row[name] for name in usual | texts} == usual | texts


def test_a_typed_time_without_a_zone_is_refused_and_not_guessed(landed: Landed) -> None:
    [row] = [row for row in landed.quarantined if row["ticker"] == NAIVE]

    assert (row["rule"], row["ts_text"]) == ("ts_naive", "2026-11-20T20:58:00.000000")
    assert NAIVE not in {bar["ticker"] for bar in landed.bars}


def test_each_row_has_just_one_fate(landed: Landed) -> None:
    assert landed.night.ingested is not None
    counts = landed.night.ingested.counts
    wanted = Counter(case.fate for case in CASES)

    assert counts["received"] == RECEIVED
    assert counts["new"] == wanted["silver"] + 1
    assert counts["duplicate"] == wanted["duplicate"]
    assert counts["quarantined"] == len(REFUSED) == len(landed.quarantined)
    assert sum(row["received"] for row in landed.audit) == RECEIVED


def test_no_two_refused_rows_share_a_key(landed: Landed) -> None:
    keys = Counter(
        (r["request_id"], r["ticker"], r["ts_text"], r["rule"]) for r in landed.quarantined
    )

    assert max(keys.values()) == 1


def test_each_reason_is_a_sentence(landed: Landed) -> None:
    assert [r["rule"] for r in landed.quarantined if not (r["reason"] or "").endswith(".")] == []


def test_every_refused_row_is_listed_and_found_where_it_was_served(landed: Landed) -> None:
    """A case's place in the table is its row's in the file."""
    counts = listed(landed.lake, Chosen(), most=RECEIVED)
    found = placed(landed.lake, Chosen())

    assert {(place["served_by"], place["row"]): place["rule"] for place in found} == REFUSED
    assert len(found) == len(counts["quarantine"]) == counts["rows"] == len(REFUSED)
    assert {r["rule"]: r["rows"] for r in counts["rules"]} == Counter(REFUSED.values())
    assert all(row["reason"].endswith(".") and row["raw"] for row in counts["quarantine"])


def test_every_refused_row_is_explained_by_its_key(landed: Landed) -> None:
    lake = landed.lake
    rows = listed(lake, Chosen(), most=RECEIVED)["quarantine"]
    explained = {}

    for row in rows:
        found = explain_refused(lake, row["key"])
        assert [r["key"] for r in found["quarantine"]] == [row["key"]]
        [payload] = found["payloads"]
        explained[payload["request_id"], payload["row"]] = row["rule"]
        assert [r["run_id"] for r in found["runs"]] == ["bad"]
    assert explained == REFUSED


def test_a_refused_row_is_why_its_minute_is_absent(landed: Landed) -> None:
    [dear] = [row for row in landed.quarantined if row["ticker"] == "CENTSDEAR"]
    minute = Minute(
        ticker=dear["ticker"],
        ts=datetime.fromisoformat(dear["ts_text"]),
        now=KNOWN_AT,
        horizon_days=29,
    )

    told = explain(landed.lake, minute)

    assert (told["status"], told["reason"]) == ("absent", "quarantined")
    assert [r["rule"] for r in told["quarantine"]] == ["price_range"]
