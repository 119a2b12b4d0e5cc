"""Bad input of every kind through Kafka: nothing crashes, all is counted, dead letters keep what is unusable."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from kafka import KafkaProducer

from monitor.deadletters import CLOSED
from tests.badinput import CASES, GOOD, UNUSABLE
from tests.services.deployment import Deployment, Worker, driftline
from tests.services.kafka import Broker
from tests.services.small import deployment
from tests.services.waiting import wait_for


@dataclass
class Outcome:
    """What a worker made of all cases, sent once each between good events."""

    deployed: Deployment
    worker: Worker
    pid: int
    sent: dict[str, tuple[int, int]]  # partition and offset
    produced: int

    def total(self, name: str) -> Counter[str]:
        """A counter of the source topic by its reason, or "" where it has none."""
        found: Counter[str] = Counter()
        for line in self.worker.page("/metrics").splitlines():
            if line.startswith(f"driftline_{name}{{") and f'topic="{self.deployed.source}"' in line:
                reason = re.search(r'reason="(\w+)"', line)
                found[reason[1] if reason else ""] += int(float(line.rsplit(" ", 1)[1]))
        return found

    def counted(self) -> int:
        return sum(self.total(name).total() for name in ("events_total", "skipped_total", "dead_letters_total"))


@pytest.fixture(scope="module")
def outcome(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    limit = {"max.message.bytes": str(32 * 1024 * 1024)}
    deployed = deployment(broker, tmp_path_factory.mktemp("bad"), source_config=limit)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, max_request_size=2**25)
    try:
        sent = {}
        for i, (name, (value, _)) in enumerate(CASES.items()):
            headers = [("trace", name.encode()), ("binary", b"\xff\x00")]
            sent[name] = producer.send(deployed.source, value, key=name.encode(), partition=i % 4, headers=headers)
            producer.send(deployed.source, GOOD, partition=i % 4)
        producer.flush(60)
        worker = deployed.start_worker()
        places = {name: (future.get(0).partition, future.get(0).offset) for name, future in sent.items()}
        found = Outcome(deployed, worker, worker.process.pid, places, produced=2 * len(CASES))
        wait_for(lambda: found.counted() >= found.produced, 30, "every record to be counted")
        yield found
    finally:
        producer.close()
        deployed.stop()


def test_nothing_crashes_and_every_record_is_counted_once(outcome: Outcome) -> None:
    assert outcome.counted() == outcome.produced
    assert (outcome.worker.process.pid, outcome.worker.process.returncode) == (outcome.pid, None)
    expected = Counter(fate for _, fate in CASES.values())
    assert outcome.total("events_total")[""] == expected["event"] + len(CASES)
    assert +outcome.total("skipped_total") == Counter(empty=1, tombstone=1)
    assert +outcome.total("dead_letters_total") == Counter(UNUSABLE.values())


@pytest.mark.parametrize("case", UNUSABLE)
def test_what_cannot_be_used_is_kept_with_its_reason(outcome: Outcome, case: str, letters: dict[str, object]) -> None:
    partition, offset = outcome.sent[case]
    letter = letters[f"{outcome.deployed.source}-{partition}-{offset}"]
    headers = dict(letter.headers)  # type: ignore[attr-defined]  # kafka-python is not typed
    assert headers["driftline.error.reason"] == UNUSABLE[case].encode()
    assert headers["driftline.error.key"] == case.encode()
    assert headers["driftline.error.offset"] == str(offset).encode()
    assert (headers["trace"], headers["binary"]) == (case.encode(), b"\xff\x00")
    value = CASES[case][0] or b""
    kept = letter.value  # type: ignore[attr-defined]
    if case == "beyond the dead letters":
        assert value.startswith(kept)
        assert headers["driftline.error.cut"] == b"kept are the first 15,728,640 of 17,000,000 bytes"
    else:
        assert kept == value


def test_nothing_else_is_in_the_dead_letters(letters: dict[str, object]) -> None:
    assert len(letters) == len(UNUSABLE)


@pytest.fixture(scope="module")
def letters(outcome: Outcome) -> dict[str, object]:
    records = outcome.deployed.broker.records(outcome.deployed.topic("dead_letters"))
    return {record.key.decode(): record for record in records if not record.key.startswith(CLOSED)}


def test_dead_letters_show_lists_every_reason_with_its_count(outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = driftline("dead-letters", "show", "--config", outcome.deployed.config)
    for reason, count in Counter(UNUSABLE.values()).items():
        assert re.search(rf"│ {reason} +│ +{count} │", shown), shown


def test_the_window_holds_every_event_with_what_was_wrong_in_its_columns(outcome: Outcome) -> None:
    (line,) = outcome.deployed.wait_for_windows(1, 20).values()
    result = json.loads(line)
    expected = Counter(fate for _, fate in CASES.values())["event"] + len(CASES)
    assert result["events"] == expected
    assert (result["columns"]["age0"]["invalid"], result["columns"]["age0"]["missing"]) == (1, 1)
    assert result["columns"]["score"]["missing"] == 1
    assert outcome.worker.metric('driftline_unknown_columns{model="credit",version="3"}') == 1


def test_after_all_that_the_worker_leaves_cleanly(outcome: Outcome) -> None:
    assert outcome.worker.process.stop() == 0
