"""What a restart of `merge` reads and how long it takes, after a history of 1, 10 and 100 million events.

Simulated: the history. One block of 50,000 real events is decoded and counted; the envelopes of all other blocks are
this one's at a later event time, a snapshot of the open block before each closed one. They go through the real merge,
which closes and scores every window, and the real checkpoints, one for each million events. The state topic is a list
in memory of which, as after compaction, the newest record of each key is left; Kafka leaves up to a segment more. A
restart reads it, checks it, loads it and builds the state machine, as a worker does; the broker, and what came since
the last checkpoint, are left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from benchmarks import workload
from benchmarks.harness import Row, ratios
from monitor.config import Config, Model
from monitor.drift.windows import Windows
from monitor.pipeline import assemble
from monitor.pipeline.checkpoints import Checkpoints, Record, restore
from monitor.pipeline.envelopes import Envelope
from monitor.pipeline.results import Result
from monitor.pipeline.state import dump, load

SIZES = (1, 10, 100)  # millions of events
PARTITIONS, BLOCK = 4, 50_000
SPAN = BLOCK * workload.EVERY  # event time of a block: a window
RESTARTS = 50  # in a round: one takes less than a millisecond
PER_CHECKPOINT = 1_000_000 // (PARTITIONS * BLOCK)  # blocks of each partition


def measure(*, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """The rows of the restart: time and bytes, each the longest history against the shortest."""
    history = History()
    topics, windows, written = [], [], []
    for millions in SIZES:
        say(f"restart: a history of {millions} million events")
        history.go_on(millions * 1_000_000)
        topics.append([Record(key, value) for key, value in history.topic.items()])
        windows.append([float(history.windows)])
        written.append([history.written / 1e6])
    times: list[list[float]] = [[] for _ in SIZES]
    sizes: list[list[float]] = [[] for _ in SIZES]
    for number in range(rounds):
        say(f"restart: round {number + 1} of {rounds}")
        for i, topic in enumerate(topics):
            began = time.perf_counter()
            read = [_restart(history.config, topic) for _ in range(RESTARTS)][-1]
            times[i].append((time.perf_counter() - began) / RESTARTS * 1e3)
            sizes[i].append(read / 1e6)
    named = [f"{millions} million events" for millions in SIZES]
    return [
        Row(
            "restart after 100 million events, time to restore, against after 1 million",
            "×",
            1.5,
            "at most",
            ratios(times[-1], times[0]),
            {f"after {name}, ms": values for name, values in zip(named, times, strict=True)},
        ),
        Row(
            "the same, bytes of state read",
            "×",
            1.2,  # the first checkpoint uses one of the two slots of an item, later ones both
            "at most",
            ratios(sizes[-1], sizes[0]),
            {f"after {name}, MB": values for name, values in zip(named, sizes, strict=True)}
            | {f"written to the topic in {name}, MB": values for name, values in zip(named, written, strict=True)}
            | {f"windows published in {name}": values for name, values in zip(named, windows, strict=True)},
        ),
    ]


@dataclass
class History:
    """A merge that has counted `events`, and the newest records of its state topic."""

    events: int = 0
    windows: int = 0
    written: int = 0
    topic: dict[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        windows = Windows(SPAN, SPAN, lateness=SPAN // 10, offset=workload.START % SPAN)
        self.config = Config((Model(workload.MODEL, {workload.VERSION: workload.profile()}, windows),))
        self._merge = assemble.merge(self.config)
        self._checkpoints = Checkpoints("benchmark")
        self._offset, self._blocks = 0, 0
        self._snapshot, self._closed = _envelopes(self.config)

    def go_on(self, events: int) -> None:
        """Count whole blocks of all partitions until there were so many events."""
        while self.events < events:
            for partition in range(PARTITIONS):
                self._apply(self._snapshot, partition)
            if self._blocks % PER_CHECKPOINT == PER_CHECKPOINT - 1:
                self._checkpoint()
            for partition in range(PARTITIONS):
                self._apply(self._closed, partition)
            self._blocks += 1
            self.events += PARTITIONS * BLOCK

    def _apply(self, envelope: Envelope, partition: int) -> None:
        outputs = self._merge.apply(_moved(envelope, partition, self._blocks), offset=self._offset)
        self._offset += 1
        self.windows += sum(isinstance(output, Result) for output in outputs)

    def _checkpoint(self) -> None:
        plan = self._checkpoints.plan(dump(self._merge.state), offset=self._offset)
        for key, value in (*plan.items, plan.marker, *plan.useless):
            self.written += len(key) + len(value or b"")
            if value is None:
                self.topic.pop(key, None)
            else:
                self.topic[key] = value


def _envelopes(config: Config) -> tuple[Envelope, Envelope]:
    """Of one block of real events: the snapshot when half of it was read, and the closed envelope."""
    source = assemble.source_partition(
        config, "predictions", 0, of=PARTITIONS, start=0, decoder=assemble.decoder(config), summaries=1
    )
    events = workload.events(BLOCK)
    source.add(events[: BLOCK // 2], None, stop=BLOCK // 2)
    (snapshot,) = source.snapshot()
    source.add(events[BLOCK // 2 :], None, stop=BLOCK)
    (closed,) = source.seal()
    return snapshot, closed


def _moved(envelope: Envelope, partition: int, block: int) -> Envelope:
    """The same counts in a later block of another partition, at the event time of that block."""
    offset, later = block * BLOCK, block * SPAN
    return msgspec.structs.replace(
        envelope,
        partition=partition,
        block=block,
        start=envelope.start + offset,
        since=envelope.since + offset,
        end=envelope.end + offset,
        latest=(envelope.latest or 0) + later,
        parts=[part._replace(key=part.key._replace(pane=part.key.pane + later)) for part in envelope.parts],
    )


def _restart(config: Config, topic: list[Record]) -> int:
    """Restore the state machine; returns the bytes that were read."""
    restored = restore(topic)
    assert restored is not None
    assemble.merge(config, load(restored.items))
    return sum(len(key) + len(value or b"") for key, value in topic)
