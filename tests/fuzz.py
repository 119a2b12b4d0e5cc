"""Fuzzed records through a real worker on a real broker, every one accounted for: `make fuzz`.

    python -m tests.fuzz --messages 1000000 --seed 7

What becomes of each record is foretold by the naive decoder. Then the metrics, the dead letters (which record, which
reason) and the windows must all say the same, and the process must be the one that was started.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families

from monitor import settings
from monitor.deadletters import CLOSED
from monitor.logs.contract import EMPTY, REASONS, TOMBSTONE
from monitor.pipeline import assemble
from tests import hostile
from tests.examples import profile
from tests.logs.naive import count_json
from tests.services.deployment import Deployment, Worker
from tests.services.jars import fetch_jars
from tests.services.kafka import Broker
from tests.services.small import deployment, past
from tests.services.waiting import wait_for

PARTITIONS = 4
PIECE = 1_000
LIMIT = {"max.message.bytes": str(32 * 1024 * 1024)}  # of the log, twice that of the dead letters
Place = tuple[int, int]


@dataclass
class Ledger:
    """What was produced, and what must become of it."""

    fates: Counter[str] = field(default_factory=Counter)
    unusable: dict[Place, str] = field(default_factory=dict)
    ends: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    distinct: int = 0

    @property
    def produced(self) -> int:
        return sum(self.ends)


@dataclass
class Outcome:
    """What a worker made of it."""

    events: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    dead_letters: Counter[str] = field(default_factory=Counter)
    kept: dict[Place, str] = field(default_factory=dict)
    repeated: int = 0
    longest_message: int = 0
    in_windows: int = 0
    late: int = 0
    windows: int = 0
    log_lines: int = 0
    rss: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def counted(self) -> int:
        return self.events + self.skipped.total() + self.dead_letters.total()


def run(
    broker: Broker, folder: Path, *, messages: int, seed: int, say: Callable[[str], None]
) -> tuple[Ledger, Outcome]:
    """Produce while a worker reads, wait until it has told of everything, and compare. Raises AssertionError."""
    deployed = deployment(broker, folder, source_config=LIMIT, lateness="10m")
    try:
        worker = deployed.start_worker()
        began = time.monotonic()
        ledger = produce(deployed, hostile.records(seed, messages, now=(now := past(900))), now=now)
        say(f"produced {ledger.produced:,} records, {ledger.distinct:,} distinct, {time.monotonic() - began:.0f} s")
        outcome = Outcome()
        patience = 60 + messages / 2_000
        wait_for(
            lambda: _metrics(worker, deployed, outcome).counted >= messages, patience, "every record to be counted"
        )
        outcome.seconds = time.monotonic() - began
        wait_for(lambda: _told(worker, deployed, outcome) >= ledger.fates["event"], patience, "every event in a window")
        outcome.rss = _memory(worker)
        labels(worker.page("/metrics"), deployed)
        _letters(deployed, outcome)
        assert worker.process.returncode is None, worker.process.tail()
        assert worker.process.stop() == 0, worker.process.tail()
        lines = worker.process.log.read_text().splitlines()
        outcome.log_lines = len(lines)
        assert all(line.isascii() and line.isprintable() for line in lines), "a log line is not plain"
        compare(ledger, outcome)
        return ledger, outcome
    finally:
        deployed.stop()


def produce(deployed: Deployment, records: Iterator[hostile.Record], *, now: int) -> Ledger:
    """Send the records in turn to all partitions, with `now` as their timestamp, and foretell what becomes of them."""
    ledger, seen = Ledger(), set[bytes]()
    targets = assemble.targets(settings.load(deployed.config))
    producer = KafkaProducer(
        bootstrap_servers=deployed.broker.bootstrap, linger_ms=20, batch_size=2**18, max_request_size=2**25, acks="all"
    )
    try:
        while piece := list(islice(records, PIECE)):
            _, fates = count_json(targets, [record.value for record in piece], [now] * len(piece))
            ledger.fates.update(fates)
            for i, (record, fate) in enumerate(zip(piece, fates, strict=True)):
                partition = i % PARTITIONS
                if fate in REASONS:
                    ledger.unusable[partition, ledger.ends[partition]] = fate
                ledger.ends[partition] += 1
                seen.add(blake2b(record.value or b"none", digest_size=8).digest())
                producer.send(deployed.source, record.value, record.key, record.headers, partition, now)
        producer.flush(120)
    finally:
        producer.close()
    ledger.distinct = len(seen)
    assert list(deployed.broker.end_offsets(deployed.source).values()) == ledger.ends
    return ledger


def compare(ledger: Ledger, outcome: Outcome) -> None:
    """Assert that nothing was lost, doubled or put under another reason, by metrics, dead letters and windows."""
    fates = Counter({"event": outcome.events}) + outcome.skipped + outcome.dead_letters
    assert fates == ledger.fates, f"metrics: expected {ledger.fates}, got {fates}"
    assert outcome.counted == ledger.produced
    wrong = outcome.kept.items() ^ ledger.unusable.items()
    assert not wrong, f"dead letters: {len(wrong)} differ, such as {sorted(wrong)[:5]}"
    assert outcome.in_windows + outcome.late == ledger.fates["event"], (outcome.in_windows, outcome.late)
    assert outcome.longest_message <= 1_024


def labels(page: str, deployed: Deployment) -> None:
    """Assert that the labels of events, models and columns come from the configuration, whatever the events hold."""
    known = {
        "model": {"credit"},
        "version": {"3"},
        "segment": {""},
        "column": {column.name for column in profile().columns},
        "topic": {deployed.source, deployed.topic("summaries")},
        "reason": {*REASONS, TOMBSTONE, EMPTY},
    }
    for family in text_string_to_metric_families(page):
        if family.name in ("driftline_build_info", "python_info"):
            continue  # versions of programs
        for sample in family.samples:
            strange = {name: text for name, text in sample.labels.items() if text not in known.get(name, {text})}
            assert not strange, f"{sample.name}: {strange}"


def _metrics(worker: Worker, deployed: Deployment, outcome: Outcome) -> Outcome:
    """Read the counters of the topic."""
    found: dict[str, Counter[str]] = {name: Counter() for name in ("events", "skipped", "dead_letters")}
    for line in worker.page("/metrics").splitlines():
        name = re.match(r"driftline_(events|skipped|dead_letters)_total\{", line)
        if name and f'topic="{deployed.source}"' in line:
            reason = re.search(r'reason="(\w+)"', line)
            found[name[1]][reason[1] if reason else ""] += int(float(line.rsplit(" ", 1)[1]))
    outcome.events, outcome.skipped, outcome.dead_letters = found["events"][""], found["skipped"], found["dead_letters"]
    return outcome


def _told(worker: Worker, deployed: Deployment, outcome: Outcome) -> int:
    """How many events are in windows' last revisions or were too late for any."""
    newest: dict[str, tuple[int, int]] = {}
    for record in _read(deployed, "windows"):
        result = json.loads(record.value)
        place = result["id"].rpartition("/")[0]
        newest[place] = max(newest.get(place, (-1, 0)), (result["revision"], result["events"]))
    outcome.windows, outcome.in_windows = len(newest), sum(events for _, events in newest.values())
    outcome.late = int(worker.metric('driftline_late_events_total{model="credit"}') or 0)
    return outcome.in_windows + outcome.late


def _letters(deployed: Deployment, outcome: Outcome) -> None:
    """Where each dead letter came from, and why."""
    for record in _read(deployed, "dead_letters"):
        if record.key.startswith(CLOSED):
            continue
        topic, partition, offset = record.key.decode().rsplit("-", 2)
        assert topic == deployed.source
        ours = dict(record.headers)
        place = int(partition), int(offset)
        outcome.repeated += place in outcome.kept
        outcome.kept[place] = ours["driftline.error.reason"].decode()
        message = ours["driftline.error.message"]
        assert message.decode().isprintable(), message
        outcome.longest_message = max(outcome.longest_message, len(message))


def _read(deployed: Deployment, name: str) -> Iterator[Any]:
    """Every record of a topic of ours up to its present end, one after the other."""
    consumer = KafkaConsumer(bootstrap_servers=deployed.broker.bootstrap, group_id=None)
    try:
        where = [TopicPartition(deployed.topic(name), p) for p in consumer.partitions_for_topic(deployed.topic(name))]
        ends = consumer.end_offsets(where)
        consumer.assign(where)
        consumer.seek_to_beginning(*where)
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=200).values():
                yield from records
    finally:
        consumer.close()


def _memory(worker: Worker) -> dict[str, int]:
    """The worker's resident memory, now and at its highest, in MB."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return {name: int(size) // 1024 for name, size in re.findall(r"(VmHWM|VmRSS):\s+(\d+) kB", status)}


def main() -> None:
    """Start a broker, fuzz, and print what happened. Exits with 1 where anything is not accounted for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        broker = Broker.start(Path(name) / "kafka", fetch_jars())
        try:
            say(f"{asked.messages:,} messages, seed {asked.seed}")
            ledger, outcome = run(broker, Path(name), messages=asked.messages, seed=asked.seed, say=say)
        except AssertionError as error:
            sys.exit(f"not accounted for: {error}")
        finally:
            broker.stop()
    for fate, number in ledger.fates.most_common():
        say(f"{number:>12,}  {fate}")
    say(f"{outcome.windows:,} windows hold {outcome.in_windows:,} events, {outcome.late:,} were late")
    say(f"{len(outcome.kept):,} dead letters, {outcome.repeated:,} of them sent twice")
    say(f"{outcome.seconds:.0f} s from the first record to the last count, one process, no restart")
    say(f"worker: {outcome.rss['VmRSS']} MB at the end, {outcome.rss['VmHWM']} MB at most")
    say(f"{outcome.log_lines} lines in the worker's log")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
