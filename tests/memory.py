"""A stand-in for Kafka in memory: topics that take records, a producer that can be slow or die, and their reader."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from monitor.delivery import Headers, Outgoing
from monitor.pipeline.checkpoints import Record
from monitor.transport import Batch


class Killed(Exception):
    """The process has died; nothing that it does afterwards reaches a topic."""


class Read(NamedTuple):
    """A record as the driver gives it."""

    offset: int
    value: bytes | None
    headers: Headers = ()
    key: bytes | None = None
    timestamp: int = -1
    timestamp_type: int = 0


@dataclass
class Topics:
    """Topics by name, each with its records in order."""

    records: defaultdict[str, list[Outgoing]] = field(default_factory=lambda: defaultdict(list))

    def state(self, topic: str, partition: int = 0) -> list[Record]:
        return [Record(r.key, r.value) for r in self.records[topic] if r.partition == partition]


@dataclass
class Producer:
    """A process's producer. It dies after `lives` records; with `slow`, nothing is confirmed before `confirm`."""

    topics: Topics
    lives: float = float("inf")
    slow: bool = False
    sent: int = 0
    unconfirmed: list[asyncio.Future[None]] = field(default_factory=list)

    async def send(self, record: Outgoing) -> Awaitable[Any]:
        await asyncio.sleep(0)  # whatever else can run does so between any two records
        if self.sent >= self.lives:
            raise Killed
        self.sent += 1
        self.topics.records[record.topic].append(record)
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unconfirmed.append(confirmed)
        if not self.slow:
            self.confirm()
        return confirmed

    def confirm(self) -> None:
        """The broker has everything that was sent."""
        for future in self.unconfirmed:
            if not future.done():
                future.set_result(None)
        self.unconfirmed.clear()


def batch(topic: str, records: Sequence[Read], *, start: int, reading: int = 1, generation: int = 1) -> Batch:
    """A batch of records that follow on each other from `start` on, as one fetch brings it."""
    stop = start + len(records)
    return Batch(topic, 0, start, stop, generation, reading, records, stop)
