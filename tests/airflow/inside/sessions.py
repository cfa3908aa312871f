"""Prints, as JSON, when the timetable lets a DAG run; run by Airflow's own Python.

Standard input holds the cases: `{"every", "catchup", "now", "last", "earliest", "latest", "count",
"manual"}`, instants as ISO 8601.
"""

import json
import sys
from datetime import datetime
from typing import Any

import pendulum
from airflow.timetables.base import DataInterval, TimeRestriction

import nyse

DELAY = 25


def main() -> None:
    json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)


def answer(case: dict[str, Any]) -> Any:
    made = nyse.MarketSessionTimetable(delay_minutes=DELAY, every_minutes=case.get("every"))
    timetable = nyse.MarketSessionTimetable.deserialize(json.loads(json.dumps(made.serialize())))
    if "now" in case:
        moment = instant(case["now"])
        nyse.now = lambda: moment
    if "manual" in case:
        return told(timetable.infer_manual_data_interval(run_after=instant(case["manual"])))
    return runs(timetable, case)


def runs(timetable: nyse.MarketSessionTimetable, case: dict[str, Any]) -> list[Any]:
    earliest, latest = (
        instant(case[name]) if name in case else None for name in ("earliest", "latest")
    )
    restriction = TimeRestriction(earliest, latest, case.get("catchup", True))
    last = DataInterval(*map(instant, case["last"])) if "last" in case else None
    found: list[Any] = []
    while len(found) < case.get("count", 1):
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=restriction
        )
        if info is None:
            return [*found, None]
        last = info.data_interval
        assert last is not None
        found.append([*told(last), spelled(info.run_after)])
    return found


def told(interval: DataInterval) -> list[str]:
    return [spelled(interval.start), spelled(interval.end)]


def instant(text: str) -> pendulum.DateTime:
    return pendulum.instance(datetime.fromisoformat(text))


def spelled(moment: pendulum.DateTime) -> str:
    return moment.in_timezone("UTC").strftime("%Y-%m-%dT%H:%MZ")


if __name__ == "__main__":
    main()
