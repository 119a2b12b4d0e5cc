"""A reader of batches as a worker's agent is one, and what its tests do to the broker."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient
from kafka import TopicPartition as AdminPartition

from monitor.transport import Batch, BatchApp, Verdict, new_app, run
from tests.services.kafka import Broker

NewTopic = Callable[..., str]
SESSION = 20.0  # longer than any wait below: what happens sooner happened because a member left, not because it died


class Reader:
    """What an agent of a worker does, without counting: check, keep, confirm when told to."""

    def __init__(self, broker: Broker, topic: str, group: str, *, confirm: bool = False, **settings: Any) -> None:
        self.app: BatchApp = new_app(group, [broker.bootstrap], session_timeout=SESSION, **settings)
        self.batches: list[Batch] = []
        self.verdicts: list[Verdict] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._confirm = confirm

        @self.app.agent(self.app.batches(topic))
        async def read(stream: Any) -> None:
            async for event in stream.events():
                await self.gate.wait()
                await self._take(event.value)

    async def _take(self, batch: Batch) -> None:
        verdict, expected, _ = self.app.consumer.check(batch)
        self.verdicts.append(verdict)
        if verdict is Verdict.JUMP:
            await self.app.consumer.reread(batch.tp, expected)
        if verdict is Verdict.ACCEPT:
            self.batches.append(batch)
            if self._confirm:
                self.app.consumer.confirm(batch.tp, batch.stop)

    @property
    def owned(self) -> set[int]:
        return {tp.partition for tp in self.app.consumer.readings}

    def reached(self, ends: dict[int, int], topic: str) -> bool:
        return all(self.app.consumer.reached((topic, p)) == end for p, end in ends.items())

    def values(self) -> list[bytes | None]:
        return [record.value for batch in self.batches for record in batch.records]


@asynccontextmanager
async def running(reader: Reader) -> AsyncIterator[Reader]:
    """Run the reader's app as the worker does, and leave the group at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(reader.app, stop))
    try:
        yield reader
    finally:
        stop.set()
        await task


def covered(batches: list[Batch], partition: int) -> list[int]:
    """Every position that the batches cover, in the order in which they came."""
    ranges = [range(batch.start, batch.stop) for batch in batches if batch.partition == partition]
    return [position for positions in ranges for position in positions]


async def committed(broker: Broker, topic: str, group: str, partition: int = 0) -> int | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(TopicPartition(topic, partition))
        return offset
    finally:
        await consumer.stop()


async def transactions(broker: Broker, topic: str, *steps: tuple[int, bool]) -> list[bytes]:
    """Write transactions of so many records, committed or not; returns the values that were committed."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=f"writer-{topic}")
    await producer.start()
    kept: list[bytes] = []
    try:
        for number, (records, commits) in enumerate(steps):
            await producer.begin_transaction()
            values = [b"%d-%d" % (number, i) for i in range(records)]
            await asyncio.gather(*[await producer.send(topic, value, partition=0) for value in values])
            await (producer.commit_transaction() if commits else producer.abort_transaction())
            kept += values if commits else []
    finally:
        await producer.stop()
    return kept


async def send(broker: Broker, topic: str, values: list[bytes], partition: int | None = None) -> None:
    await asyncio.to_thread(broker.send, topic, values, partition=partition)


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test, and see that Faust leaves neither a task nor a thread behind."""

    def wrapper(broker: Broker, new_topic: NewTopic) -> None:
        before = set(threading.enumerate())

        async def whole() -> set[asyncio.Task[Any]]:
            await test(broker, new_topic)
            return asyncio.all_tasks() - {asyncio.current_task()}

        assert asyncio.run(whole()) == set()
        left = {thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("asyncio_")}
        assert left == set()

    wrapper.__name__ = test.__name__
    return wrapper


def delete_before(broker: Broker, topic: str, offset: int, *, partition: int = 0) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    try:
        admin.delete_records({AdminPartition(topic, partition): offset})
    finally:
        admin.close()


async def produce_until(stop: asyncio.Event, broker: Broker, topic: str, sent: list[int]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, linger_ms=5)
    await producer.start()
    try:
        while not stop.is_set():
            for partition in range(4):
                await asyncio.gather(*[await producer.send(topic, b"x" * 100, partition=partition) for _ in range(25)])
                sent[partition] += 25
            await asyncio.sleep(0.01)
    finally:
        await producer.stop()
