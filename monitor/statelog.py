"""Reads one partition of a topic from its beginning to its present end: how `merge` finds its checkpoint."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from monitor import access
from monitor.config import Kafka
from monitor.errors import OutsideError
from monitor.pipeline.checkpoints import Record

SILENCE = 30.0  # seconds without a record before reading is given up


async def read_partition(kafka: Kafka, topic: str, partition: int) -> list[Record]:
    """What compaction would leave of the partition: each key's last record, without those that are tombstones.

    The log may be many times as long before it is compacted; memory holds what counts of it and one answer of the
    broker. Raises OutsideError where the broker does not give it.
    """
    where = TopicPartition(topic, partition)
    # The driver looks up where to begin by itself as soon as it has a partition. Were that the log's end, as is its
    # default, then the answer might come after our seek and win: the checkpoint would be passed over.
    consumer = AIOKafkaConsumer(
        **access.options(kafka),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=1 << 20,
    )
    try:
        await consumer.start()
        consumer.assign([where])
        stop = (await consumer.end_offsets([where]))[where]
        latest: dict[bytes, bytes] = {}
        while await consumer.position(where) < stop:
            fetched = await asyncio.wait_for(consumer.getmany(where, timeout_ms=1_000, max_records=500), SILENCE)
            for record in fetched.get(where, []):
                if record.value is None:
                    latest.pop(record.key, None)
                elif record.key is not None:
                    latest[record.key] = record.value
        return [Record(key, value) for key, value in latest.items()]
    except (KafkaError, TimeoutError) as error:
        raise OutsideError(
            f"{topic}[{partition}] cannot be read: {error!r}; is the broker there, and the topic?"
        ) from error
    finally:
        await consumer.stop()
