"""The guided first run: two nights of a simulated exchange, or one with Yahoo."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import barlake
from barlake import calendar, console, steps_look, universe
from barlake.model import jobs
from barlake.model.errors import InputError
from barlake.model.landed import OF_MINUTES
from barlake.options import Clock, Options
from barlake.settings import CONF, load
from barlake.sources.manners import Chance, Correction, Manners, Split
from barlake.sources.simulated import SimulatedSource

# The tenth session before it closed early: the day after Thanksgiving.
AS_OF = datetime(2026, 12, 3, 2, 0, tzinfo=UTC)

_LANDED = """
SELECT 'landing, as served' AS "where", sum("rows")::BIGINT AS "rows" FROM ops.requests
WHERE :of_minutes
UNION ALL SELECT 'bronze.bars, every revision', count(*) FROM bronze.bars
UNION ALL SELECT 'bronze.bars, corrections', count(*) FROM bronze.bars WHERE revision > 0
UNION ALL SELECT 'silver.bars_1m, observed', count(*) FROM silver.bars_1m WHERE NOT is_filled
UNION ALL SELECT 'silver.bars_1m, filled', count(*) FROM silver.bars_1m WHERE is_filled
UNION ALL SELECT 'silver.quarantine, refused', count(*) FROM silver.quarantine
UNION ALL SELECT 'gold.features_1m', count(*) FROM gold.features_1m
UNION ALL SELECT 'gold.bars, 5m to 1d', count(*) FROM gold.bars
""".replace(":of_minutes", OF_MINUTES)
_ABSENT = """
SELECT g.reason, count(*) AS gaps, sum(g.minutes)::BIGINT AS minutes
FROM (SELECT unnest(gaps) AS g FROM silver.coverage) GROUP BY ALL ORDER BY minutes DESC
"""


def demonstrate(
    options: Options, tickers: int, sessions: int, source: str | None
) -> dict[str, Any]:
    """Run the whole lake, on a simulated exchange or with Yahoo; tell what landed where.

    Raises:
        InputError: The source is another one.
    """
    if source == "yahoo":
        return _of_yahoo(options, tickers, sessions)
    if source not in (None, "simulated"):
        raise InputError(f"the demo takes --source simulated or yahoo, not {source}")
    return _simulated(options.lake or "./lake/demo", tickers, sessions, options.as_of)


def _of_yahoo(options: Options, tickers: int, sessions: int) -> dict[str, Any]:
    """Run one night with what Yahoo still has of the last sessions."""
    from barlake import steps  # noqa: PLC0415 - as below

    lake = options.lake or "./lake/demo-yahoo"
    settings = load().source
    now = Clock(options.as_of).now()
    oldest = now - timedelta(days=settings.horizon_days)
    days = [day for day in calendar.closed_before(now, sessions) if day.first >= oldest]
    asked = steps.Asked(
        source="yahoo",
        path=None,
        tickers=tuple(_names(tickers)),
        start=days[0].session_date,
        end=days[-1].session_date,
    )
    done = steps.run(replace(options, lake=lake), asked)
    return done | {"lake": lake, "text": _text(lake, done)}


def _simulated(lake: str, tickers: int, sessions: int, as_of: datetime | None) -> dict[str, Any]:
    """Fetch all sessions but the last, then run the night of the last.

    The second night reads the last sessions again, and so brings corrections of the first.
    """
    from barlake.pipelines.asking import fetched  # noqa: PLC0415 - brings Spark
    from barlake.pipelines.night import run  # noqa: PLC0415
    from barlake.pipelines.plan import plan_range  # noqa: PLC0415
    from barlake.pipelines.underway import Wanted  # noqa: PLC0415
    from barlake.runtime import running  # noqa: PLC0415
    from barlake.summary import summary  # noqa: PLC0415

    moment = as_of or AS_OF
    names = _names(tickers)
    days = calendar.closed_before(moment, sessions)
    manners = _manners(names, days, moment)
    seed = load().source.seed
    evening = days[-2].last + timedelta(hours=1)
    options = Options(lake=lake, as_of=moment, run_id=f"demo-{moment:%Y%m%dT%H%MZ}")
    with steps_look.shown(options) as took, running(jobs.RUN, options) as night:
        with night.progress.step("fetch"):
            first = SimulatedSource(seed=seed, clock=lambda: evening, manners=manners)
            earlier = plan_range(
                night.settings.source, names, days[0].session_date, days[-2].session_date
            )
            fetched(night, first, earlier, Wanted())
        last = SimulatedSource(seed=seed, clock=lambda: moment, manners=manners)
        # What a night reads again; of a demo of few sessions that is all of them.
        again = days[-night.settings.source.reread_sessions - 1 :][0].session_date
        wanted = Wanted(start=again, end=days[-1].session_date)
        run(night, last, wanted, names)
    night.progress.seconds.update(took)
    return summary(night) | {
        "lake": night.lake.store.address,
        "text": _text(lake, summary(night)),
    }


def _names(count: int) -> list[str]:
    listed = universe.parse(f"@{CONF / 'tickers.txt'}")
    return [*listed, *(f"SIM{n}" for n in range(count))][:count]


def _manners(names: list[str], days: list[calendar.Session], moment: datetime) -> Manners:
    """The usual manners, and for certain: a split, a halt and corrections."""
    usual = Manners.usual()
    half = days[len(days) // 2].session_date
    corrections = tuple(
        Correction(
            ticker=name,
            session_date=days[-2].session_date,
            known_at=moment - timedelta(hours=4),
            minute=120 + at,
        )
        for at, name in enumerate(names[:3])
    )
    return replace(
        usual,
        splits=Chance(0.0, (Split(ticker=names[-1], ex_date=half, ratio=4.0),)),
        halts=Chance(usual.halts.rate, ((names[0], days[0].session_date),)),
        corrections=Chance(usual.corrections.rate, corrections),
    )


def _text(lake: str, done: dict[str, Any]) -> list[str]:
    from barlake.summary import sentences  # noqa: PLC0415 - brings Spark

    reader = barlake.open(lake)
    landed = reader.sql(_LANDED).arrow().read_all().to_pylist()
    absent = reader.sql(_ABSENT).arrow().read_all().to_pylist()
    return [
        *sentences(done),
        "",
        *console.table(landed),
        "",
        "minutes without an observation, and why:",
        *console.table(absent),
        "",
        f"look: {Path(lake) / 'pages' / 'index.html'} in a browser",
        f"      barlake status --lake {lake}",
        f"      barlake sql --lake {lake} 'FROM silver.coverage ORDER BY observed LIMIT 5'",
    ]
