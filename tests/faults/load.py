"""A producer that writes down what the broker confirmed: the ledger against which everything is judged."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.faults.events import Template
from tests.services.kafka import Broker

PARTITIONS = 4
CLOSER = "close"  # the id of events that close windows and are no load
TICK = 0.05  # seconds between two batches of a partition
OUTSTANDING = 64  # batches that may wait for their confirmation


@dataclass
class Load:
    """Events for all partitions at a rate, in a thread of its own. Event time runs `speed` times as fast as ours.

    `ledger` counts confirmed events by window (start, ms) and template; `doubtful` are events whose fate is unknown.
    """

    broker: Broker
    topic: str
    templates: list[Template]
    seed: int
    events: int
    rate: int
    base: int  # event time of the first event, ms
    size: int  # of a window, ms
    speed: float = 1.0
    disorder: int = 0  # ms by which event times are shuffled
    partitions: int = PARTITIONS  # that are written to
    transactions: bool = False  # every tick is a transaction; a third of them are aborted
    places: list[tuple[int, int, list[tuple[int, int]]]] = field(default_factory=list)  # partition, offset, batch
    ledger: Counter[tuple[int, int]] = field(default_factory=Counter)
    confirmed: int = 0
    doubtful: int = 0
    aborted: int = 0
    failure: BaseException | None = None

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    @property
    def end(self) -> int:
        """An event time that all events lie before."""
        return self.base + int(self.events / self.rate * 1000 * self.speed) + self.disorder + 1

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write no more, and wait until what was written is confirmed."""
        self._stop.set()
        self.join(180)

    def join(self, deadline: float) -> None:
        """Wait until everything is written. Raises what went wrong."""
        self._thread.join(deadline)
        if self._thread.is_alive():
            raise TimeoutError(f"the load has not ended after {deadline:g} s: {self.confirmed} of {self.events}")
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            asyncio.run(self._produce())
        except BaseException as error:
            self.failure = error

    async def _produce(self) -> None:
        name = f"load-{self.topic}" if self.transactions else None
        producer = AIOKafkaProducer(
            bootstrap_servers=self.broker.bootstrap,
            enable_idempotence=True,
            request_timeout_ms=20_000,
            transactional_id=name,
            max_batch_size=1 << 20,
        )
        self._turns = [asyncio.Lock() for _ in range(self.partitions)]
        await producer.start()
        try:
            await (self._by_transactions(producer) if self.transactions else self._by_batches(producer))
        finally:
            await producer.stop()

    async def _by_batches(self, producer: AIOKafkaProducer) -> None:
        began, sent, waiting = time.monotonic(), 0, set[asyncio.Task[None]]()
        while sent < self.events and not self._stop.is_set():
            for partition in range(self.partitions):
                task = asyncio.create_task(self._send(producer, partition, sent))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
                sent += self._batch
            await asyncio.sleep(max(began + sent / self.rate - time.monotonic(), 0))
            while len(waiting) > OUTSTANDING:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if waiting:
            await asyncio.wait(waiting)

    @property
    def _batch(self) -> int:
        return max(int(self.rate * TICK / self.partitions), 1)

    async def _send(self, producer: AIOKafkaProducer, partition: int, first: int) -> None:
        """Send a batch and write down what became of it; the driver repeats it, and the broker drops the repeats."""
        builder, made = producer.create_batch(), self._draw(first)
        for number, (template, when) in enumerate(made):
            event = self.templates[template].event(f"{partition}-{first + number}", when)
            builder.append(timestamp=None, key=None, value=event)
        builder.close()
        try:
            async with self._turns[partition]:  # else a slow broker would have them overtake each other: late events
                sending = await producer.send_batch(builder, self.topic, partition=partition)
            sent = await sending
        except KafkaError:
            self.doubtful += len(made)
            return
        self.places.append((partition, sent.offset, made))
        self._confirm(made)

    async def _by_transactions(self, producer: AIOKafkaProducer) -> None:
        began, sent = time.monotonic(), 0
        while sent < self.events and not self._stop.is_set():
            commits = self._rng.random() > 1 / 3
            await producer.begin_transaction()
            made, futures = [], []
            for partition in range(self.partitions):
                drawn = self._draw(sent)
                made += drawn
                for number, (template, when) in enumerate(drawn):
                    event = self.templates[template].event(f"{partition}-{sent + number}", when)
                    futures.append(await producer.send(self.topic, event, partition=partition))
                sent += self._batch
            await asyncio.gather(*futures)
            if commits:
                await producer.commit_transaction()
                self._confirm(made)
            else:
                await producer.abort_transaction()
                self.aborted += len(made)
            await asyncio.sleep(max(began + sent / self.rate - time.monotonic(), 0))

    def _draw(self, first: int) -> list[tuple[int, int]]:
        """A batch of templates with their event times."""
        made = []
        for number in range(first, first + self._batch):
            when = self.base + int(number / self.rate * 1000 * self.speed)
            when += self._rng.randint(0, self.disorder) if self.disorder else 0
            made.append((self._rng.randrange(len(self.templates)), when))
        return made

    def _confirm(self, made: list[tuple[int, int]]) -> None:
        self.confirmed += len(made)
        for template, when in made:
            self.ledger[when - when % self.size, template] += 1

    def within(self, partition: int, start: int, stop: int) -> list[int]:
        """The window (start, ms) of each event at these offsets."""
        return [
            when - when % self.size
            for where, offset, made in self.places
            for number, (_, when) in enumerate(made)
            if where == partition and start <= offset + number < stop
        ]

    def settle(self) -> None:
        """Where batches are in doubt, take the ledger from the log itself: it is the truth, and says each id once."""
        if not self.doubtful:
            return
        by_body = {(t.head, t.tail): number for number, t in enumerate(self.templates)}
        ledger: Counter[tuple[int, int]] = Counter()
        for record in self.broker.records(self.topic, deadline=120):
            event = json.loads(record.value)
            number = by_body.get(_parts(record.value))
            if number is not None and event["id"] != CLOSER:
                ledger[event["time"] - event["time"] % self.size, number] += 1
        missing = self.ledger - ledger
        if missing:
            raise AssertionError(f"the broker lost {missing.total()} events that it had confirmed")
        self.ledger = ledger


def _parts(event: bytes) -> tuple[bytes, bytes]:
    """What of an event is its template's: before the id, and after the time."""
    head, _, rest = event.partition(b'"id":')
    _, _, rest = rest.partition(b'"time":')
    _, _, tail = rest.partition(b",")
    return head, tail
