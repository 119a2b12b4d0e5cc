"""From a configuration to the parts of the pipeline, the same for a worker and for one process without a broker."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.config import Config, Model
from monitor.drift.stretches import Like, judged_by
from monitor.logs.contract import Counted, Target
from monitor.logs.json import JsonDecoder
from monitor.pipeline.compare import Comparison
from monitor.pipeline.envelopes import Envelope, decode, encode
from monitor.pipeline.merge import Merge, Output
from monitor.pipeline.state import State
from monitor.pipeline.summarise import SourcePartition


@dataclass(frozen=True, slots=True)
class LogBatch:
    """Records of one source partition in order; `stop` is the next offset. Timestamps are the broker's, in ms."""

    topic: str
    partition: int
    values: Sequence[bytes | None]
    timestamps: Sequence[int] | None
    offsets: Sequence[int]
    stop: int


ENDED = 2**53  # idle for longer than any log is long: nothing more will come


def targets(config: Config) -> dict[tuple[str, str], Target]:
    """What is monitored, by model and version."""
    return {(model.name, version): _target(model, version) for model in config.models for version in model.versions}


def _target(model: Model, version: str) -> Target:
    """The version's first reference, which knows those that follow it."""
    target: Target | None = None
    for reference in reversed(model.references(version)):
        segmentations = model.segmentations(reference.profile)
        target = Target(reference.profile, model.windows, reference.since, target, segmentations)
    assert target is not None  # a version has at least one reference
    return target


def decoder(config: Config) -> JsonDecoder:
    """The decoder of the configured models' events."""
    kafka = config.kafka
    return JsonDecoder(
        targets(config), max_future=config.clock.max_future, max_bytes=kafka.event, max_panes=kafka.panes
    )


def source_partition(
    config: Config, topic: str, partition: int, *, of: int, start: int, decoder: JsonDecoder, summaries: int
) -> SourcePartition:
    """A source partition (one `of` many) read from `start`, for a summaries topic of `summaries` partitions."""
    return SourcePartition(
        topic,
        partition,
        partitions=of,
        start=start,
        size=config.kafka.block,
        epoch=config.epoch,
        decoder=decoder,
        summaries=summaries,
    )


def block_start(config: Config, offset: int, log_start: int) -> int:
    """Where the block of an offset begins, or the log, where that is later."""
    return max(offset // config.kafka.block * config.kafka.block, log_start)


def merge(config: Config, state: State | None = None, *, topics: Collection[str] | None = None) -> Merge:
    """The state machine for the configured models; `topics` are the logs that it reads, by default the configured."""
    comparisons = {
        (model.name, version, target.reference): _comparison(config, model, target)
        for model in config.models
        for version in model.versions
        for target in _target(model, version).all()
    }
    read = config.kafka.sources if topics is None else topics
    return Merge(
        targets(config),
        comparisons,
        topics=frozenset(read),
        disorder=config.clock.disorder,
        recovery={model.name: model.recovery for model in config.models},
        others=dict(_others(config)),
        state=state,
    )


def _others(config: Config) -> Iterator[tuple[tuple[str, str, str], dict[str, Comparison]]]:
    """The references beside the deciding ones, by (model, version, deciding reference) and name; all events alone."""
    for model in config.models:
        for version in model.versions:
            pairs = zip(_target(model, version).all(), model.references(version), strict=True)
            for target, reference in pairs:
                yield (
                    (model.name, version, target.reference),
                    {
                        name: _comparison(config, model, Target(profile, model.windows))
                        for name, profile in reference.compare.items()
                    },
                )


def _comparison(config: Config, model: Model, target: Target) -> Comparison:
    chunks = target.profile.chunks
    like = judged_by(model.windows, chunks) if chunks else Like()
    return Comparison(
        target.profile,
        model.columns,
        pvalue=config.budget.pvalue(model.windows),
        min_events=model.min_events,
        like=like,
        segmentations=target.segmentations,
    )


def pieces(offsets: Sequence[int], stop: int, source: SourcePartition) -> Iterator[tuple[int, int, int]]:
    """Cut a batch where blocks end: (first record, last record + 1, offset reached) for each piece."""
    first = 0
    while True:
        reached = min(stop, source.stop)
        last = bisect_left(offsets, reached, lo=first)
        yield first, last, reached
        if reached == stop:
            return
        first = last


class Embedded:
    """The whole pipeline in one process: batches of source partitions in, results out.

    `of` tells how many partitions each topic has; windows wait until all of them have been heard of.
    """

    def __init__(
        self, config: Config, of: Mapping[str, int], on_counted: Callable[[str, int, Sequence[int], Counted], None]
    ):
        decode_event = decoder(config)
        self._sources = {
            (topic, partition): source_partition(
                config, topic, partition, of=count, start=0, decoder=decode_event, summaries=1
            )
            for topic, count in of.items()
            for partition in range(count)
        }
        self.merge = merge(config, topics=of)
        self._on_counted = on_counted
        self._offset = 0

    def feed(self, batch: LogBatch) -> Iterator[Output]:
        """Count a batch, and whatever follows from it."""
        source = self._sources[batch.topic, batch.partition]
        if batch.offsets and batch.offsets[0] > source.end == 0:
            source.begin(batch.offsets[0])  # what lies before was deleted by retention
        for first, last, reached in pieces(batch.offsets, batch.stop, source):
            times = None if batch.timestamps is None else batch.timestamps[first:last]
            counted = source.add(batch.values[first:last], times, stop=reached)
            self._on_counted(batch.topic, batch.partition, batch.offsets[first:last], counted)
            for envelope in source.seal() if source.full else source.snapshot():
                yield from self._apply(envelope)

    def end(self, topic: str, partition: int) -> Iterator[Output]:
        """Nothing more will come from this partition."""
        for envelope in self._sources[topic, partition].snapshot(idle=ENDED):
            yield from self._apply(envelope)

    def reached(self, topic: str, partition: int) -> int | None:
        """The partition's largest event time so far."""
        source = self.merge.state.sources.get((topic, partition))
        return source.latest if source else None

    def _apply(self, envelope: Envelope) -> list[Output]:
        outputs = self.merge.apply(decode(encode(envelope)), offset=self._offset)
        self._offset += 1
        return outputs
