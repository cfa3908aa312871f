"""A session goes into a topic once and in order, whoever is killed meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, TopicPartition

from barlake import cli
from barlake.io import kafka
from barlake.streaming.disorder import Odds, disordered
from barlake.streaming.events import Kind
from infra.kafka import Broker
from tests.kafka.small_lake import SESSION, TICKERS, session_bars, small_lake

BARS = session_bars()


class Held(NamedTuple):
    """A message of a topic."""

    partition: int
    offset: int
    number: int
    key: bytes | None
    value: bytes | None


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of four tickers in silver."""
    return small_lake(tmp_path_factory.mktemp("lake"), BARS)


@pytest.fixture(autouse=True)
def _reached(broker: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARLAKE_KAFKA__BROKERS", broker.address)
    monkeypatch.setenv("BARLAKE_KAFKA__TOPIC", topic)
    monkeypatch.chdir(tmp_path)


def replayed(
    lake: Path, capsys: pytest.CaptureFixture[str], *more: str, code: int = 0
) -> dict[str, Any]:
    """Run `barlake replay` here; give what it printed, or told on standard error."""
    arguments = ["replay", "--lake", str(lake), "--session", str(SESSION), "--json", *more]
    assert cli._guarded(cli.app, arguments) == code
    said = capsys.readouterr()
    return dict(json.loads(said.out)) if code == 0 else {"error": said.err}


@contextmanager
def replaying(lake: Path, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run it in a process of its own."""
    command = [sys.executable, "-c", "from barlake.cli import run; run()", "replay", "--json"]
    command += ["--lake", str(lake), "--session", str(SESSION), *more]
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def held(broker: Broker, topic: str) -> list[Held]:
    """Give all that a topic holds, by partition and offset."""
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": "test", "log_level": 0})
    found = []
    for partition, end in kafka.ends(broker.address, topic).items():
        consumer.assign([TopicPartition(topic, partition, 0)])
        for message in consumer.consume(end, 30):
            assert message.error() is None
            number = int(dict(message.headers() or [])["number"] or -1)
            offset = message.offset()
            assert offset is not None
            found.append(Held(partition, offset, number, message.key(), message.value()))
        assert len([m for m in found if m.partition == partition]) == end
    consumer.close()
    return found


def noted(ledger: str) -> set[tuple[int, int, int]]:
    """Give a ledger's messages: number, partition, offset."""
    lines = Path(ledger).read_text("utf-8").splitlines()[1:]
    found = [tuple(map(int, line.split())) for line in lines]
    assert len(found) == len(set(found))
    return {(n, p, o) for n, p, o in found}


def await_noted(count: int, process: subprocess.Popen[bytes]) -> Path:
    """Wait until so many messages are acknowledged; give the ledger."""
    while True:
        assert process.poll() is None
        for ledger in Path("lake", "replays").glob("*.ledger"):
            if len(ledger.read_bytes().splitlines()) > count:
                return ledger
        time.sleep(0.01)


def require_whole(found: list[Held], ledger: str, events: int) -> None:
    """Each event once, as the ledger says, and each key in order."""
    assert sorted(m.number for m in found) == list(range(events))
    assert {(m.number, m.partition, m.offset) for m in found} == noted(ledger)
    by_key: dict[bytes | None, list[Held]] = defaultdict(list)
    for message in found:
        by_key[message.key].append(message)
    for messages in by_key.values():
        assert len({m.partition for m in messages}) == 1
        assert [m.number for m in messages] == sorted(m.number for m in messages)


def test_a_session_is_sent_as_silver_has_it(
    lake: Path, broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = replayed(lake, capsys, "--speed", "0", "--as-of", "2026-11-21T00:00Z")
    found = held(broker, topic)
    require_whole(found, done["ledger"], len(BARS))
    assert (done["events"], done["acknowledged"], done["resumed"]) == (len(BARS), len(BARS), 0)
    assert done["sent"] == {"bar": len(BARS)}
    assert done["jitter_ms"] is None
    sent = [json.loads(m.value or b"") for m in sorted(found, key=lambda m: m.number)]
    assert sent == [
        {
            **bar._asdict(),
            "ts": bar.ts.isoformat().replace("+00:00", "Z"),
            "produced_at": "2026-11-21T00:00:00Z",
        }
        for bar in BARS
    ]
    assert [m.key for m in sorted(found, key=lambda m: m.number)] == [
        bar.ticker.encode() for bar in BARS
    ]


def test_disorder_arrives_as_it_was_drawn(
    lake: Path, broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    odds = Odds(late=0.05, duplicate=0.05, correct=0.02, drop=0.02, malform=0.05, future=0.01)
    events = disordered(BARS, odds, 7)
    words = [("--late", 0.05), ("--duplicate", 0.05), ("--correct", 0.02), ("--drop", 0.02)]
    words += [("--malform", 0.05), ("--future", 0.01), ("--seed", 7), ("--speed", 0)]
    done = replayed(lake, capsys, *(str(word) for pair in words for word in pair))
    assert set(done["sent"]) == set(Kind)
    found = held(broker, topic)
    require_whole(found, done["ledger"], len(events))
    for message in found:
        event = events[message.number]
        has_value = event.fault != "tombstone"
        assert (message.value is not None) == has_value
        assert message.key == (None if event.fault == "null_key" else event.bar.ticker.encode())


def test_a_killed_replay_goes_on_without_gap_or_repetition(
    lake: Path, broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with replaying(lake, "--speed", "6000", "--late", "0.1") as process:
        ledger = await_noted(200, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    # What was acknowledged in the moment of the kill may be noted by half, or not at all.
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[:-20]) + lines[-20][:-2])
    done = replayed(lake, capsys, "--speed", "0", "--late", "0.1", "--resume")
    assert 180 <= done["resumed"] < len(BARS)
    assert done["resumed"] + sum(done["sent"].values()) == done["events"] == len(BARS)
    require_whole(held(broker, topic), done["ledger"], len(BARS))
    again = replayed(lake, capsys, "--speed", "0", "--late", "0.1", "--resume")
    assert (again["sent"], again["status"]) == ({}, "ok")


def test_a_stopped_replay_says_how_to_go_on(
    lake: Path, broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with replaying(lake, "--speed", "600") as process:
        await_noted(10, process)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate()
    assert process.returncode == 0
    stopped = json.loads(said)
    assert stopped["status"] == "stopped"
    assert stopped["acknowledged"] == sum(stopped["sent"].values()) == len(held(broker, topic))
    done = replayed(lake, capsys, "--speed", "0", "--resume")
    assert done["resumed"] == stopped["acknowledged"]
    require_whole(held(broker, topic), done["ledger"], len(BARS))


def test_a_broker_that_is_killed_meanwhile_costs_nothing(
    lake: Path, broker: Broker, topic: str
) -> None:
    with replaying(lake, "--speed", "3000") as process:
        await_noted(100, process)
        broker.kill()
        broker.start()
        said, _ = process.communicate(timeout=120)
    done = json.loads(said)
    assert (process.returncode, done["status"]) == (0, "ok")
    require_whole(held(broker, topic), done["ledger"], len(BARS))


def test_a_broker_that_is_frozen_meanwhile_costs_nothing(
    lake: Path, broker: Broker, topic: str
) -> None:
    with replaying(lake, "--speed", "3000") as process:
        await_noted(100, process)
        with broker.frozen():
            time.sleep(5)
        said, _ = process.communicate(timeout=120)
    done = json.loads(said)
    assert (process.returncode, done["status"]) == (0, "ok")
    require_whole(held(broker, topic), done["ledger"], len(BARS))


def test_what_is_resumed_must_be_the_same(
    lake: Path, broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    replayed(lake, capsys, "--speed", "0", "--from", "15:50")
    said = replayed(lake, capsys, "--speed", "0", "--resume", code=2)
    assert "is of another replay" in said["error"]
    before = held(broker, topic)
    assert {json.loads(m.value or b"")["ts"][11:16] for m in before} == {
        f"20:{minute}" for minute in range(50, 60)
    }
    assert held(broker, topic) == before


def test_bad_input_is_one_sentence(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {
        ("--late", "1.5"): "--late",
        ("--late", "nan"): "Invalid value for '--late'",
        ("--speed", "inf"): "the speed inf is none",
        ("--from", "9.30"): "'9.30' is no time of a session",
        ("--from", "20:00"): "nothing of the session 2026-11-20 is left to send",
        ("--tickers", "AAPL,NONE"): "has no observed bar of NONE in the session 2026-11-20",
        ("--session", "2026-11-18"): "has no observed bar in the session 2026-11-18",
    }
    for words, sentence in asked.items():
        said = replayed(lake, capsys, *words, code=2)["error"]
        assert sentence in said
        assert said.startswith("barlake: ")
        assert said.count("\n") == 1
    assert not Path("lake").exists()


def test_a_topic_of_another_shape_is_refused(
    lake: Path, broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kafka.require_topic(broker.address, topic, partitions=3, retention_hours=1)
    said = replayed(lake, capsys, code=2)["error"]
    assert f"the topic {topic} at {broker.address} has 3 partitions, and not 2" in said


def test_a_broker_that_is_not_there_is_one_sentence(
    lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kafka, "ANSWER_SECONDS", 1.0)
    monkeypatch.setenv("BARLAKE_KAFKA__BROKERS", "127.0.0.1:9")
    said = replayed(lake, capsys, code=1)["error"]
    assert said.startswith("barlake: the Kafka broker at 127.0.0.1:9 does not answer")
    assert said.count("\n") == 1


def test_fewer_tickers_are_a_part_of_the_whole(
    lake: Path, broker: Broker, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = replayed(lake, capsys, "--speed", "0", "--tickers", TICKERS[0])
    assert done["events"] == sum(bar.ticker == TICKERS[0] for bar in BARS)
    assert {m.key for m in held(broker, topic)} == {TICKERS[0].encode()}
