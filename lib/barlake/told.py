"""What readers found, in lines for people; nothing served is printed as it came."""

from collections.abc import Iterable, Sequence
from typing import Any

from barlake.console import spelled, table

Found = dict[str, Any]
WIDTH = 60
MOST = 20

REQUEST = ("request_id", "source", "range_start", "range_end", "received_at", "outcome", "detail")
SERVED = (
    "file",
    "row",
    "ts_text",
    "open_text",
    "high_text",
    "low_text",
    "close_text",
    "volume_text",
    "fetched_at_text",
    "fetched_at",
)
REVISION = (
    "revision",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "fetched_at",
    "request_id",
    "run_id",
)
REFUSED = (
    "rule",
    "reason",
    "close_text",
    "volume_text",
    "fetched_at",
    "run_id",
    "released_at",
    "released_by",
    "why",
)
RUN = ("run_id", "job", "status", "started_at", "code_version")
GATE = ("run_id", "table", "rule", "ticker", "severity", "passed", "observed", "expected")
BROKEN = ("rule", "severity", "observed", "expected", "sessions")
BUCKET = ("interval", "ts", "open", "high", "low", "close", "volume", "n_observed", "n_expected")


def quarantine(found: Found) -> list[str]:
    """Tell what was refused: counts first, then the rows asked for."""
    lines = [f"{found['rows']:,} rows refused, {found['released']:,} of them released since"]
    for name in ("rules", "runs", "tickers", "sessions"):
        lines += ["", f"by {name[:-1]}:", *grid(found[name])]
    if found["quarantine"]:
        lines += ["", f"rows ({len(found['quarantine'])} of {found['rows']:,}):"]
    for row in found["quarantine"]:
        state = (
            f"released by {short(row['released_by'])}" if row["released_at"] else row["severity"]
        )
        lines += [
            f"  {short(row['key'], 160)}",
            f"    {row['reason']} [{state}]",
            f"    {short(row['raw'], 160)}",
        ]
    return lines


def plan(found: Found) -> list[str]:
    """Tell what the lake lacks: in all, then what expires first."""
    lacking = found["lacks"]
    return [
        f"{found['lake']} lacks {found['minutes']:,} minutes, as of {spelled(found['as_of'])}; "
        f"asking for what can be had takes {found['requests']:,} requests",
        *section("by reason", grid(found["reasons"])),
        *section("soonest to expire first", grid(lacking) if lacking else []),
        *(["  (--json gives all)"] if len(lacking) > MOST else []),
    ]


def run(found: Found) -> list[str]:
    """Tell what a run did, and what the quality gate said of it."""
    row, verdict = found["run"], found["verdict"]
    facts = {name: value for name, value in row.items() if name != "detail"}
    lines = [f"run {row['run_id']}: {row['status']}", *_facts(facts)]
    if "fault" in row["detail"]:
        lines.append(f"  {short(row['detail']['fault'], 500)}")
    if verdict is None:
        return lines
    failed = [{name: one[name] for name in BROKEN} for one in verdict["failed"]]
    return [
        *lines,
        *section("verdict", [f"  {verdict['status']}: {verdict['report']}"]),
        *grid(failed),
    ]


def explain(found: Found) -> list[str]:
    """Tell where a cell, or a refused row, came from."""
    return _refused(found) if "key" in found else _minute(found)


def _minute(found: Found) -> list[str]:
    feeds = found["feeds"]
    return [
        f"{found['ticker']} {spelled(found['ts'])}: {found['status']}"
        + (f" ({found['reason']}: {found['why']})" if found["reason"] else ""),
        *section("session", _facts(found["session"])),
        *section("cell (silver.bars_1m)", _facts(found["cell"])),
        *section("carried from", _facts(found["carried_from"])),
        *section("requests (ops.requests)", _some(found["requests"], REQUEST)),
        *section("served (landing)", _some(found["payloads"], SERVED)),
        *section("revisions (bronze.bars)", _some(found["revisions"], REVISION)),
        *section("refused (quarantine)", _some(found["quarantine"], REFUSED)),
        *section("runs (ops.runs)", _some(found["runs"], RUN)),
        *section("versions", _some(found["versions"])),
        *section("gates (ops.dq_results)", _some(found["gates"], GATE)),
        *section("coverage of the session", _facts(found["coverage"])),
        *section("features (gold.features_1m)", _facts(feeds["features"])),
        *(_saw(feeds) if feeds["features"] else []),
        *section("buckets (gold.bars)", _some(feeds["bars"], BUCKET)),
        *section("stream (gold.vwap_stream)", _some(feeds["vwap_stream"])),
        *section("alerts (gold.alerts)", _some(feeds["alerts"])),
    ]


def _saw(feeds: Found) -> list[str]:
    compared, gap = feeds["later_volumes"], feeds["next_gap"]
    said = [
        f"  {feeds['later_features']:,} later rows of the session saw it",
        f"  {compared['rows']:,} rows of {compared['sessions']} later sessions compare their "
        "volume with it (rel_volume_20d)",
    ]
    if gap:
        said.append(
            f"  the gap of {gap['session_date']} starts from its close "
            f"({gap['gap_from_prior_close']:+.2%})"
        )
    return said


def _refused(found: Found) -> list[str]:
    return [
        f"{short(found['key'], 200)}: {found['status']}",
        *section("refused (quarantine)", _facts(found["quarantine"][0])),
        *section("served (landing)", _some(found["payloads"], SERVED)),
        *section("requests (ops.requests)", _some(found["requests"], REQUEST)),
        *section("runs (ops.runs)", _some(found["runs"], RUN)),
    ]


def _some(rows: Sequence[Found], names: Sequence[str] = ()) -> list[str]:
    picked = [{n: row.get(n) for n in names} if names else row for row in rows]
    return grid(picked) if picked else []


def _facts(row: Found | None) -> list[str]:
    known = {k: v for k, v in (row or {}).items() if v is not None}
    width = max((len(name) for name in known), default=0)
    return [f"  {name.ljust(width)}  {short(spelled(v), 120)}" for name, v in known.items()]


def grid(rows: Sequence[Found], most: int = MOST) -> list[str]:
    """Give rows as an indented table, the first `most` of them."""
    shown = [{k: short(spelled(v)) for k, v in row.items()} for row in rows[:most]]
    lines = [f"  {line}" for line in table(shown)]
    return lines + ([f"  ... and {len(rows) - most} more"] if len(rows) > most else [])


def short(text: object, width: int = WIDTH) -> str:
    """Give a text on one line, cut, without what would steer a terminal."""
    said = "" if text is None else str(text)
    plain = "".join(c if c.isprintable() else "\ufffd" for c in said[: width + 1])
    return plain if len(plain) <= width else plain[: width - 3] + "..."


def section(name: str, rows: Iterable[str]) -> list[str]:
    """Give a headed part of a page; nothing where it holds nothing."""
    lines = list(rows)
    return ["", name, *lines] if lines else []
