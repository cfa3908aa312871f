"""One batch of messages -> gold.vwap_stream, gold.alerts, silver.quarantine_stream."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from barlake.io import arrow
from barlake.io.append import append, replace
from barlake.io.lake import Lake
from barlake.model.silver import QUARANTINE_STREAM
from barlake.model.streamed import ALERTS, VWAP_STREAM
from barlake.sections import AlertRule
from barlake.streaming.crossings import Alert
from barlake.streaming.gate import Gate
from barlake.streaming.messages import Bar, Message, Refusal
from barlake.streaming.rows import Row, alert_row, quarantine_row, vwap_row
from barlake.streaming.state import Changes, State


class Batches:
    """Writes batches; each may be killed anywhere and come again, cut in another way.

    Alerts go first: an alert is decided while its bar is not in gold yet. What is new is appended,
    what changed is merged after that, and without news nothing is committed.

    Args:
        lake: Where.
        rules: The alert rules by name.
        read: Makes of a message a bar, or says why not.
        now: The clock.
        publish: Is given the alerts that are stored now and were not before.
        gate: Lets a batch through.
    """

    def __init__(
        self,
        lake: Lake,
        rules: Mapping[str, AlertRule],
        read: Callable[[Message], Bar | Refusal],
        now: Callable[[], datetime],
        publish: Callable[[Iterable[Row]], None],
        gate: Gate,
    ) -> None:
        self._lake, self._rules, self._read, self._now = lake, rules, read, now
        self._publish, self._gate = publish, gate
        self._known: dict[date, set[str]] = {}
        self._state = State(rules, self._stored)
        self.counts: Counter[str] = Counter()
        self.sessions: set[date] = set()
        self.fault: Exception | None = None

    def begin(self) -> None:
        """Forget what is in memory: after a fault, gold is what counts."""
        self._known = {}
        self._state = State(self._rules, self._stored)
        self.fault = None

    def __call__(self, frame: DataFrame, batch_id: int) -> None:
        """Do one batch; what broke it is kept in `fault`, since Spark tells only its text."""
        try:
            with self._gate.passed():
                self._do(messages(frame), batch_id)
        except Exception as fault:
            self.fault = fault
            raise

    def _do(self, batch: list[Message], batch_id: int) -> None:
        found = [self._read(message) for message in batch]
        changes = self._state.apply(one for one in found if isinstance(one, Bar))
        refused = [one for one in found if isinstance(one, Refusal)]
        stamp: dict[str, Any] = {
            "batch_id": batch_id,
            "emitted_at": self._now(),
            "run_id": self._lake.run_id,
        }
        alerts = [alert_row(alert, **stamp) for alert in self._fresh(changes.alerts)]
        append(self._lake, ALERTS, alerts)
        append(self._lake, VWAP_STREAM, [vwap_row(cell, **stamp) for cell in changes.new])
        replace(self._lake, VWAP_STREAM, [vwap_row(cell, **stamp) for cell in changes.changed])
        changes.are_stored()
        append(self._lake, QUARANTINE_STREAM, self._unknown(refused))
        self._keep(changes, alerts)
        self.counts.update(batches=1, messages=len(batch), refused=len(refused))

    def _keep(self, changes: Changes, alerts: list[Row]) -> None:
        for alert in alerts:
            self._known[alert["session_date"]].add(alert["alert_id"])
        self._publish(alerts)
        self.sessions |= {cell.bar.session_date for cell in (*changes.new, *changes.changed)}
        self.counts.update(new=len(changes.new), changed=len(changes.changed), alerts=len(alerts))

    def _stored(self, session: date) -> list[Row]:
        return arrow.rows(self._lake.read(VWAP_STREAM, F.col("session_date") == F.lit(session)))

    def _fresh(self, alerts: Iterable[Alert]) -> list[Alert]:
        return [alert for alert in alerts if alert.alert_id not in self._ids(alert.session_date)]

    def _ids(self, session: date) -> set[str]:
        if session not in self._known:
            rows = self._lake.read(ALERTS, F.col("session_date") == F.lit(session))
            self._known[session] = {r["alert_id"] for r in arrow.rows(rows.select("alert_id"))}
        return self._known[session]

    def _unknown(self, refused: list[Refusal]) -> list[Row]:
        """Leave out the refusals that are stored: their batch has been here before."""
        if not refused:
            return []
        key = QUARANTINE_STREAM.key
        places = sorted({refusal.message.request_id for refusal in refused})
        stored = self._lake.read(QUARANTINE_STREAM, F.col("request_id").isin(places))
        known = {tuple(row[k] for k in key) for row in arrow.rows(stored.select(*key))}
        rows = [quarantine_row(refusal, self._lake.run_id) for refusal in refused]
        return [row for row in rows if tuple(row[k] for k in key) not in known]


def messages(frame: DataFrame) -> list[Message]:
    """Collect a batch, each partition's messages in the order of their offsets."""
    found = frame.toArrow().sort_by([("partition", "ascending"), ("offset", "ascending")])
    return [Message(*row.values()) for row in found.to_pylist()]
