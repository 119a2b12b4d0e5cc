"""The agent `merge` around its pure part: envelopes in, results confirmed, checkpoints, then the offset moves.

batch ── merge.apply ── results, triggers confirmed ── checkpoint due? ── items, marker confirmed ── offset confirmed
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from monitor import incoming
from monitor.config import Config, Reference
from monitor.delivery import Outgoing, Sender, deliver
from monitor.drift.profiles import Profile
from monitor.drift.windows import Windows
from monitor.incoming import Incoming
from monitor.liveness import Standstill
from monitor.logs.contract import Target
from monitor.merge_progress import Progress
from monitor.metrics import Metrics
from monitor.pipeline import assemble, envelopes, results
from monitor.pipeline.checkpoints import Checkpoints, Record, restore
from monitor.pipeline.envelopes import Envelope
from monitor.pipeline.fragments import Joiner
from monitor.pipeline.merge import Late, Merge, Output, Tally
from monitor.pipeline.results import EpisodeEvent, Result
from monitor.pipeline.state import State, dump, load
from monitor.transport import Batch, Partition
from monitor.triggers.dispatch import Dispatcher

logger = logging.getLogger(__name__)

ReadState = Callable[[int], Awaitable[list[Record]]]


@dataclass(slots=True)
class _Merging:
    """A summaries partition while we own it. `whole` is False while results of its state may not be published yet."""

    merge: Merge
    checkpoints: Checkpoints
    generation: int
    progress: Progress
    counted: Tally = field(default_factory=Tally)
    joiner: Joiner = field(default_factory=Joiner)
    waiting: int | None = None  # the first fragment that waits, after what was applied last: it is in no checkpoint
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
        self._profiles = _profiles(config)
        self._turn = asyncio.Event()  # the configuration changed, or a partition was lost
        self._restoring: dict[int, float] = {}  # since when a checkpoint is being read

    async def begin(self, batch: Batch) -> int | None:
        """Restore a partition under a new assignment; returns the offset from which to read, None: from the start."""
        partition = batch.partition
        self._restoring[partition] = time.monotonic()
        records = await self._read_state(partition)
        self._restoring.pop(partition, None)
        self._dispatcher.restore(partition, records)
        restored = restore(record for record in records if not self._dispatcher.owns(record.key))
        state = load(restored.items) if restored else State()
        held = {key[:3] for key in state.panes}
        merge = assemble.merge(self._config, state)
        for model, version, reference in sorted(held - {key[:3] for key in state.panes}):
            logger.error(
                "model %r version %r: open windows of reference %s are dropped, because it is configured no more; "
                "list a reference until its last window has retired",
                *(model, version, reference),
            )
        stale = restored.keys if restored else []
        reached = restored.offset if restored else batch.start
        self._partitions[partition] = _Merging(
            merge, Checkpoints(uuid4().hex, stale=stale), batch.generation, Progress(reached)
        )
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
        profile = self._profiles.get((last.model, last.version, last.reference))
        if profile is not None:
            self._metrics.restore(last, profile)

    async def reconfigure(self, config: Config) -> None:
        """Go on under another configuration. What the old one has published is written down before."""
        self._config, self._profiles = config, _profiles(config)
        for partition, merging in list(self._partitions.items()):
            async with merging.lock:
                if not self._current(partition, merging):
                    continue
                await self._checkpoint(partition, merging, now=True)
                merging.merge = assemble.merge(config, merging.merge.state)
                merging.counted, merging.changed = Tally(), True
        self._wake()

    def holds(self, model: str, version: str, reference: Reference) -> bool:
        """Whether windows of a reference may still be published or revised here."""
        name = Target(reference.profile, Windows(1, 1), reference.since).reference
        return any(merging.merge.holds(model, version, name) for merging in self._partitions.values())

    @property
    def watermark(self) -> int | None:
        """How far windows are closed here (event time, UTC ms)."""
        marks = [merging.merge.state.watermark for merging in self._partitions.values()]
        return max((mark for mark in marks if mark is not None), default=None)

    def _wake(self) -> None:
        self._turn.set()
        self._turn = asyncio.Event()

    def drop(self, partition: int, *, partitions: int) -> None:
        """Forget a partition that was lost, and no longer show the models that live in it."""
        self._partitions.pop(partition, None)
        self._restoring.pop(partition, None)
        self._wake()
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
        read = [told for record in batch.records if (told := incoming.read(merging.joiner, record)) is not None]
        await self._until_known(batch.partition, merging, [told.envelope for told in read])
        async with merging.lock:
            if not self._current(batch.partition, merging):
                return None
            began = time.monotonic()
            merging.whole = False  # until all that follows from it is confirmed: a failure must not be checkpointed
            merging.waiting = merging.joiner.first
            outputs = [output for told in read for output in self._apply(merging, told)]
            merging.merge.state.offset = max(merging.merge.state.offset, batch.stop)
            await self._publish(batch.partition, outputs)
            if not self._current(batch.partition, merging):
                return None
            merging.changed = merging.whole = True
            merging.progress.merged(batch.stop)
            self._dispatcher.start(batch.partition)
            for output in outputs:
                self._note(output, began)
            self._report(merging)
            urgent = any(isinstance(output, EpisodeEvent) for output in outputs)
            return await self._checkpoint(batch.partition, merging, now=urgent)

    def _current(self, partition: int, merging: _Merging) -> bool:
        return self._partitions.get(partition) is merging

    async def _until_known(self, partition: int, merging: _Merging, read: Sequence[Envelope]) -> None:
        """Wait while a batch has counts on a reference that only a newer configuration knows: they must not be lost."""
        while self._current(partition, merging):
            ahead = next(filter(None, map(merging.merge.ahead, read)), None)
            if ahead is None:
                break
            merging.progress.ahead = why = (
                f"there are counts of model {ahead.model!r} version {ahead.version!r} on a reference that this "
                "worker's configuration does not have; give it the same file as the others, and SIGHUP"
            )
            logger.warning("%s[%d]: %s", self._config.kafka.topics.summaries, partition, why)
            await self._turn.wait()
        merging.progress.ahead = None

    def _apply(self, merging: _Merging, told: Incoming) -> list[Output]:
        envelope = told.envelope
        merging.progress.heard[envelope.topic, envelope.partition] = time.monotonic()
        return merging.merge.apply(envelope, offset=told.offset, generation=told.generation)

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
            profile = self._profiles.get((output.model, output.version, output.reference))
            if profile is not None:  # else its model was removed from the configuration meanwhile
                self._metrics.window(output, profile)
            self._metrics.pipeline.close_delay(time.monotonic() - began)
        elif isinstance(output, Late):
            self._metrics.pipeline.late(output.model, output.events)

    def _report(self, merging: _Merging) -> None:
        """What merge saw since the last report."""
        tally, before = merging.merge.tally, merging.counted
        superseded = tally.superseded - before.superseded
        self._metrics.pipeline.merged(
            repeats=tally.repeats - before.repeats, holes=tally.holes - before.holes, superseded=superseded
        )
        if superseded:
            logger.error(
                "events were counted on a reference after the next one had come into force, so windows of both are too "
                "small: a worker has an old configuration; give every worker the same file, and SIGHUP"
            )
        merging.counted = replace(tally)
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
        offset = merging.merge.state.offset if merging.waiting is None else merging.waiting
        plan = merging.checkpoints.plan(dump(merging.merge.state), offset=offset)
        for step in (plan.items, [plan.marker], plan.useless):
            await deliver(self._sender, (self._state(partition, record) for record in step))
        await deliver(self._sender, self._dispatcher.settled(partition))
        merging.changed, merging.due = False, time.monotonic() + self._config.kafka.checkpoint / 1000
        self._metrics.pipeline.checkpoint(time.monotonic() - began)
        return offset

    def at(self, log_ends: Mapping[Partition, int]) -> None:
        """Note where the summaries end, and which blocks are missing."""
        topic = self._config.kafka.topics.summaries
        for partition, merging in self._partitions.items():
            merging.progress.at(log_ends.get(Partition(topic, partition)), merging.merge.state.sources)

    def standstills(self) -> Iterator[Standstill]:
        """What waits here and does not move, from the first second on."""
        topic, quiet = self._config.kafka.topics.summaries, self._config.clock.idle / 1000
        for partition, since in self._restoring.items():
            seconds = time.monotonic() - since
            text = f"{topic}[{partition}]: its checkpoint in {self._config.kafka.topics.state} is being read"
            yield Standstill("merge", topic, partition, seconds, f"{text} for {seconds:.0f} s")
        for partition, merging in self._partitions.items():
            yield from merging.progress.standstills(topic, partition, merging.merge.state.sources, quiet=quiet)

    def _state(self, partition: int, record: Record) -> Outgoing:
        return Outgoing(self._config.kafka.topics.state, record.key, record.value, partition)


def _profiles(config: Config) -> dict[tuple[str, str, str], Profile]:
    """Every reference profile, by model, version and fingerprint."""
    return {
        (model.name, version, reference.profile.fingerprint): reference.profile
        for model in config.models
        for version in model.versions
        for reference in model.references(version)
    }
