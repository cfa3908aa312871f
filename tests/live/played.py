"""`barlake`, but that its stream is played without Spark: what the topic says, as it comes."""

import json
import os
import signal
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer

from barlake.cli import run
from barlake.io.kafka import require_topic
from barlake.model import streamed
from tests.kafka.small_lake import SESSION
from tests.live.streams import append


def main() -> None:
    if sys.argv[1] == "stream":
        stream(Path(sys.argv[sys.argv.index("--lake") + 1]))
    else:
        run()


def stream(lake: Path) -> None:
    """Append each bar of the topic with its VWAP so far; late ones as if they had not been late."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    brokers = os.environ["BARLAKE_KAFKA__BROKERS"]
    require_topic(brokers, "bars", partitions=2, retention_hours=1)
    asked = {"bootstrap.servers": brokers, "group.id": "played", "auto.offset.reset": "earliest"}
    consumer = Consumer(asked)
    consumer.subscribe(["bars"])
    ready = lake / "_checkpoints" / "stream" / "checkpoint" / "metadata"
    ready.parent.mkdir(parents=True)
    ready.touch()
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0])
    while True:
        found = consumer.consume(1000, timeout=0.2)
        rows = [row_of(bar, sums) for bar in map(read, found) if bar is not None]
        if rows:
            append(lake, streamed.VWAP_STREAM, rows)


def read(message: Any) -> dict[str, Any] | None:
    return None if message.error() else dict(json.loads(message.value()))


def row_of(bar: dict[str, Any], sums: dict[str, list[float]]) -> dict[str, Any]:
    hlc3 = (bar["high"] + bar["low"] + bar["close"]) / 3
    total = sums[bar["ticker"]]
    total[0], total[1], total[2] = (
        total[0] + bar["volume"],
        total[1] + hlc3 * bar["volume"],
        total[2] + 1,
    )
    return {
        "ticker": bar["ticker"],
        "ts": datetime.fromisoformat(bar["ts"]),
        "session_date": SESSION,
        "cum_volume": int(total[0]),
        "cum_notional": total[1],
        "vwap": total[1] / total[0],
        "n_bars": int(total[2]),
        "close": bar["close"],
        "bar_open": bar["open"],
        "bar_high": bar["high"],
        "bar_low": bar["low"],
        "bar_hlc3": hlc3,
        "bar_volume": bar["volume"],
        "bar_revision": bar["revision"],
        "produced_at": datetime.fromisoformat(bar["produced_at"]),
        "emitted_at": datetime.now(UTC),
    }


if __name__ == "__main__":
    main()
