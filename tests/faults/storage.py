"""Rows of the fault matrix that hit what is stored: refused writes, a full disk, lost state, lost logs."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from monitor.pipeline.envelopes import decode
from tests.faults.logs import await_dead_letters
from tests.faults.matrix import row
from tests.faults.trial import Trial
from tests.services.waiting import wait_for

BIG = 32 << 20


@row("F11", "writes to the summaries refused, three times", events=150_000, rate=2_000, supervised=True)
def refused(trial: Trial) -> None:
    """While envelopes cannot be written, no offset moves beyond the blocks that the broker has."""
    trial.start()
    topic = trial.deployed.topic("summaries")
    for _ in trial.moments(3):
        _alter(trial, topic, {"max.message.bytes": "120"})
        trial.note(f"{topic} takes no more than 120 bytes")
        wait_for(lambda: _ended(trial), 90, "the worker to give up")
        before, blocks = _committed(trial), _confirmed_blocks(trial)
        assert all((before[p] or 0) <= blocks[p] for p in before), f"committed {before}, confirmed {blocks}"
        _alter(trial, topic, {"max.message.bytes": "10485760"})
        trial.kills.append(time.time())
        trial.note("repaired")
        trial.look_after()
        trial.bit("refusals that ended a worker", 1)


@row("F12", "the broker's disk full", brokers="small disk", events=60_000, rate=2_000, supervised=True)
def disk_full(trial: Trial) -> None:
    """The broker ends; when there is room again, it comes back with what it had confirmed."""
    trial.start()
    trial.reach(0.3)
    filler = trial.broker.process.log.parent / "filler"
    with suppress(OSError), filler.open("wb") as file:
        while True:
            file.write(b"x" * (1 << 16))
    trial.note("the disk is full")
    wait_for(lambda: trial.broker.process.returncode is not None, 60, "the broker to end")
    filler.unlink()
    trial.broker.start_again()
    trial.kills.append(time.time())
    trial.note("there is room again, and the broker is back")
    trial.bit("full disks", 1)


@row("F13", "the state topic emptied, then a record of it damaged", events=120_000, rate=2_000)
def lost_state(trial: Trial) -> None:
    """Without a checkpoint the summaries are merged again; with a damaged one the worker says what to do."""
    (worker,) = trial.start()
    next(trial.moments(1))
    trial.stop(worker)
    _empty(trial, trial.deployed.topic("state"))
    trial.note("the state topic is emptied")
    worker = trial.worker()
    wait_for(lambda: trial.said("has no checkpoint of it") > 0, 60, "the worker to say so")
    trial.bit("lost checkpoints said", trial.said("has no checkpoint of it"))
    trial.counted(_windows(trial) + 5)
    trial.stop(worker)
    trial.note(f"{_damage(trial)} records of the state topic are damaged")
    with suppress(RuntimeError):  # it may end before its pages answer
        trial.deployed.start_worker()
    worker = trial.deployed.workers[-1]
    wait_for(lambda: worker.process.returncode is not None, 60, "the worker to refuse the damaged state")
    assert worker.process.returncode == 3, worker.process.tail()
    assert "delete the state and the summaries topic" in worker.process.tail(60)
    trial.deployed.workers.remove(worker)
    trial.bit("damage said", 1)
    _empty(trial, trial.deployed.topic("state"))
    trial.note("the state topic is emptied again")
    trial.worker()


@row("F19", "records deleted by retention before they were read", events=100_000, rate=2_000, gaps=True)
def deleted(trial: Trial) -> None:
    """What is gone is said and counted, and windows go on: those that nothing was deleted of are judged, and exact."""
    (worker,) = trial.start()
    trial.reach(0.3)
    trial.stop(worker)
    before = {p: offset or 0 for p, offset in _committed(trial).items()}
    trial.reach(0.7)
    ends = trial.broker.end_offsets(trial.deployed.source)
    until = {p: (before[p] + end) // 2 for p, end in ends.items()}
    _empty(trial, trial.deployed.source, until)
    trial.note(f"deleted up to {until}, committed were {before}")
    trial.load.join(300)
    touched = [start for p, stop in until.items() for start in trial.load.within(p, before[p], stop)]
    trial.excluded, gone = set(touched), len(touched)
    worker = trial.worker()
    lost = f'driftline_records_lost_total{{topic="{trial.deployed.source}"}}'
    wait_for(lambda: worker.metric(lost) == gone, 60, f"{gone} lost records to be counted")
    trial.bit("records lost and said", gone)


@row("F27", "a record of 10 MB, and 150 MB of zeros compressed to 150 KB", events=60_000, rate=2_000)
def bombs(trial: Trial) -> None:
    """They are dead letters; the partition is not stuck, and memory comes back under its bound."""
    _alter(trial, trial.deployed.source, {"max.message.bytes": str(BIG)})
    trial.start()
    producer = KafkaProducer(bootstrap_servers=trial.broker.bootstrap, compression_type="gzip", max_request_size=2**28)
    try:
        for size, _ in zip((10_000_000, 150_000_000), trial.moments(2), strict=True):
            producer.send(trial.deployed.source, b"0" * size, partition=1).get(60)
            trial.note(f"a record of {size:,} bytes")
    finally:
        producer.close()
    await_dead_letters(trial, Counter(too_large=2))
    trial.bit("dead letters", 2)
    trial.note(f"the worker's memory was {trial.peak()} MB at most")


@contextmanager
def small_disk(folder: Path, megabytes: int = 160) -> Iterator[Path]:
    """A file system of its own in memory, as small as that."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _ended(trial: Trial) -> bool:
    return any(worker.process.returncode is not None for worker in trial.deployed.workers)


def _windows(trial: Trial) -> int:
    return sum(trial.broker.end_offsets(trial.deployed.topic("windows")).values())


def _alter(trial: Trial, topic: str, settings: dict[str, str]) -> None:
    admin = KafkaAdminClient(bootstrap_servers=trial.broker.bootstrap)
    try:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=settings)])
    finally:
        admin.close()


def _committed(trial: Trial) -> dict[int, int | None]:
    """The group's offset in each partition of the log."""
    consumer: Any = KafkaConsumer(
        bootstrap_servers=trial.broker.bootstrap, group_id=trial.deployed.name, enable_auto_commit=False
    )
    try:
        return {p: consumer.committed(TopicPartition(trial.deployed.source, p)) for p in range(4)}
    finally:
        consumer.close(autocommit=False)


def _confirmed_blocks(trial: Trial) -> dict[int, int]:
    """Up to which offset of each partition of the log every partition of the summaries has closed blocks."""
    block = trial.deployed.settings["kafka"]["block"]
    reached: dict[tuple[int, int], int] = {}
    for record in trial.broker.records(trial.deployed.topic("summaries")):
        envelope = decode(record.value)
        if envelope.closed:
            where = record.partition, envelope.partition
            reached[where] = max(reached.get(where, 0), (envelope.block + 1) * block)
    return {p: min((end for (_, source), end in reached.items() if source == p), default=0) for p in range(4)}


def _empty(trial: Trial, topic: str, until: dict[int, int] | None = None) -> None:
    """Delete the records of a topic up to these offsets, or all."""
    if until is None:
        _alter(trial, topic, {"cleanup.policy": "compact,delete"})  # else the broker refuses
    admin = KafkaAdminClient(bootstrap_servers=trial.broker.bootstrap)
    ends = until or trial.broker.end_offsets(topic)
    try:
        admin.delete_records({TopicPartition(topic, p): end for p, end in ends.items()})
    finally:
        admin.close()


def _damage(trial: Trial) -> int:
    """Flip a bit in every record of the state topic, as each would be if its disk had."""
    topic, latest = trial.deployed.topic("state"), {}
    for record in trial.broker.records(topic):
        latest[record.partition, record.key] = record.value
    producer = KafkaProducer(bootstrap_servers=trial.broker.bootstrap)
    try:
        damaged = {where: value for where, value in latest.items() if value}
        for (partition, key), value in damaged.items():
            producer.send(topic, value[:-1] + bytes([value[-1] ^ 1]), key=key, partition=partition)
        producer.flush(30)
    finally:
        producer.close()
    return len(damaged)
