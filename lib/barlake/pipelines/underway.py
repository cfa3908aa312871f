"""One run under way, and what it was asked for."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pyspark.sql import DataFrame

from barlake.checks.verdict import Verdict
from barlake.io.history import Commit
from barlake.io.lake import Lake
from barlake.landing import Batch
from barlake.model.landed import Facts
from barlake.model.tables import TABLES
from barlake.pipelines import books
from barlake.pipelines.ingest import Ingested
from barlake.pipelines.reconcile import Reconciled
from barlake.progress import Progress
from barlake.settings import Settings


@dataclass(slots=True)
class Night:
    """One run under way: what its steps use, and what they leave for ops and for the reader.

    `findings` and `results` become rows of ops.dq_results at the end, however that is; `run_id` is
    set there. `gated` are the runs before this one whose bars were judged. `missing` are the
    requests that a real vendor left without an answer; `apart` the landing files of daily bars, and
    of splits and dividends, whose requests ops.requests does not name yet.
    """

    lake: Lake
    settings: Settings
    progress: Progress
    commits: dict[str, list[Commit]] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)
    ingested: Ingested | None = None
    reconciled: Reconciled | None = None
    sessions: list[date] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    results: DataFrame | None = None
    gated: list[str] = field(default_factory=list)
    verdict: Verdict | None = None
    missing: list[Facts] = field(default_factory=list)
    apart: list[Batch] = field(default_factory=list)
    before: dict[str, int] = field(init=False)
    _past: list[books.Detail] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.before = self.versions()

    def versions(self) -> dict[str, int]:
        """Give every table's newest version."""
        return {str(table): self.lake.version(table) for table in TABLES}

    def keep(self, commits: dict[str, Commit | None]) -> None:
        """Remember what a step committed."""
        for table, commit in commits.items():
            if commit is not None:
                self.commits.setdefault(table, []).append(commit)

    @property
    def past(self) -> list[books.Detail]:
        """What the runs before this one said of themselves, read once; unordered."""
        if self._past is None:
            self._past = books.details(self.lake)
        return self._past


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The sessions that a run was asked for; without them, whatever the lake lacks.

    `is_daily`: daily bars alone, no minutes.
    """

    start: date | None = None
    end: date | None = None
    is_daily: bool = False
