"""Histories of envelopes: logs that are read by workers who die, come back as zombies, and say things again.

Readers of a source partition are followed by others that begin with the oldest block that is not closed; the ones
before do not know and go on as zombies; envelopes come again at any time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from monitor.drift.calendars import DAY, Calendar
from monitor.drift.windows import Windows
from monitor.pipeline import envelopes
from monitor.pipeline.envelopes import Envelope
from monitor.pipeline.merge import Output
from monitor.pipeline.results import Result
from monitor.pipeline.state import State, dump, load
from monitor.pipeline.summarise import SourcePartition
from tests.naive import Event, Told
from tests.pipeline.wire import MINUTE, NOON, World, logged

ENDED = 10**12
SOURCES = [{"one": 1}, {"one": 2}, {"one": 1, "two": 1}]  # topics and their partitions

OFTEN = 0.4  # of clean windows may be in drift, so that those of a few events are now and then

ACTIONS = ["read", "read", "read", "read", "quiet", "take over", "again"]
WILD = [0, 0, 0, 0, 0, -1, -2, -4, -7, 2]  # minutes by which an event's time is off

TARAWA = Calendar("Pacific/Tarawa")  # where a day ends at NOON, which is amidst the events

spans = st.sampled_from(
    [
        Windows(2 * MINUTE, 2 * MINUTE),
        Windows(2 * MINUTE, 2 * MINUTE, 6 * MINUTE),
        Windows(3 * MINUTE, MINUTE, 2 * MINUTE),
        Windows(4 * MINUTE, 4 * MINUTE, MINUTE),
        Windows(DAY, DAY, MINUTE, 0, TARAWA),
        Windows(3 * DAY, DAY, 0, 0, TARAWA),
    ]
)


@st.composite
def partition_logs(draw: st.DrawFn, world: World, *, orderly: bool) -> list[Event | None]:
    """Events about half a minute after one another, some long before or after their time, some unusable.

    orderly: none is further behind the others of its partition than the disorder and its model's lateness allow.
    """
    log: list[Event | None] = []
    latest = NOON
    for i in range(draw(st.integers(0, 16))):
        model, expected = draw(st.sampled_from("aab")), NOON + i * MINUTE // 2
        if orderly:
            behind = latest - world.disorder - world.windows[model].lateness
            time = max(
                behind, draw(st.sampled_from([expected, expected, behind, expected - MINUTE, expected + 2 * MINUTE]))
            )
        else:
            time = expected + draw(st.sampled_from(WILD)) * MINUTE
        city = draw(st.sampled_from(["Oslo", "Bergen", "Rome"]))
        event = Event(model, time, city, draw(st.sampled_from([None, 0.0, 2.0, 5.0, 9.0])))
        log.append(draw(st.sampled_from([event] * 9 + [None])))
        latest = latest if log[-1] is None else max(latest, time)
    return log


@dataclass
class Read:
    """A reader of one source partition, alive or a zombie, under its generation."""

    place: tuple[str, int]
    source: SourcePartition
    generation: int


@dataclass
class History:
    """The envelopes in the order in which they were appended, and what the twin is told by each."""

    world: World
    topics: Mapping[str, int]
    logs: Mapping[tuple[str, int], Sequence[Event | None]]
    closed: Counter[tuple[str, int]] = field(default_factory=Counter)
    readers: list[Read] = field(default_factory=list)
    sent: list[tuple[Envelope, int]] = field(default_factory=list)
    epochs: Counter[tuple[str, int]] = field(default_factory=Counter)

    def take_over(self, place: tuple[str, int]) -> Read:
        """A new reader of a partition; whoever read it before goes on, and does not know."""
        generation = 1 + max((read.generation for read in self.readers if read.place == place), default=0)
        start, epoch = self.closed[place] * self.world.block, f"epoch {self.epochs[place]}"
        source = self.world.reader(*place, of=self.topics[place[0]], start=start, epoch=epoch)
        reader = Read(place, source, generation)
        self.readers.append(reader)
        return reader

    def read(self, reader: Read, records: int, *, idle: int | None = None, quiet: bool = False) -> None:
        """Read on, never beyond the block, and tell: a full block is closed. `quiet`: no snapshot yet."""
        source, log = reader.source, self.logs[reader.place]
        stop = min(source.end + records, source.stop, len(log))
        source.add([logged(event) for event in log[source.end : stop]], None, stop=stop)
        if source.full:
            self.append(source.seal()[0], reader.generation)
            if reader.generation == max(read.generation for read in self.readers if read.place == reader.place):
                self.closed[reader.place] += 1  # a zombie cannot commit
        elif not quiet:
            self.append(source.snapshot(idle=idle if stop == len(log) else None)[0], reader.generation)

    def append(self, envelope: Envelope, generation: int) -> None:
        self.sent.append((envelopes.decode(envelopes.encode(envelope)), generation))

    def finish(self) -> None:
        """Everything is read to the end, and nothing more will come."""
        for place in self.logs:
            last = self.take_over(place)
            while last.source.end < len(self.logs[place]):
                self.read(last, self.world.block)
            self.read(last, 0, idle=ENDED)

    def told(self) -> list[Told]:
        return [
            Told(f"{e.topic}-{e.partition}", e.block, e.end, e.closed, generation, e.idle)
            for e, generation in self.sent
        ]


@st.composite
def histories(
    draw: st.DrawFn,
    *,
    changes: bool = False,
    orderly: bool = False,
    windows: st.SearchStrategy[Windows] = spans,
    segments: bool = False,
) -> History:
    """changes: the configuration changes now and then, and the open block is counted anew in a new epoch.

    orderly: nothing is late, because no partition is taken for idle and no event is too far behind the others.
    segments: windows are compared by city as well.
    """
    disorder = draw(st.sampled_from([0, MINUTE]))
    world = World(
        {"a": draw(windows), "b": draw(windows)},
        block=4,
        disorder=disorder,
        pvalue=OFTEN,
        min_events=1,
        recovery=1,
        segments=segments,
        over_time=True,
    )
    topics = draw(st.sampled_from(SOURCES))
    places = [(topic, partition) for topic, count in topics.items() for partition in range(count)]
    history = History(world, topics, {place: draw(partition_logs(world, orderly=orderly)) for place in places})
    for place in places:
        history.take_over(place)
    actions = ACTIONS + ["change"] * changes + ["idle"] * (not orderly)
    for action in draw(st.lists(st.sampled_from(actions), max_size=40)):
        if action in {"take over", "change"}:
            place = draw(st.sampled_from(places))
            history.epochs[place] += action == "change"
            history.take_over(place)
        elif action == "again" and history.sent:
            history.sent.append(draw(st.sampled_from(history.sent)))
        else:
            reader = history.readers[draw(st.integers(0, len(history.readers) - 1))]
            idle = draw(st.integers(1, 3)) * MINUTE if action == "idle" else None
            history.read(reader, draw(st.integers(0, 3)), idle=idle, quiet=action == "quiet")
    history.finish()
    return history


def run(
    history: History, state: State | None = None, *, restarts: Collection[int] = ()
) -> tuple[list[list[Output]], list[State]]:
    """What follows from each envelope, and the state after it; what a state has seen already brings nothing.

    restarts: places of the log after which merge dies and goes on from what it had written down.
    """
    merge = history.world.merge(history.topics, state)
    outputs, states = [], []
    for offset, (envelope, generation) in enumerate(history.sent):
        outputs.append(merge.apply(envelope, offset=offset, generation=generation))
        states.append(load(dump(merge.state)))
        # Only a zombie whose epoch was never heard of, so that it passes for a successor, can make a hole; it heals.
        assert not merge.tally.holes or history.epochs.total()
        if offset in restarts:
            merge = history.world.merge(history.topics, merge.state)
    return outputs, states


def newest(outputs: Sequence[Output]) -> dict[tuple[str, int], Result]:
    """The last revision of every window."""
    return {(output.model, output.start): output for output in outputs if isinstance(output, Result)}


def before(windows: Windows, held: Collection[int], start: int) -> list[int]:
    """The starts of the three windows right before one, the latest first, up to the first that is not `held`."""
    found: list[int] = []
    while windows.step == windows.size and len(found) < 3:
        earlier = [first for first in held if windows.end(first) == start]
        if not earlier:
            break
        start = earlier[0]
        found.append(start)
    return found
