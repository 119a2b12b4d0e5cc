"""The agent `merge` around its pure part: envelopes in, results confirmed, checkpoints, then the offset moves.

batch ── merge.apply ── results, triggers confirmed ── checkpoint due? ── items, marker confirmed ── offset confirmed
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from monitor.config import Config
from monitor.delivery import Outgoing, Sender, deliver
from monitor.errors import DriftlineError
from monitor.metrics import Metrics
from monitor.pipeline import assemble, envelopes, fragments, results
from monitor.pipeline.checkpoints import Checkpoints, Record, restore
from monitor.pipeline.fragments import Joiner
from monitor.pipeline.merge import Late, Merge, Output, Tally
from monitor.pipeline.results import EpisodeEvent, Result
from monitor.pipeline.state import State, dump, load
from monitor.summarising import GENERATION
from monitor.transport import Batch
from monitor.triggers.dispatch import Dispatcher

logger = logging.getLogger(__name__)

ReadState = Callable[[int], Awaitable[list[Record]]]


@dataclass(slots=True)
class _Merging:
    """A summaries partition while we own it. `whole` is False while results of its state may not be published yet."""

    merge: Merge
    checkpoints: Checkpoints
    generation: int
    counted: Tally = field(default_factory=Tally)
    joiner: Joiner = field(default_factory=Joiner)
    changed: bool = False
    whole: bool = True
    due: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Merging:
    """Merges what its summaries partitions bring. `read_state` reads a partition of the state topic to its end."""

    def __init__(
        self, config: Config, sender: Sender, metrics: Metrics, dispatcher: Dispatcher, *, read_state: ReadState
    ) -> None:
        self._config, self._sender, self._metrics, self._dispatcher = config, sender, metrics, dispatcher
        self._read_state = read_state
        self._partitions: dict[int, _Merging] = {}
        self._profiles = {key: target.profile for key, target in assemble.targets(config).items()}

    async def begin(self, batch: Batch) -> int | None:
        """Restore a partition under a new assignment; returns the offset from which to read, None: from the start."""
        partition = batch.partition
        records = await self._read_state(partition)
        self._dispatcher.restore(partition, records)
        restored = restore(record for record in records if not self._dispatcher.owns(record.key))
        merge = assemble.merge(self._config, load(restored.items) if restored else State())
        stale = restored.keys if restored else []
        self._partitions[partition] = _Merging(merge, Checkpoints(uuid4().hex, stale=stale), batch.generation)
        for series in merge.state.series.values():
            if series.last is not None:
                self._restore(series.last)
        logger.info(
            "merge of summaries partition %d goes on from offset %s",
            partition,
            restored.offset if restored else "the start",
        )
        return restored.offset if restored else None

    def _restore(self, last: Result) -> None:
        """Show a model's last window again, unless model or reference are configured no more."""
        profile = self._profiles.get((last.model, last.version))
        if profile is not None and profile.fingerprint == last.reference:
            self._metrics.restore(last, profile)

    def drop(self, partition: int, *, partitions: int) -> None:
        """Forget a partition that was lost, and no longer show the models that live in it."""
        self._partitions.pop(partition, None)
        self._dispatcher.drop(partition)
        names = [model.name for model in self._config.models]
        self._metrics.forget(name for name in names if envelopes.partition_of(name, partitions) == partition)

    def reads(self, batch: Batch) -> bool:
        """Whether the partition is being merged under the batch's assignment; else it has to begin."""
        merging = self._partitions.get(batch.partition)
        return merging is not None and merging.generation == batch.generation

    async def take(self, batch: Batch) -> int | None:
        """Merge a batch; returns the offset that a checkpoint made safe, if one was due.

        Where the partition is lost meanwhile, nothing of it is shown or written any more: the next owner does it all.
        """
        merging = self._partitions[batch.partition]
        async with merging.lock:
            if not self._current(batch.partition, merging):
                return None
            began = time.monotonic()
            merging.whole = False  # until all that follows from it is confirmed: a failure must not be checkpointed
            outputs = [output for record in batch.records for output in self._apply(merging, record)]
            merging.merge.state.offset = max(merging.merge.state.offset, batch.stop)
            await self._publish(batch.partition, outputs)
            if not self._current(batch.partition, merging):
                return None
            merging.changed = merging.whole = True
            self._dispatcher.start(batch.partition)
            for output in outputs:
                self._note(output, began)
            self._report(merging)
            urgent = any(isinstance(output, EpisodeEvent) for output in outputs)
            return await self._checkpoint(batch.partition, merging, now=urgent)

    def _current(self, partition: int, merging: _Merging) -> bool:
        return self._partitions.get(partition) is merging

    def _apply(self, merging: _Merging, record: object) -> list[Output]:
        try:
            headers = dict(record.headers)  # type: ignore[attr-defined]  # the driver's own record
            generation = int(headers.get(GENERATION, b"0"))
            data = _joined(merging.joiner, record, headers.get(fragments.HEADER), generation)
            if data is None:
                return []
            envelope = envelopes.decode(data)
        except (DriftlineError, ValueError) as error:
            logger.error("summaries offset %d is no envelope and was left out: %s", record.offset, error)  # type: ignore[attr-defined]
            return []
        return merging.merge.apply(envelope, offset=record.offset, generation=generation)  # type: ignore[attr-defined]

    async def _publish(self, partition: int, outputs: Iterable[Output]) -> None:
        """Have results and triggers confirmed; webhooks are called later, by the dispatcher."""
        topics, records = self._config.kafka.topics, []
        for output in outputs:
            if isinstance(output, Result):
                records.append(Outgoing(topics.windows, output.id.encode(), results.encode(output)))
            elif isinstance(output, EpisodeEvent):
                records += self._dispatcher.take(partition, output)
        await deliver(self._sender, records)

    def _note(self, output: Output, began: float) -> None:
        if isinstance(output, Result):
            self._metrics.window(output, self._profiles[output.model, output.version])
            self._metrics.pipeline.close_delay(time.monotonic() - began)
        elif isinstance(output, Late):
            self._metrics.pipeline.late(output.model, output.events)

    def _report(self, merging: _Merging) -> None:
        """What merge saw since the last report."""
        tally, before = merging.merge.tally, merging.counted
        self._metrics.pipeline.merged(repeats=tally.repeats - before.repeats, holes=tally.holes - before.holes)
        merging.counted = Tally(tally.repeats, tally.holes, tally.strangers)
        self._metrics.pipeline.progress("merge", time.time())

    async def checkpoint(self, *, now: bool = False) -> dict[int, int]:
        """Write the checkpoints that are due (or all, `now`); returns the offsets that this made safe."""
        safe = {}
        for partition, merging in list(self._partitions.items()):
            async with merging.lock:
                current = self._current(partition, merging)
                offset = await self._checkpoint(partition, merging, now=now) if current else None
            if offset is not None:
                safe[partition] = offset
        return safe

    async def _checkpoint(self, partition: int, merging: _Merging, *, now: bool) -> int | None:
        began = time.monotonic()
        if not merging.changed or not merging.whole or (began < merging.due and not now):
            return None
        first = merging.joiner.first
        offset = merging.merge.state.offset if first is None else first  # fragments that wait are in no checkpoint
        plan = merging.checkpoints.plan(dump(merging.merge.state), offset=offset)
        for step in (plan.items, [plan.marker], plan.useless):
            await deliver(self._sender, (self._state(partition, record) for record in step))
        await deliver(self._sender, self._dispatcher.settled(partition))
        merging.changed, merging.due = False, time.monotonic() + self._config.kafka.checkpoint / 1000
        self._metrics.pipeline.checkpoint(time.monotonic() - began)
        return offset

    def _state(self, partition: int, record: Record) -> Outgoing:
        return Outgoing(self._config.kafka.topics.state, record.key, record.value, partition)


def _joined(joiner: Joiner, record: Any, fragment: bytes | None, generation: int) -> bytes | None:
    """The envelope in a record or, where that brings its last fragment, in several; None while others are missing."""
    source, value = record.key or b"", record.value or b""
    if fragment is None:
        joiner.passed(source, offset=record.offset, generation=generation)
        return value
    piece = fragments.read(fragment, value)
    return joiner.take(source, piece, offset=record.offset, generation=generation)
