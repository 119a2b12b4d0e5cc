"""A long log in little time: batches of many records, compressed, one after the other to each partition."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaProducer

from tests.services.kafka import Broker

BATCH = 1_000  # records


def produce_backlog(
    broker: Broker, topic: str, batches: Iterable[Sequence[bytes]], *, partitions: Sequence[int] = range(4)
) -> int:
    """Send every batch to every partition, all confirmed; returns how many records that made."""
    return asyncio.run(_produce(broker.bootstrap, topic, batches, partitions))


async def _produce(bootstrap: str, topic: str, batches: Iterable[Sequence[bytes]], partitions: Sequence[int]) -> int:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_batch_size=1 << 20, compression_type="gzip"
    )
    await producer.start()
    total = 0
    try:
        for events in batches:
            waiting = []
            for partition in partitions:
                batch = producer.create_batch()
                for event in events:
                    if batch.append(key=None, value=event, timestamp=None) is None:
                        raise ValueError(f"{len(events)} events are more than a batch holds; make batches smaller")
                waiting.append(await producer.send_batch(batch, topic, partition=partition))
                total += len(events)
            await asyncio.gather(*waiting)
    finally:
        await producer.stop()
    return total
