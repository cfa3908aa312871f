"""Whole runs of DAGs, without a scheduler, on programs that only note how they were called."""

import json
from typing import Any

import pytest

from barlake.io.spark import JAR_SETS
from tests.airflow.conftest import Ask
from tests.airflow.stand_in import StandIn, answer

CANARY = "canary-4711"
AT = "2026-11-27T20:00:00+00:00"  # two hours after an early close
REPORT = "/lake/pages/quality/night/index.html"
JUMP = {"rule": "jump", "observed": "4", "expected": "at most 3"}
FAULT = "the quality gate blocked the batch: jump: 4; see /lake"
PLAN = answer(
    told={
        "lake": "/lake",
        "minutes": 9,
        "lacks": [{"ticker": "C", "requests": 1}, {"ticker": "A", "requests": 0}],
        "tickers": ["A", "B", "C", "D", "E"],
    }
)


def judged(status: str, *, fault: str | None = None) -> dict[str, Any]:
    """What `barlake status --run` tells."""
    detail = {} if fault is None else {"fault": f"QualityError: {fault}"}
    verdict = {"status": status, "report": REPORT, "failed": [JUMP]}
    return answer(told={"run": {"detail": detail}, "verdict": verdict})


def daily(conf: dict[str, Any], **answers: Any) -> dict[str, Any]:
    return {"dag": "daily_bars", "at": AT, "conf": conf, "answers": {"plan": PLAN, **answers}}


CASES = {
    "warned": daily(
        {"clock": "schedule", "tickers_per_batch": 4},
        fetch=answer(3, 0, errors="barlake: 1 of the run's requests brought no answer"),
        ingest=answer(4, 1, 0, errors="barlake: bronze.bars is being written by run x"),
        status=judged("warned"),
    ),
    "blocked": daily(
        {},
        silver=answer(3, errors=f"barlake: {FAULT}"),
        status=judged("blocked", fault=FAULT),
    ),
    "unanswered": daily(
        {"tickers": "A,B"},
        fetch=answer(3, errors="barlake: 2 of the run's requests brought no answer"),
        status=judged("passed"),
    ),
    "refused": daily({}, silver=answer(2, errors="WARN x\nbarlake: setting lake.root: wrong\nbye")),
    "files": {
        "dag": "backfill",
        "at": AT,
        "conf": {"files": "/data/a b.csv", "as_of": "2026-11-28T02:00:00+00:00"},
        "answers": {},
    },
    "replay": {
        "dag": "replay_vwap",
        "at": AT,
        "conf": {"session": "2026-11-20", "speed": 0.5},
        "answers": {
            "replay": answer(1, 0, errors="barlake: no broker answers at 127.0.0.1:9092"),
        },
    },
    "range": {
        "dag": "backfill",
        "at": AT,
        "conf": {"start": "2026-11-16", "end": "2026-11-20", "tickers": "A,B", "interval": "1d"},
        "answers": {},
    },
}


@pytest.fixture(scope="module")
def told(ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] = ask(
        "nights",
        CASES,
        AWS_SECRET_ACCESS_KEY=CANARY,
        BARLAKE_RETRY_SECONDS="0",
        BARLAKE_DEADLINE_MINUTES="0",
    )
    return found


@pytest.fixture(scope="module")
def nights(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told["nights"]
    return found


def words(night: dict[str, Any], job: str) -> list[list[str]]:
    """Give the arguments of each call of a job or command, but for those before its script."""
    calls = [call["words"] for call in night["calls"] if call["job"] == job]
    scripts = [next((at for at, w in enumerate(c) if w.endswith(".py")), 0) for c in calls]
    return [call[at + 1 :] for call, at in zip(calls, scripts, strict=True)]


def test_a_night_asks_each_ticker_and_gives_each_step_its_run(nights: dict[str, Any]) -> None:
    night = nights["warned"]
    clock, run = "--as-of=2026-11-27T18:25:00+00:00", night["run_id"]

    assert night["state"] == "success"
    jobs = [call["job"] for call in night["calls"]]
    assert jobs[0] == "plan"
    assert jobs[4:] == ["ingest"] * 3 + ["silver", "status", "gold", "reconcile", "pages"]
    assert words(night, "plan") == [[clock, "--json"]]
    first = [clock, f"--run-id={run}.fetch.0", "--tickers=C,A,B,D", "--json"]
    second = [clock, f"--run-id={run}.fetch.1", "--tickers=E", "--json"]
    # Whose turn the failure was, is the run's to say.
    assert sorted(words(night, "fetch")) in ([first, first, second], [first, second, second])
    assert night["labels"] == ["C to D, 4", "E"]
    for job in ("silver", "gold", "reconcile"):
        assert words(night, job) == [[clock, f"--run-id={run}.{job}", "--json"]]
    assert words(night, "status") == [[f"--run={run}.silver", "--json"]]


def test_what_can_succeed_later_is_tried_again(nights: dict[str, Any]) -> None:
    tries = nights["warned"]["tries"]

    assert sorted([tries["fetch.0"], tries["fetch.1"]]) == [1, 2]
    assert (tries["ingest"], tries["silver"]) == (3, 1)


def test_a_job_is_submitted_with_the_checkouts_settings_and_jars(
    nights: dict[str, Any], stand_in: StandIn
) -> None:
    home = stand_in.home
    [call] = [call for call in nights["warned"]["calls"] if call["job"] == "gold"]

    assert call["program"] == "spark-submit"
    assert call["words"][: call["words"].index("--name")] == [
        *("--master", "local[2]"),
        *("--conf", f"spark.sql.warehouse.dir={home}/spark-warehouse"),
        *("--properties-file", f"{home}/spark-defaults.conf"),
        *("--driver-class-path", ":".join(f"{home}/jars/{jars}/*" for jars in JAR_SETS)),
    ]
    assert f"{home}/jobs/gold.py" in call["words"]


def test_credentials_reach_a_job_by_its_environment_alone(nights: dict[str, Any]) -> None:
    calls = [call for night in nights.values() for call in night["calls"]]

    assert {call["environment"]["AWS_SECRET_ACCESS_KEY"] for call in calls} == {CANARY}
    assert CANARY not in json.dumps([call["words"] for call in calls])


def test_a_warning_is_green_and_marked(nights: dict[str, Any]) -> None:
    assert nights["warned"]["states"]["verdict"] == "success"
    assert nights["warned"]["states"]["warned"] == "success"
    assert nights["unanswered"]["states"]["warned"] == "skipped"


def test_a_blocked_batch_is_red_at_once_and_its_last_line_is_the_report(
    nights: dict[str, Any],
) -> None:
    night = nights["blocked"]

    assert night["state"] == "failed"
    states = night["states"]
    assert (states["silver"], states["verdict"]) == ("success", "failed")
    assert (states["gold"], states["warned"]) == ("upstream_failed", "upstream_failed")
    assert (states["pages"], states["complete"]) == ("success", "upstream_failed")
    assert night["tries"]["verdict"] == 1
    assert night["reasons"] == [f"AirflowFailException: {FAULT}\n{REPORT}"]
    assert words(night, "gold") == []


def test_what_came_is_published_though_a_vendor_did_not_answer_for_all(
    nights: dict[str, Any],
) -> None:
    night = nights["unanswered"]

    assert night["state"] == "failed"
    assert night["states"]["fetch.0"] == "failed"
    assert night["tries"]["fetch.0"] == len(words(night, "fetch")) == 4
    assert night["states"]["gold"] == night["states"]["pages"] == "success"
    assert night["states"]["complete"] == "upstream_failed"
    assert words(night, "plan") == [["--tickers=A,B", "--json"]]
    assert night["reasons"] == [
        "AirflowException: fetch ended with exit code 3: 2 of the run's requests brought no answer"
    ]


def test_bad_input_is_not_tried_again_and_the_jobs_own_sentence_says_why(
    nights: dict[str, Any],
) -> None:
    night = nights["refused"]

    assert night["state"] == "failed"
    assert (night["states"]["silver"], night["tries"]["silver"]) == ("failed", 1)
    assert night["reasons"] == [
        "AirflowFailException: silver ended with exit code 2: setting lake.root: wrong"
    ]


def test_a_form_becomes_arguments_and_what_is_empty_none(nights: dict[str, Any]) -> None:
    files, asked = nights["files"], nights["range"]

    clock = "--as-of=2026-11-28T02:00:00+00:00"
    of = [f"--run-id={night['run_id']}.run" for night in (files, asked)]
    assert words(files, "run") == [
        ["--from=/data/a b.csv", "--interval=1m", clock, of[0], "--json"]
    ]
    given = ["--start=2026-11-16", "--end=2026-11-20", "--tickers=A,B", "--interval=1d"]
    assert words(asked, "run") == [[*given, of[1], "--json"]]


def test_a_stream_runs_beside_its_replay_and_the_rest_is_read_then(
    nights: dict[str, Any],
) -> None:
    night = nights["replay"]
    asked = ["--session=2026-11-20", "--speed=0.5"]

    assert night["state"] == "success"
    # A second try goes on where the first one stopped.
    assert words(night, "replay") == [[*asked, "--json"], [*asked, "--resume", "--json"]]
    of = [f"--run-id={night['run_id']}.{task}" for task in ("stream", "rest")]
    assert words(night, "stream") == [
        [of[0], "--json"],
        ["--available-now", of[1], "--json"],
    ]


def test_what_runs_beside_a_task_is_asked_to_end_when_that_has(told: dict[str, Any]) -> None:
    # Were it not asked, it would never end; and only the last look found the other one over.
    assert told["beside"] == {"gave": 0, "looks": 3}


def test_pools_are_taken_as_they_are_declared(told: dict[str, Any]) -> None:
    assert told["pools_refused"] == []


def test_a_command_ends_with_its_task(told: dict[str, Any]) -> None:
    assert told["killed"] == -9
