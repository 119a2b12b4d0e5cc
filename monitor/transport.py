"""Kafka through Faust, a batch at a time: what an agent gets is one `Batch` per fetched partition.

    app = new_app("driftline", ["localhost:9092"], session_timeout=10.0)   # inside the running loop

    @app.agent(app.batches("predictions"))
    async def summarise(stream):
        async for event in stream.events():
            batch = event.value
            match app.consumer.check(batch).verdict:
                case Verdict.STALE: continue              # fetched before the last seek
                case Verdict.JUMP:                        # something is missing: never take it for a gap
                    await app.consumer.reread(batch.tp, start_of_the_open_block)
                    continue
            ...                                           # count, send, await the delivery reports
            app.consumer.confirm(batch.tp, next_offset)   # only this moves the committed offset

    await run(app, stop)                                  # until the event `stop` is set, by our own signal handler

`run` starts the app in our loop, without `faust.Worker`: that would take over signals, logging and standard output.
It returns once the group was left, and no task or thread of Faust's is left behind. While the app stops,
`app.on_before_shutdown` is sent after fetching has ended and before agents and producer stop: there an agent's last
results are sent and confirmed, and the consumer commits them afterwards.

Each assignment and each seek begins a *reading*, at a position that we choose (`app.start_of`), and its first batch is
empty, so that an agent hears of partitions where nothing arrives. See `monitor.transport_ranges`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import faust
from faust.transport.drivers import aiokafka as driver

from monitor.errors import DriftlineError, OutsideError
from monitor.transport_consumer import BatchConsumer
from monitor.transport_fetch import Reading
from monitor.transport_ranges import Batch, Check, Partition, Ranges, Record, Verdict

__all__ = [
    "Batch",
    "BatchApp",
    "BatchConsumer",
    "BatchTransport",
    "Check",
    "Partition",
    "Ranges",
    "Reading",
    "Record",
    "Verdict",
    "new_app",
    "run",
]

MIB = 1024 * 1024
StartOf = Callable[[str, int, int, int], int]


class BatchTransport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = BatchConsumer


class _Settings(faust.Settings):
    """What the code says: Faust lets environment variables such as BROKER_URL or WEB_ENABLED overrule it."""

    def getenv(self, env_name: str) -> None:
        return None


class BatchApp(faust.App):
    """A Faust app whose agents get batches. `start_of` may move the position at which an assignment begins."""

    Settings = _Settings
    consumer: BatchConsumer  # narrower than Faust's property, which makes it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.batched: set[str] = set()
        # Of topic, partition, committed offset and the log's start, which is beyond it where records were deleted.
        self.start_of: StartOf = lambda topic, partition, offset, log_start: offset

    def batches(self, name: str) -> Any:
        """A topic to read: its events hold a `Batch`. Faust acknowledges nothing of it."""
        self.batched.add(name)
        return self.topic(name, key_serializer="raw", value_serializer="raw", acks=False)

    def Table(self, *args: Any, **kwargs: Any) -> Any:
        """Refused: a changelog is read record by record."""
        raise DriftlineError("BatchApp: expected no tables, got one; keep state in the agent and checkpoint it")

    SetTable = GlobalTable = SetGlobalTable = Table

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        """None: we keep nothing on disk, and the file system may be read-only."""

    def _on_rebalance_when_stopped(self) -> None:
        """Nothing: Faust would close the driver from the wrong thread; we are about to leave the group."""


def new_app(
    group: str,
    brokers: Sequence[str],
    *,
    session_timeout: float = 10.0,
    max_poll_records: int = 10_000,
    commit_interval: float = 1.0,
    **settings: Any,
) -> BatchApp:
    """An app that reads from the earliest record on, committed records only; `settings` are Faust's, and win.

    Times in seconds. A fetch brings at most `max_poll_records` records, and about eight batches wait per topic.
    """
    defaults: dict[str, Any] = {
        "broker": [f"kafka://{broker}" for broker in brokers],
        "broker_client_id": "driftline",
        "broker_session_timeout": session_timeout,
        "broker_heartbeat_interval": session_timeout / 5,
        "broker_request_timeout": max(session_timeout * 2, 30.0),
        "broker_commit_interval": commit_interval,
        "broker_commit_every": None,
        "broker_max_poll_records": max_poll_records,
        "key_serializer": "raw",  # records are bytes to Faust: it has a codec for pickle, which no topic shall choose
        "value_serializer": "raw",
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": 8 * MIB,
        "stream_buffer_maxsize": 8,
        "stream_wait_empty": False,
        # Else Faust's assignor, which gives all topics with the same number of partitions to the same few workers.
        "table_standby_replicas": 0,
        "store": "memory://",
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": False,
    }
    return BatchApp(group, **(defaults | settings))


async def run(app: BatchApp, stop: asyncio.Event) -> None:
    """Run the app until `stop` is set, then leave the group. Raises OutsideError when it broke down by itself."""
    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(stop.wait())
    breaking = asyncio.create_task(app._crashed.wait())  # Faust's own way to wait for it leaves tasks behind
    try:
        await asyncio.wait({starting, stopping, breaking}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done() or starting.exception() is None:
            await asyncio.wait({stopping, breaking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await app.stop()
        app.consumer.discard()
        for task in (stopping, breaking):
            task.cancel()
        outcomes = await asyncio.gather(starting, stopping, breaking, return_exceptions=True)
    if reason := app.crash_reason or outcomes[0]:
        raise OutsideError(f"Kafka: the consumer of group {app.conf.id!r} broke down: {reason!r}") from reason
