"""The state topic lost, cut short, damaged, or written by a newer version, under a real worker on a real broker.

A worker that cannot know its state says what to do and ends with 3, or computes again what the summaries still hold and
says what that means. It never goes on with a wrong state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer

from monitor.pipeline.checkpoints import seal, unseal
from monitor.triggers.dispatch import LEDGER
from tests.services.deployment import Deployment, driftline
from tests.services.kafka import Broker
from tests.services.small import ENOUGH, SECOND, deployment, past, window
from tests.services.waiting import wait_for

STEP = 2 * SECOND
Change = Callable[[bytes], bytes | None]


@pytest.fixture
def stopped(broker: Broker, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment whose worker has published two windows, written its state down, and stopped."""
    deployed = deployment(broker, tmp_path, idle="10m")
    worker = deployed.start_worker()
    start = past()
    for i in range(3):
        deployed.produce(window(start + i * STEP, n=ENOUGH if i < 2 else 4))
    deployed.wait_for_windows(2, 20)
    assert worker.process.stop() == 0
    deployed.workers.clear()
    yield deployed
    deployed.stop()


def state(deployed: Deployment) -> list[Any]:
    """The newest record of each key of the state topic, without tombstones and the ledger."""
    newest = {(r.partition, r.key): r for r in deployed.broker.records(deployed.topic("state"))}
    return [r for r in newest.values() if r.value is not None and not r.key.startswith(LEDGER)]


def rewrite(deployed: Deployment, change: Change, *, only: bytes = b"") -> None:
    """Write the records anew whose key holds `only`."""
    producer = KafkaProducer(bootstrap_servers=deployed.broker.bootstrap)
    try:
        for record in state(deployed):
            if only in record.key:
                producer.send(
                    deployed.topic("state"), key=record.key, value=change(record.value), partition=record.partition
                )
        producer.flush(30)
    finally:
        producer.close()


def flipped(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1])


def newer(value: bytes) -> bytes:
    """The record as a version to come may write it."""
    return seal(msgspec.msgpack.encode([99, *msgspec.msgpack.decode(unseal(value))[1:]]))


@pytest.mark.parametrize(
    ("change", "only", "words"),
    [
        (flipped, b"pane", ["a record's checksum does not match its content", "count everything again"]),
        (lambda value: value[:7], b"marker", ["a record's checksum does not match", "count everything again"]),
        (lambda value: None, b"series", ["of them are there", "count everything again"]),
        (newer, b"", ["written in format 99", "run the version that wrote it", "count everything again"]),
    ],
    ids=["a flipped bit", "a record cut short", "a record deleted", "a newer version"],
)
def test_a_worker_that_cannot_read_its_state_ends_with_3_and_says_what_to_do(
    stopped: Deployment, change: Change, only: bytes, words: list[str]
) -> None:
    before = stopped.windows()
    rewrite(stopped, change, only=only)
    worker = stopped.start_worker()
    wait_for(lambda: worker.process.returncode is not None, 30, "the worker to end")
    said = worker.process.log.read_text()
    assert worker.process.returncode == 3
    assert [word for word in words if word not in said] == []
    assert "start it again" not in said
    stopped.workers.clear()
    assert stopped.windows() == before


def make_anew(deployed: Deployment, topic: str) -> None:
    """Delete a topic and let `driftline topics create` make it again, as the page on operations says."""
    admin = KafkaAdminClient(bootstrap_servers=deployed.broker.bootstrap)
    try:
        admin.delete_topics([topic])
        wait_for(lambda: topic not in admin.list_topics(), 30, f"{topic} to be gone")
    finally:
        admin.close()
    driftline("topics", "create", "--config", deployed.config)


def test_a_worker_whose_state_is_gone_says_so_and_publishes_the_same_again(stopped: Deployment) -> None:
    before, sent = stopped.windows(), sum(stopped.broker.end_offsets(stopped.topic("windows")).values())
    make_anew(stopped, stopped.topic("state"))
    worker = stopped.start_worker()
    published = stopped.topic("windows")
    wait_for(
        lambda: sum(stopped.broker.end_offsets(published).values()) >= 2 * sent, 30, "the windows to be sent again"
    )
    assert stopped.windows() == before
    said = worker.process.log.read_text()
    assert f"{stopped.topic('state')} has no checkpoint of it" in said
    assert "windows of which that is only a part come out too small" in said
