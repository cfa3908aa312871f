"""Where explain says that a minute went: later rows, later sessions, the next session's gap."""

from datetime import date, timedelta
from typing import Any

import pytest

from barlake import calendar
from barlake.model import gold, ref
from barlake.readers.frames import OpenLake
from barlake.readers.traces import feeds
from barlake.transforms.lookback import SESSIONS_BACK as BACK
from tests.pages.tables import made_up

# The ticker is held in all but one of these sessions, and in each at these minutes alone.
DAYS = calendar.between(date(2026, 9, 8), date(2026, 10, 9))
FIRST, MISSING = DAYS[0], DAYS[3]
HELD = [day for day in DAYS if day != MISSING]
MINUTES = (0, 30, 60, 61)


def row(at: int, minute: int) -> dict[str, Any]:
    """One row of gold.features_1m; the fifth session held is the first that has volumes before."""
    day = HELD[at]
    is_after_a_gap = day.session_date == DAYS[4].session_date
    return {
        "ticker": "AAPL",
        "ts": day.open_utc + timedelta(minutes=minute),
        "session_date": day.session_date,
        "is_filled": minute == 61,
        "rel_volume_20d": 1.5 if at >= 5 else None,
        "gap_from_prior_close": None if at == 0 or is_after_a_gap else at / 100,
    }


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> OpenLake:
    days = [
        {
            "exchange": "XNYS",
            "session_date": day.session_date,
            "open_utc": day.open_utc,
            "close_utc": day.close_utc,
            "minutes": day.minutes,
            "is_early_close": False,
        }
        for day in DAYS
    ]
    rows = [row(at, minute) for at in range(len(HELD)) for minute in MINUTES]
    return made_up(tmp_path_factory.mktemp("forward"), {ref.SESSIONS: days, gold.FEATURES_1M: rows})


def fed(lake: OpenLake, at: int, minute: int) -> dict[str, Any]:
    day = HELD[at]
    return feeds(lake, "AAPL", day.open_utc + timedelta(minutes=minute), day.session_date)


@pytest.mark.parametrize(
    ("at", "minute", "sessions", "rows"),
    [
        # Sessions 1 to 20 look back on it, and those from 5 on had enough of them.
        (0, 0, BACK - 4, (BACK - 4) * 4),
        (0, 30, BACK - 4, (BACK - 4) * 3),
        (0, 1, 0, 0),  # there is no such row
        (2, 60, BACK - 2, (BACK - 2) * 2),
        (len(HELD) - 2, 60, 1, 2),
        (len(HELD) - 1, 60, 0, 0),
    ],
)
def test_the_next_twenty_sessions_compare_their_volume_from_the_same_minute_on(
    lake: OpenLake, at: int, minute: int, sessions: int, rows: int
) -> None:
    found = fed(lake, at, minute)

    assert found["later_volumes"] == {"sessions": sessions, "rows": rows}


@pytest.mark.parametrize(
    ("at", "minute", "gap"),
    [
        (0, 30, None),  # not the session's close
        (0, 60, 0.01),  # only a filled minute follows
        (2, 60, None),  # the calendar's next session is not held
        (3, 60, 0.04),
        (len(HELD) - 1, 60, None),
    ],
)
def test_the_next_sessions_gap_starts_from_the_close_alone(
    lake: OpenLake, at: int, minute: int, gap: float | None
) -> None:
    found = fed(lake, at, minute)["next_gap"]

    told = found and (found["session_date"], found["gap_from_prior_close"])
    assert told == (gap and (HELD[at + 1].session_date, gap))
