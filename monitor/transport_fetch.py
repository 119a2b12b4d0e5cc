"""The driver's thread: aiokafka's fetch, cut into batches that know the positions they cover.

aiokafka lives in a thread of its own under Faust; `FetchThread` is what we add to it. Methods whose name begins with an
underscore override private ones of faust-streaming 0.15.3 and use private ones of aiokafka 0.14.0, which are pinned for
that reason; `tests/test_transport.py` fails when one of them changes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError, IllegalStateError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode import Service

from monitor.transport_ranges import Batch
from monitor.transport_records import tolerate_in_aiokafka

FETCH_BYTES = 1024 * 1024  # of all partitions in one answer; the driver holds three copies of it for a moment
FETCH_WAIT_MS = 250  # Faust's 1,500 would keep a partition that has news waiting behind others that have none


@dataclass(frozen=True, slots=True)
class Reading:
    """A partition is read from `start` on, under the group's `generation`."""

    number: int
    generation: int
    start: int


@dataclass(slots=True)
class _Fetching:
    """The same as the driver's thread knows it, tied to the driver's own object for the assignment."""

    reading: Reading
    assignment: Any
    announced: bool = False


class FetchThread(AIOKafkaConsumerThread):
    """The driver, in its own thread."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._fetching: dict[Any, _Fetching] = {}
        self._waiter: asyncio.Future[None] | None = None

    def _create_worker_consumer(self, transport: Any) -> Any:
        tolerate_in_aiokafka()
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # Faust offers it only together with its own transactions
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._fetch_max_bytes = FETCH_BYTES
        return consumer

    @Service.task
    async def _watch_driver(self) -> None:
        """Break down when the driver has: its tasks may end, and Faust would wait for an assignment for ever."""
        while not self.should_stop:
            await self.sleep(1.0)
            if (reason := self._driver_error()) is not None:
                asyncio.run_coroutine_threadsafe(self.consumer.crash(reason), self.parent_loop)
                return

    def _driver_error(self) -> BaseException | None:
        coordinator, fetcher = self._ensure_consumer()._coordinator, self._ensure_consumer()._fetcher
        for task in (coordinator._coordination_task, fetcher._fetch_task):
            if task.done() and not task.cancelled() and task.exception() is not None:
                return task.exception()  # type: ignore[no-any-return]  # the driver is not typed
        return coordinator._pending_exception  # type: ignore[no-any-return]  # such as a missing permission

    async def begin(self, readings: Mapping[Any, Reading]) -> None:
        """Seek each partition to the start of its reading, in one step that no fetch can come between.

        Raises IllegalStateError where the group has moved on, which to Faust means that another rebalance is under way.
        """
        consumer = self._ensure_consumer()
        subscription = consumer._subscription.subscription
        current = None if subscription is None or subscription._reassignment_in_progress else subscription.assignment
        for tp, reading in readings.items():
            if current is None or tp not in current.tps or reading.generation != consumer._coordinator.generation:
                raise IllegalStateError(f"{tp.topic}[{tp.partition}] is not ours in generation {reading.generation}")
        for tp, reading in readings.items():
            consumer.seek(tp, reading.start)
            self._fetching[tp] = _Fetching(reading, current)
        self._awake()

    async def bounds(self, tps: Iterable[Any]) -> dict[Any, tuple[int | None, int, int]]:
        """The committed offset, the log's start and its end, of each partition."""
        consumer, wanted = self._ensure_consumer(), list(tps)
        committed = await consumer._coordinator.fetch_committed_offsets(wanted)
        first = await consumer.beginning_offsets(wanted)
        last = await consumer.end_offsets(wanted)
        offsets = {tp: committed[tp].offset if tp in committed else -1 for tp in wanted}
        return {tp: (None if offsets[tp] < 0 else offsets[tp], first[tp], last[tp]) for tp in wanted}

    def log_ends(self, max_age: float) -> dict[Any, int]:
        """Each partition's end as the broker told it at most `max_age` seconds ago, whether or not it had news."""
        consumer, oldest, ends = self._consumer, (time.time() - max_age) * 1000, {}
        for tp, fetching in list(self._fetching.items()):
            state = fetching.assignment.state_value(tp)
            active = consumer is not None and fetching.assignment.active
            if active and state.highwater is not None and (state.timestamp or 0) >= oldest:
                ends[tp] = state.highwater
        return ends

    def wake(self) -> None:
        """Let a waiting fetch look again which partitions are wanted; for the other thread."""
        with suppress(RuntimeError):  # the loop is closed: we are stopping
            self.thread_loop.call_soon_threadsafe(self._awake)

    def _awake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, timeout: float | None = None, max_records: int | None = None
    ) -> dict[Any, list[Batch]]:
        """Batches instead of records, as soon as there are any; at most `max_records` records in all."""
        fetcher, until = consumer._fetcher, time.monotonic() + (timeout or 0)
        with fetcher._subscriptions.fetch_context():
            while self.consumer.flow_active:
                if consumer._closed or fetcher._closed:
                    raise ConsumerStoppedError
                batches = await self._drain(fetcher, active_partitions, max_records or 1)
                left = until - time.monotonic()
                if batches or left <= 0:
                    return batches
                self._waiter = waiter = fetcher._create_fetch_waiter()
                await asyncio.wait([waiter], timeout=left)
                if waiter.done():
                    waiter.result()  # raises what the group's coordinator found, such as a missing permission
                else:
                    waiter.cancel()
        return {}

    async def _drain(self, fetcher: Any, active: Any, max_records: int) -> dict[Any, list[Batch]]:
        """Take what was fetched, without waiting: the driver must not move a position while we read it."""
        batches: dict[Any, list[Batch]] = {}
        for tp, fetching in self._fetching.items():
            if not fetching.announced and tp in active and self._is_current(fetcher, fetching):
                batches[tp] = [_batch(tp, fetching, fetching.reading.start, fetching.reading.start, [])]
                fetching.announced = True
        for tp in list(fetcher._records):
            known, result = self._fetching.get(tp), fetcher._records[tp]
            if known is None or tp not in active or not self._is_current(fetcher, known):
                continue
            if isinstance(result, FetchResult):
                if result.has_more():
                    # Else the driver would build a second object per record, a third of the whole cost.
                    result._partition_records._consumer_record = _as_it_is
            elif batches:
                break  # an error: raised by the next fetch, so that what was taken is not lost
            state = known.assignment.state_value(tp)
            start = state.position if state.has_valid_position else None
            records = (await fetcher.fetched_records({tp}, timeout=0, max_records=max_records)).get(tp, [])
            if start is not None and state.has_valid_position and state.position > start:
                batches.setdefault(tp, []).append(_batch(tp, known, start, state.position, records))
            max_records -= len(records)
            if max_records <= 0:
                break
        return batches

    def _is_current(self, fetcher: Any, fetching: _Fetching) -> bool:
        """Whether the partition is still assigned as it was when its reading began."""
        subscriptions = fetcher._subscriptions
        subscription = subscriptions.subscription
        return (
            subscription is not None
            and not subscriptions.reassignment_in_progress
            and fetching.assignment is subscription.assignment
        )


def _as_it_is(tp: Any, record: Any) -> Any:
    return record


def _batch(tp: Any, fetching: _Fetching, start: int, stop: int, records: list[Any]) -> Batch:
    reading, end = fetching.reading, fetching.assignment.state_value(tp).highwater
    return Batch(tp.topic, tp.partition, start, stop, reading.generation, reading.number, records, end)
