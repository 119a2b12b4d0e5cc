"""A broker for the benchmarks, a worker beside it with the product's own defaults, and logs that appear all at once."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer

from monitor.config import Kafka
from monitor.drift import profiles
from monitor.drift.profiles import Profile
from tests.services.deployment import Deployment, Worker
from tests.services.jars import fetch_jars
from tests.services.kafka import Broker
from tests.services.waiting import wait_for

PARTITIONS = 4
BATCH = 250  # events of a producer's batch: 150 kB, what a busy producer sends
PATIENCE = 300.0  # seconds


@contextmanager
def started_broker() -> Iterator[Broker]:
    """A real broker on loopback, with fresh data."""
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker.start(Path(folder), fetch_jars(), properties={"transaction.max.timeout.ms": "900000"})
        try:
            yield broker
        finally:
            broker.stop()


@contextmanager
def deployed(
    broker: Broker, references: Sequence[Profile], *, window: Mapping[str, str], stagger: int = 0
) -> Iterator[Deployment]:
    """Models on topics of their own, by the defaults of the product (the tests use smaller blocks).

    stagger: milliseconds by which each model's windows begin later than those of the model before it.
    """
    defaults = Kafka()
    names = ("flush", "checkpoint", "session_timeout")
    plain = {name: f"{getattr(defaults, name)}ms" for name in names} | {"block": defaults.block}
    models = [
        {
            "name": profile.model,
            "versions": {profile.version: f"{profile.model}.json"},
            "window": {**window, "offset": f"{i * stagger}ms"},
        }
        for i, profile in enumerate(references)
    ]
    with tempfile.TemporaryDirectory() as folder:
        for profile in references:
            (Path(folder) / f"{profile.model}.json").write_bytes(profiles.encode(profile))
        settings = {"models": models, "kafka": plain}
        deployment = Deployment(broker, Path(folder), f"bench-{uuid.uuid4().hex[:8]}", settings)
        try:
            yield deployment
        finally:
            deployment.stop()


def start_worker(deployment: Deployment, *, runner: Sequence[str] = ("monitor.cli",)) -> Worker:
    """A worker (or what the module `runner` makes of it) that owns every partition and waits for events."""
    worker = deployment.start_worker(runner=runner)
    owned = f'driftline_partitions_owned{{topic="{deployment.source}"}}'
    wait_for(lambda: worker.metric(owned) == PARTITIONS, PATIENCE, "the worker to own all partitions")
    worker.process.wait_until(lambda: worker.page("/readyz"), PATIENCE, "the worker to be ready")
    return worker


@contextmanager
def hidden(broker: Broker, topic: str, events: Sequence[bytes]) -> Iterator[None]:
    """Write events in a transaction that ends with the block: until then no worker can see them.

    So a worker's start can be told from its work, and the whole log is there when its work begins.
    """
    with asyncio.Runner() as runner:
        producer = runner.run(_written(broker.bootstrap, topic, events))
        try:
            yield
            runner.run(producer.commit_transaction())
        finally:
            runner.run(producer.stop())


async def _written(bootstrap: str, topic: str, events: Sequence[bytes]) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=uuid.uuid4().hex,
        transaction_timeout_ms=900_000,
        max_batch_size=1 << 20,
    )
    await producer.start()
    await producer.begin_transaction()
    sent, now = [], int(time.time() * 1000)
    for start in range(0, len(events), BATCH * PARTITIONS):
        spread = events[start : start + BATCH * PARTITIONS]
        for partition in range(PARTITIONS):
            batch = producer.create_batch()
            for value in itertools.islice(spread, partition, None, PARTITIONS):
                batch.append(key=None, value=value, timestamp=now)
            if batch.record_count():
                sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)
    return producer
