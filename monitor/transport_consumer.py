"""Faust's consumer, made to hand on one batch per fetched partition and to commit only what was confirmed.

Faust's own tracker commits past unprocessed messages in several ways, so acknowledgements are off and no message is
tracked: `confirm` is all there is. Like `transport_fetch` this overrides private methods of one pinned version.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers.aiokafka import Consumer
from faust.types import ConsumerMessage

from monitor.errors import DriftlineError
from monitor.transport_fetch import FetchThread, Reading
from monitor.transport_ranges import Batch, Check, Partition, Ranges

logger = logging.getLogger(__name__)

PATIENCE = 0.8  # share of the request timeout after which we give up: at the full timeout Faust goes quiet for ever
HANDOVER = 5.0  # seconds that a rebalance may wait for the last commit of what was confirmed


class _NoReadOffsets(dict[Any, Any]):
    """Faust drops what lies before the offset it read last; with readings that is our business, so it knows none."""

    def __getitem__(self, tp: Any) -> None:
        return None

    def __setitem__(self, tp: Any, offset: Any) -> None:
        """Forget it."""


class BatchConsumer(Consumer):
    """One message per batch; a committed offset moves by `confirm` alone."""

    app: Any  # a BatchApp
    _thread: FetchThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_offset = _NoReadOffsets()
        self._ranges = Ranges()
        self._readings: dict[Partition, Reading] = {}
        self._confirmed: dict[Partition, int] = {}
        self._count = 0

    # What agents use.

    @property
    def readings(self) -> dict[Partition, Reading]:
        """The partitions that we own, with the generation and the position from which each is read."""
        return dict(self._readings)

    def check(self, batch: Batch) -> Check:
        """Whether a batch follows on the last one; see `Ranges`."""
        return self._ranges.check(batch)

    def reached(self, tp: Any) -> int | None:
        """Up to where the agents have accepted the partition's batches; None where it is not ours."""
        return self._ranges.position(Partition(*tp))

    def log_ends(self, *, max_age: float = 5.0) -> dict[Partition, int]:
        """Each partition's log end, open transactions included; a partition is left out whose end is not known."""
        ends = {Partition(*tp): end for tp, end in self._thread.log_ends(max_age).items()}
        return {tp: end for tp, end in ends.items() if tp in self._readings}

    def confirm(self, tp: Any, next_offset: int) -> bool:
        """Let the committed offset move to `next_offset`, at the next commit; returns whether it will.

        Ignored, because each is what a rebalance leaves behind and none does harm: a partition that is not ours, an
        offset not above the one confirmed last, and one beyond what was accepted in this assignment.
        """
        tp = Partition(*tp)
        reached = self._ranges.position(tp)
        if reached is None or next_offset > reached or next_offset <= self._confirmed.get(tp, -1):
            return False
        self._confirmed[tp] = next_offset
        return True

    async def settle(self, tp: Any, next_offset: int) -> None:
        """Confirm, and commit at once: after a crash the next owner begins here, not where the last timer left off."""
        if self.confirm(tp, next_offset) and not await self.commit({ensure_TP(tp)}):
            await self.commit({ensure_TP(tp)})  # another commit was under way, and may have begun before

    async def reread(self, tp: Any, offset: int) -> int | None:
        """Read a partition again from `offset`, or from the log's start where that is gone; returns the position.

        None where the partition is no longer ours. Batches that were fetched before are stale from now on.
        """
        tp = Partition(*tp)
        before = self._readings.get(tp)
        if before is None:
            return None
        with suppress(KafkaError, asyncio.TimeoutError):  # unknown bounds: the next jump asks for them again
            _, first, last = (await self._thread.call_thread(self._thread.bounds, [TopicPartition(*tp)]))[tp]
            offset = min(max(offset, first), max(last, first))
        if self._readings.get(tp) is not before:
            return None
        try:
            await self._begin({tp: self._reading(before.generation, offset)})
        except IllegalStateError:
            return None
        return offset

    def discard(self) -> None:
        """Close the loop of a driver's thread that was never started, which Faust forgets after a failed start."""
        if not self._thread._thread_started.is_set():
            self._thread.thread_loop.close()

    # What Faust calls.

    def _new_consumer_thread(self) -> FetchThread:
        return FetchThread(self, loop=self.loop, beacon=self.beacon)

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Refuses topics that were not declared with `BatchApp.batches`: their agents expect records, not batches."""
        wanted = set(topics)
        if strangers := sorted(wanted - self.app.batched):
            raise DriftlineError(
                f"topics {', '.join(strangers)}: expected only batched topics ({', '.join(sorted(self.app.batched))}); "
                "declare what an agent reads with app.batches(name), and use no tables and no replies"
            )
        await super().subscribe(wanted)

    async def perform_seek(self) -> None:
        """Begin a reading of every partition; Faust asks for it at each assignment, before records may flow."""
        tps = [TopicPartition(*tp) for tp in self.assignment()]
        generation = self.app.consumer_generation_id
        if not tps:
            return
        try:
            patience = self.app.conf.broker_request_timeout * PATIENCE
            bounds = await asyncio.wait_for(self._thread.call_thread(self._thread.bounds, tps), patience)
        except (TimeoutError, KafkaError) as error:
            await self.crash(error)
            raise
        readings = {}
        for tp, (committed, first, last) in bounds.items():
            if committed is not None and committed > last:
                logger.error(
                    "%s[%d] ends at %d, before the committed offset %d: is it a new topic?", *tp, last, committed
                )
            start = first if committed is None or committed > last else committed
            readings[Partition(*tp)] = self._reading(generation, max(self.app.start_of(*tp, start, first), first))
            self._committed_offset[tp] = committed
        await self._begin(readings)

    def _reading(self, generation: int, start: int) -> Reading:
        self._count += 1
        return Reading(self._count, generation, start)

    async def _begin(self, readings: dict[Partition, Reading]) -> None:
        for tp, reading in readings.items():
            self._readings[tp] = reading
            self._ranges.begin(tp, reading=reading.number, start=reading.start)
        ready = {TopicPartition(*tp): reading for tp, reading in readings.items()}
        await self._thread.call_thread(self._thread.begin, ready)

    async def on_partitions_revoked(self, revoked: Any) -> None:
        """Commit what was confirmed while we still may, then forget the partitions."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.commit(), HANDOVER)
        self._buffered_partitions.difference_update(revoked)
        for tp in revoked:
            self._confirmed.pop(Partition(*tp), None)
            self._readings.pop(Partition(*tp), None)
            self._ranges.end(Partition(*tp))
        await super().on_partitions_revoked(revoked)

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:
        """Faust's own sleeps for a second while every partition is full, and seeks when the flow was stopped."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow.wait())
        active = self._get_active_partitions()
        batches = await self._getmany(active, timeout)
        return (batches if self.flow_active else None), active

    def on_buffer_drop(self, tp: Any) -> None:
        super().on_buffer_drop(tp)
        self._thread.wake()

    def _to_message(self, tp: Any, batch: Batch) -> Any:
        last = batch.records[-1].timestamp / 1000 if batch.records else 0.0
        value: Any = batch  # Faust expects bytes, but its raw codec hands on whatever it gets
        message = ConsumerMessage(
            batch.topic, batch.partition, max(batch.stop - 1, 0), last, 0, [], None, value, None, tp=ensure_TP(tp)
        )
        message.generation_id = batch.generation
        return message

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[Any]:
        named = [ensure_TP(tp) for tp in self._confirmed]
        return (tp for tp in named if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: Any) -> int | None:
        return self._confirmed.get(Partition(*tp))

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Nothing: Faust's own alarm mistakes rare commits for a hanging agent."""
