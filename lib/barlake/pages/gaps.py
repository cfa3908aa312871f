"""The gaps page: which share of the expected minutes was observed, by ticker and session."""

from collections.abc import Iterable
from typing import Any

from barlake.model.landed import OF_MINUTES
from barlake.pages.view import View, has_page, percent

SESSIONS = """
WITH held AS (SELECT min(session_date) AS first, max(session_date) AS last FROM silver.coverage)
SELECT s.session_date::VARCHAR AS session_date, s.minutes, s.is_early_close
FROM ref.sessions s CROSS JOIN held
WHERE s.session_date BETWEEN held.first AND held.last
ORDER BY s.session_date DESC LIMIT $sessions
"""
# Names that were asked of a vendor and never answered have no coverage, and are gaps all the same.
_TICKERS = """
SELECT ticker, bool_or(is_held) AS is_held
FROM (SELECT ticker, true AS is_held FROM silver.coverage
      UNION ALL SELECT ticker, false FROM ops.requests WHERE source <> 'files' AND :of_minutes)
GROUP BY ticker ORDER BY ticker
""".replace(":of_minutes", OF_MINUTES)
CELLS = """
SELECT c.ticker, c.session_date::VARCHAR AS session_date, c.expected, c.observed, c.filled,
       c.missing_before_first, c.missing_after_last, c.revisions, c.quarantined, c.is_settled,
       c.auction_observed, c.longest_gap,
       list_transform(c.gaps, lambda g: struct_pack(
           minute := date_diff('minute', s.open_utc, g."from"),
           minutes := g.minutes, reason := g.reason)) AS gaps
FROM silver.coverage c JOIN ref.sessions s USING (session_date)
WHERE c.session_date >= $first AND ($ticker IS NULL OR c.ticker = $ticker)
ORDER BY c.ticker, c.session_date
"""
# Minutes in which nobody traded, or nobody could, are not the lake's fault.
QUIET = ("no_trade", "halt")


def gaps(view: View) -> dict[str, Any]:
    """Give the page's numbers.

    Returns:
        `sessions`, in order; `tickers`, worst first, each with a cell a session: null where
        nothing is loaded, else expected, observed and quiet minutes, rows refused, revisions,
        whether it is settled, and its gaps, three numbers each: minute since the open, minutes,
        place in `reasons`; `reasons`, by minutes lost; `total`, the headline figures.
    """
    sessions = view.rows(SESSIONS, sessions=view.settings.gaps_sessions)[::-1]
    days = [day["session_date"] for day in sessions]
    cells = view.rows(CELLS, first=days[0], ticker=None) if days else []
    reasons = lost_minutes(cells)
    order = {reason["reason"]: at for at, reason in enumerate(reasons)}
    found: dict[str, dict[str, list[Any]]] = {}
    for cell in cells:
        found.setdefault(cell["ticker"], {})[cell["session_date"]] = _packed(cell, order)
    tickers = [_ticker(name, found.get(name["ticker"], {}), days) for name in view.rows(_TICKERS)]
    worst = sorted(tickers, key=lambda t: (_share(t), t["loaded"], t["ticker"]))
    return {
        "sessions": sessions,
        "reasons": reasons,
        "tickers": worst,
        "total": _total(cells, len(tickers) * len(days)),
        "worst": worst_cells(cells),
    }


def lost_minutes(cells: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each reason with its gaps and minutes, most minutes first."""
    sums: dict[str, list[int]] = {}
    for cell in cells:
        for gap in cell["gaps"]:
            told = sums.setdefault(str(gap["reason"]), [0, 0])
            told[0] += 1
            told[1] += gap["minutes"]
    ordered = sorted(sums.items(), key=lambda found: (-found[1][1], found[0]))
    return [{"reason": name, "gaps": n, "minutes": minutes} for name, (n, minutes) in ordered]


def quiet_minutes(cell: dict[str, Any]) -> int:
    """Give the minutes without a bar that nobody should miss."""
    return sum(gap["minutes"] for gap in cell["gaps"] if gap["reason"] in QUIET)


def worst_cells(cells: list[dict[str, Any]], count: int = 12) -> list[dict[str, Any]]:
    """Give the ticker-sessions that lack most minutes, quiet ones aside."""
    lacking = [
        {
            "ticker": cell["ticker"],
            "has_page": has_page(cell["ticker"]),
            "session_date": cell["session_date"],
            "minutes": cell["expected"] - cell["observed"] - quiet_minutes(cell),
            "observed_percent": percent(cell["observed"], cell["expected"]),
            "reasons": [
                told["reason"] for told in lost_minutes([cell]) if told["reason"] not in QUIET
            ],
        }
        for cell in cells
    ]
    lacking.sort(key=lambda c: (-c["minutes"], c["session_date"], c["ticker"]))
    return [cell for cell in lacking[:count] if cell["minutes"] > 0]


def _packed(cell: dict[str, Any], order: dict[str, int]) -> list[Any]:
    threes = ((g["minute"], g["minutes"], order[str(g["reason"])]) for g in cell["gaps"])
    return [
        cell["expected"],
        cell["observed"],
        quiet_minutes(cell),
        cell["quarantined"],
        cell["revisions"],
        int(cell["is_settled"]),
        [number for three in threes for number in three],
    ]


def _ticker(name: dict[str, Any], held: dict[str, list[Any]], days: list[str]) -> dict[str, Any]:
    cells = [held.get(day) for day in days]
    loaded = [cell for cell in cells if cell is not None]
    expected = sum(cell[0] for cell in loaded)
    observed = sum(cell[1] for cell in loaded)
    return {
        "ticker": name["ticker"],
        "has_page": name["is_held"] and has_page(name["ticker"]),
        "loaded": len(loaded),
        "expected": expected,
        "observed": observed,
        "quiet": sum(cell[2] for cell in loaded),
        "observed_percent": percent(observed, expected),
        "cells": cells,
    }


def _share(ticker: dict[str, Any]) -> float:
    return ticker["observed"] / ticker["expected"] if ticker["expected"] else 0.0


def _total(cells: list[dict[str, Any]], places: int) -> dict[str, Any]:
    expected = sum(cell["expected"] for cell in cells)
    observed = sum(cell["observed"] for cell in cells)
    quiet = sum(quiet_minutes(cell) for cell in cells)
    return {
        "expected": expected,
        "observed": observed,
        "observed_percent": percent(observed, expected),
        "quiet": quiet,
        "absent": expected - observed - quiet,
        "ticker_sessions": len(cells),
        "not_loaded": places - len(cells),
        "complete": sum(cell["observed"] == cell["expected"] for cell in cells),
        "unsettled": sum(not cell["is_settled"] for cell in cells),
        "quarantined": sum(cell["quarantined"] for cell in cells),
    }
