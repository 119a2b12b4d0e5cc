"""Sending to Kafka such that an offset moves only after the broker has what the offset stands for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes]]


class Outgoing(NamedTuple):
    """A record to be sent; a `partition` of None leaves the choice to the key."""

    topic: str
    key: bytes
    value: bytes | None
    partition: int | None = None
    headers: Headers = ()


class Sender(Protocol):
    """Hands records to the broker."""

    async def send(self, record: Outgoing) -> Awaitable[Any]:
        """Queue the record; what comes back is done when the broker has confirmed it, and raises where it has not."""
        ...


async def deliver(sender: Sender, records: Iterable[Outgoing]) -> int:
    """Send records in order and wait until every one is confirmed; returns how many. Raises what delivery raised."""
    waiting = [asyncio.ensure_future(await sender.send(record)) for record in records]
    if waiting:
        await asyncio.gather(*waiting)
    return len(waiting)


class FaustSender:
    """The producer of a Faust app."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def send(self, record: Outgoing) -> Awaitable[Any]:
        """Queue the record with the app's producer."""
        sent: Awaitable[Any] = await self._app.producer.send(
            record.topic, record.key, record.value, record.partition, None, list(record.headers)
        )
        return sent
