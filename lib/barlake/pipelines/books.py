"""What the lake did -> ops, at the end of a run; and what earlier runs left undone."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from barlake.io import arrow
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.io.lease import lease
from barlake.landing import Batch
from barlake.model import bronze, ops, silver
from barlake.model.table import Table
from barlake.pipelines.delivery import facts
from barlake.pipelines.ingest import Ingested
from barlake.transforms.accounts import audit_of_abandoned
from barlake.transforms.served import instant

Detail = dict[str, Any]

# Every job writes its end: a few seconds of another's are worth waiting for.
BOOKS_WAIT = 60.0
BOOKS = (ops.INGEST_AUDIT, ops.DQ_RESULTS, ops.RUNS, ops.REQUESTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a run ended, for ops.

    `findings` and `results` are rows of ops.dq_results without `run_id`; `gated` are earlier runs
    whose bars `report` is about as well.
    """

    run_id: str
    job: str
    started_at: datetime
    finished_at: datetime
    status: str
    code_version: str = ""
    config_hash: str = ""
    commits: Mapping[str, list[Commit]]
    detail: Detail
    findings: Sequence[Mapping[str, Any]]
    results: DataFrame | None = None
    gated: Sequence[str] = ()
    report: str | None


def record(
    lake: Lake,
    ending: Ending,
    *,
    ingested: Ingested | None,
    apart: Sequence[Batch],
    versions: tuple[int, int],
    abandoned: list[dict[str, Any]],
) -> None:
    """Write a run's rows, and close the runs that died before they could write theirs.

    `versions` are silver.bars_1m's before and after. ops.requests comes last, and of runs that
    published alone, cut off by a vendor or not: a request that it does not name is taken up again
    by the next run. Of a run that the gate blocked it gets the files that held nothing good.
    `apart` are landing files of other kinds than minutes, whose requests it gets as well.
    """
    holder = {"run_id": ending.run_id, "process": os.getpid()}
    with lease(lake.store, BOOKS, holder, patience=BOOKS_WAIT) as fences:
        lake.fence(fences)
        told = _run_ids(lake, ops.RUNS)
        dead = [run for run in abandoned if run["run_id"] not in told]
        audited = _run_ids(lake, ops.INGEST_AUDIT) if dead else set()
        accounts = [_audit(lake, ingested, versions, ending.report)] if ingested else []
        accounts += [
            _audit_of_dead(lake, str(run["run_id"])) for run in dead if run["run_id"] not in audited
        ]
        if ending.report and ending.gated:
            accounts.append(_audit_of_gated(lake, ending.gated, ending.report))
        if accounts:
            # One commit, however many runs have died.
            lake.merge(ops.INGEST_AUDIT, reduce(DataFrame.unionByName, accounts))
        if ending.findings or ending.run_id in told:
            mine = F.col("run_id") == ending.run_id
            lake.merge(ops.DQ_RESULTS, _results(lake, ending), mine)
        ends = [_row(ending), *(_abandoned(run, ending.finished_at) for run in dead)]
        lake.merge(ops.RUNS, arrow.frame(lake.spark, ops.RUNS, ends))
        if (ingested or apart) and ending.status in ("ok", "blocked"):
            lake.merge(ops.REQUESTS, _requests(lake, ending, ingested, apart))


def details(lake: Lake) -> list[Detail]:
    """Give what the runs that published said of themselves, but those undone; unordered."""
    ended = lake.read(ops.RUNS).where(F.col("status").isin("ok", "blocked"))
    told = [
        json.loads(row["detail"]) | {"run_id": row["run_id"], "job": row["job"]}
        for row in arrow.rows(ended.select("run_id", "job", "detail"))
    ]
    return standing(told)


def standing(told: Sequence[Detail]) -> list[Detail]:
    """Keep the runs that did not break and were not taken back by a restore that stands itself."""
    restores = {d["run_id"]: d["restored"]["undone"] for d in told if "restored" in d}

    def stands(run: str) -> bool:
        return not any(run in runs and stands(by) for by, runs in restores.items())

    return [d for d in told if "fault" not in d and stands(d["run_id"])]


def _requests(
    lake: Lake, ending: Ending, ingested: Ingested | None, apart: Sequence[Batch]
) -> DataFrame:
    beside = facts(lake, apart)
    if ingested is None:
        return beside
    if "is_gone" in ingested.requests.columns:
        beside = beside.withColumn("is_gone", F.lit(False))
    is_done = _is_refused_whole() if "fault" in ending.detail else F.lit(True)
    return ingested.requests.unionByName(beside).where(is_done)


def _run_ids(lake: Lake, table: Table) -> set[str]:
    return {row["run_id"] for row in arrow.rows(lake.read(table).select("run_id").distinct())}


def _results(lake: Lake, ending: Ending) -> DataFrame:
    """Give the run's results, and those to delete that a run of the same name left before."""
    rows = [{"run_id": ending.run_id, **finding} for finding in ending.findings]
    results = arrow.frame(lake.spark, ops.DQ_RESULTS, rows)
    if ending.results is not None:
        of_sessions = ending.results.withColumn("run_id", F.lit(ending.run_id))
        results = results.unionByName(of_sessions.select(*results.columns))
    before = lake.read(ops.DQ_RESULTS, F.col("run_id") == ending.run_id)
    gone = before.join(results, list(ops.DQ_RESULTS.key), how="left_anti")
    return results.withColumn("is_gone", F.lit(False)).unionByName(
        gone.withColumn("is_gone", F.lit(True))
    )


def _is_refused_whole() -> Column:
    """Hold for a file without a good row: to take it up again could only block the next batch."""
    return (F.col("source") == "files") & (F.col("ticker") == "") & (F.col("rows") == 0)


def _audit(
    lake: Lake, ingested: Ingested, versions: tuple[int, int], report: str | None
) -> DataFrame:
    return ingested.audit.withColumns(
        {
            "run_id": F.lit(lake.run_id),
            "version_before": F.lit(versions[0]).cast("bigint"),
            "version_after": F.lit(versions[1]).cast("bigint"),
            "report": F.lit(report).cast("string"),
        }
    )


def _audit_of_dead(lake: Lake, run_id: str) -> DataFrame:
    """Count what a dead run had published: the tables tell, not its last words."""
    mine = F.col("run_id") == run_id
    bars = lake.read(bronze.BARS).where(mine)
    refused = lake.read(silver.QUARANTINE).where(mine).withColumn("ts", instant("ts_text"))
    return audit_of_abandoned(bars, refused).withColumn("run_id", F.lit(run_id))


def _audit_of_gated(lake: Lake, runs: Sequence[str], report: str) -> DataFrame:
    """Tell the runs that only ingested in which report their bars were judged."""
    rows = lake.read(ops.INGEST_AUDIT, F.col("run_id").isin(list(runs)))
    return rows.withColumn("report", F.lit(report))


def _row(ending: Ending) -> dict[str, Any]:
    commits = [commit for made in ending.commits.values() for commit in made]
    return {
        "run_id": ending.run_id,
        "job": ending.job,
        "started_at": ending.started_at,
        "finished_at": ending.finished_at,
        "status": ending.status,
        "code_version": ending.code_version,
        "config_hash": ending.config_hash,
        "rows_written": sum(c.inserted + c.updated for c in commits),
        "bytes_written": sum(c.bytes_written for c in commits),
        "files_added": sum(c.files_added for c in commits),
        "files_removed": sum(c.files_removed for c in commits),
        "detail": json.dumps(ending.detail, default=str),
    }


def _abandoned(dead: dict[str, Any], moment: datetime) -> dict[str, Any]:
    return {
        "run_id": dead["run_id"],
        "job": dead["job"],
        "started_at": datetime.fromisoformat(str(dead["started_at"])),
        "finished_at": moment,
        "status": "abandoned",
        "code_version": dead.get("code_version"),
        "config_hash": dead.get("config_hash"),
        "detail": json.dumps({"fault": "the process ended before the run did"}),
    }
