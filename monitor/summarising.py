"""The agent `summarise` around its pure part: batches in, confirmed envelopes out, then the offset moves.

batch ── counted ── dead letters confirmed ── block full? ── closed envelopes confirmed ── offset confirmed
                               └── flush timer ── snapshot of what changed ─┘ (never moves an offset)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from monitor import deadletters
from monitor.config import Config
from monitor.delivery import Outgoing, Sender, deliver
from monitor.liveness import Standstill
from monitor.logs.contract import Counted, Rejected, note_unknown
from monitor.metrics_pipeline import Kind, Pipeline
from monitor.pipeline import assemble, fragments
from monitor.pipeline.envelopes import Envelope, encode
from monitor.pipeline.summarise import SourcePartition
from monitor.transport import Batch, Partition

logger = logging.getLogger(__name__)

GENERATION = "driftline.generation"
OVERHEAD = 1_024  # bytes of a record of the summaries beside its value: key, headers, the batch around it
FLUSH_SHARE = 25  # a flush may take a 25th of the time between two of them
LONGEST_PAUSE = 5.0  # seconds: a broker that was slow to answer must not keep windows open for minutes afterwards


@dataclass(slots=True)
class _Reading:
    """A source partition while we own it. Times are monotonic seconds; the log's end is None where it is not known."""

    source: SourcePartition
    number: int
    generation: int
    moved: float  # when it last counted something, or stood at the log's end
    at_end_since: float
    untold: float | None = None  # since when it has counted something that the broker has not confirmed
    log_end: int | None = None
    latest: int | None = None
    reread: bool = True  # its open block may have been read before, by somebody else or under another configuration
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # a block is not counted while it is told of

    @property
    def lag(self) -> int:
        """Records that wait, as far as is known."""
        return 0 if self.log_end is None else max(self.log_end - self.source.end, 0)

    def idle(self, now: float, patience: int) -> int | None:
        """For how long (ms) it has stood at the log's end, if longer than `patience`; a lagging one never is."""
        quiet = int((now - self.at_end_since) * 1000)
        at_end = self.log_end is not None and self.source.end >= self.log_end
        return quiet if at_end and quiet >= patience else None


class Summarising:
    """Counts what its source partitions bring. `partitions_of` tells how many partitions a topic has.

    largest: bytes that a record of the summaries topic may have; a longer envelope goes in fragments.
    """

    def __init__(
        self, config: Config, sender: Sender, metrics: Pipeline, *, partitions_of: Callable[[str], int], largest: int
    ) -> None:
        self._config, self._sender, self._metrics, self._partitions_of = config, sender, metrics, partitions_of
        self._largest = max(largest - OVERHEAD, 1)
        self._decoder = assemble.decoder(config)
        self._readings: dict[tuple[str, int], _Reading] = {}
        self._unknown: dict[tuple[str, str], set[str]] = {}
        self._next_flush, self._pause = 0.0, config.kafka.flush / 1000
        self.reached: int | None = None  # the latest event time in blocks that were closed here and are not read again

    def begin(self, batch: Batch, *, since: int | None = None) -> None:
        """Read a partition from the batch's start, which is a block's or the log's; what was open is dropped.

        since: the block's start that should have been read from, where the log no longer reaches back to it. What was
        deleted is said, and its offsets count as offsets without a record, or windows would wait for them for ever.
        """
        start = batch.start if since is None else since
        if start < batch.start:
            self._metrics.records_lost(batch.topic, batch.start - start)
            logger.error(
                "%s[%d]: offsets %d to %d were deleted before they were counted, and their windows are too small; "
                "lengthen the topic's retention",
                *(*batch.tp, start, batch.start - 1),
            )
        source = assemble.source_partition(
            self._config,
            batch.topic,
            batch.partition,
            of=self._partitions_of(batch.topic),
            start=start,
            decoder=self._decoder,
            summaries=self._partitions_of(self._config.kafka.topics.summaries),
        )
        now = time.monotonic()
        self._readings[batch.tp] = _Reading(source, batch.reading, batch.generation, moved=now, at_end_since=now)

    def drop(self, topic: str, partition: int) -> None:
        """Forget a partition that was lost, or whose block has to be read again."""
        self._readings.pop((topic, partition), None)
        self._metrics.partition_lost(topic, partition)

    def reads(self, batch: Batch) -> bool:
        """Whether the batch belongs to what is being read; else its reading has to begin."""
        reading = self._readings.get(batch.tp)
        return reading is not None and reading.number == batch.reading

    async def take(self, batch: Batch) -> AsyncIterator[int]:
        """Count a batch; each time a block is safe with the broker, the offset that is not, yet.

        Stops where the partition is lost meanwhile: the next owner reads the open block again from its start.
        """
        reading = self._readings[batch.tp]
        source = reading.source
        offsets = [record.offset for record in batch.records]
        for first, last, reached in assemble.pieces(offsets, batch.stop, source):
            records = batch.records[first:last]
            async with reading.lock:
                if not self._current(reading):
                    return
                counted = source.add([r.value for r in records], [r.timestamp for r in records], stop=reached)
                reading.moved = reading.at_end_since = time.monotonic()
                reading.untold = reading.untold or reading.moved
                reading.latest = _later(reading.latest, counted.latest)
                await self._report(reading, records, counted)
                if not source.full or not self._current(reading):
                    continue
                await self._close(reading)
                self.reached = _later(self.reached, reading.latest)
            if self._current(reading):
                yield reached

    def _current(self, reading: _Reading) -> bool:
        return self._readings.get((reading.source.topic, reading.source.partition)) is reading

    async def _report(self, reading: _Reading, records: Sequence[Any], counted: Counted) -> None:
        """Count what happened, and have the dead letters confirmed."""
        topic = reading.source.topic
        self._metrics.counted(topic, counted.events, counted.skipped)
        note_unknown(self._unknown, counted.unknown_columns)
        for (model, version), names in self._unknown.items():
            self._metrics.unknown_columns(model, version, len(names))
        letters, target = [], self._config.kafka.topics.dead_letters
        for rejected in counted.rejected:
            self._metrics.dead_letter(topic, rejected.reason)
            letter = _letter(reading.source, self._name(reading), records[rejected.index], rejected)
            letters.append(Outgoing(target, letter.key, letter.value, None, letter.headers))
        await deliver(self._sender, letters)

    async def _close(self, reading: _Reading) -> None:
        """Send the full block, then say that its letters are for good, if it has or may have had any."""
        source = reading.source
        sealed = source.seal()
        await self._emit(sealed, reading, kind="closed")
        if reading.reread or sealed[0].rejected:
            block = sealed[0]
            note = deadletters.closed(source.topic, source.partition, block.start, block.end, self._name(reading))
            await deliver(self._sender, [Outgoing(self._config.kafka.topics.dead_letters, note.key, note.value)])
        reading.reread = False

    def _name(self, reading: _Reading) -> str:
        """Tells a reading of a block from others of the same."""
        return f"{reading.generation}/{self._config.epoch}"

    def at(self, log_ends: Mapping[Partition, int]) -> None:
        """Note where the logs end; behind an end that is not known nothing is idle and nothing has caught up.

        The stage's progress is that of the partition which stands still the longest: what the others do hides nothing.
        """
        now = time.monotonic()
        for (topic, partition), reading in self._readings.items():
            end = log_ends.get(Partition(topic, partition))
            reading.log_end = reading.log_end if end is None else end
            if end is None or reading.source.end < end:
                reading.at_end_since = now
            else:
                reading.moved = now
            self._metrics.partition(topic, partition, lag=reading.lag, latest=reading.latest)
        self._metrics.progress(
            "summarise", time.time() - max((now - r.moved for r in self._readings.values()), default=0)
        )

    def standstills(self) -> Iterator[Standstill]:
        """Partitions in which records wait, or counts for the broker to confirm them, from the first second on."""
        now = time.monotonic()
        for (topic, partition), reading in self._readings.items():
            if reading.lag:
                seconds = now - reading.moved
                text = f"{topic}[{partition}]: {reading.lag:,} records wait, none counted for {seconds:.0f} s"
                yield Standstill("summarise", topic, partition, seconds, text)
            if reading.untold is not None:
                seconds = now - reading.untold - self._pause
                text = f"{topic}[{partition}]: what was counted is not confirmed by the broker for {seconds:.0f} s"
                yield Standstill("summarise", topic, partition, seconds, text)

    def reconfigure(self, config: Config) -> dict[Partition, int]:
        """Count what begins from now on under another configuration; returns where to read again for that."""
        self._config, self._decoder = config, assemble.decoder(config)
        return {Partition(*where): reading.source.start for where, reading in self._readings.items()}

    async def flush(self, *, force: bool = False) -> None:
        """Send snapshots of what changed, and tell which partitions are idle; rarer where flushing is slow."""
        began = time.monotonic()
        if began < self._next_flush and not force:
            return
        for reading in list(self._readings.values()):
            async with reading.lock:
                if self._current(reading):
                    await self._tell(reading)
        work = min((time.monotonic() - began) * FLUSH_SHARE, LONGEST_PAUSE)
        self._pause = max(self._config.kafka.flush / 1000, work)
        self._next_flush = began + self._pause

    async def _tell(self, reading: _Reading) -> None:
        """Send what is new of a partition, be it only that it is idle."""
        source = reading.source
        idle = reading.idle(time.monotonic(), self._config.clock.idle)
        self._metrics.partition(source.topic, source.partition, idle=idle is not None)
        if source.snapshot_due or idle is not None:
            kind: Kind = "snapshot" if idle is None else "idle"
            await self._emit(source.snapshot(idle=idle), reading, kind=kind)

    async def _emit(self, envelopes: list[Envelope], reading: _Reading, *, kind: Kind) -> None:
        """Send an envelope to each partition of the summaries topic and wait until the broker has them all."""
        topic = self._config.kafka.topics.summaries
        headers, records = [(GENERATION, str(reading.generation).encode())], []
        key = f"{envelopes[0].topic}-{envelopes[0].partition}".encode()
        for i, envelope in enumerate(envelopes):
            data = encode(envelope)
            if len(data) <= self._largest:
                records.append(Outgoing(topic, key, data, i, headers))
                continue
            for piece in fragments.split(data, self._largest):
                records.append(Outgoing(topic, key, piece.data, i, [*headers, (fragments.HEADER, piece.header)]))
        await deliver(self._sender, records)
        reading.untold = None
        self._metrics.envelope(kind)


def _later(a: int | None, b: int | None) -> int | None:
    return max((time for time in (a, b) if time is not None), default=None)


def _letter(source: SourcePartition, reading: str, record: Any, rejected: Rejected) -> deadletters.DeadLetter:
    return deadletters.record(
        topic=source.topic,
        partition=source.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        reading=reading,
        stage="decode",
        reason=rejected.reason,
        message=rejected.message,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
