"""Whatever becomes of the envelopes on their way, the windows hold what the slow twin finds event by event.

Readers of a source partition are followed by others that begin with the oldest block that is not closed; the ones
before do not know and go on as zombies; envelopes come again at any time; merge dies and goes on from any checkpoint.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.drift.windows import Windows
from monitor.pipeline import envelopes, results
from monitor.pipeline.envelopes import Envelope
from monitor.pipeline.merge import Late, Output
from monitor.pipeline.results import EpisodeEvent, Result
from monitor.pipeline.state import State, dump, load
from monitor.pipeline.summarise import SourcePartition
from tests import naive
from tests.naive import Event, Told
from tests.pipeline.wire import MINUTE, NOON, World, counted, logged

ENDED = 10**12
SOURCES = [{"one": 1}, {"one": 2}, {"one": 1, "two": 1}]  # topics and their partitions

ACTIONS = ["read", "read", "read", "read", "quiet", "idle", "take over", "again"]

spans = st.sampled_from(
    [Windows(2 * MINUTE, 2 * MINUTE), Windows(3 * MINUTE, MINUTE, 2 * MINUTE), Windows(4 * MINUTE, 4 * MINUTE, MINUTE)]
)


@st.composite
def partition_logs(draw: st.DrawFn) -> list[Event | None]:
    """Events about half a minute after one another, some long before or after their time, some unusable."""
    log: list[Event | None] = []
    for i in range(draw(st.integers(0, 16))):
        time = NOON + i * MINUTE // 2 + draw(st.sampled_from([0, 0, 0, 0, 0, -1, -2, -4, -7, 2])) * MINUTE
        city = draw(st.sampled_from(["Oslo", "Bergen", "Rome"]))
        event = Event(draw(st.sampled_from("aab")), time, city, draw(st.sampled_from([None, 0.0, 2.0, 5.0, 9.0])))
        log.append(draw(st.sampled_from([event] * 9 + [None])))
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

    def take_over(self, place: tuple[str, int]) -> Read:
        """A new reader of a partition; whoever read it before goes on, and does not know."""
        generation = 1 + max((read.generation for read in self.readers if read.place == place), default=0)
        start = self.closed[place] * self.world.block
        reader = Read(place, self.world.reader(*place, of=self.topics[place[0]], start=start), generation)
        self.readers.append(reader)
        return reader

    def read(self, reader: Read, records: int, *, idle: int | None = None, quiet: bool = False) -> None:
        """Read on, never beyond the block, and tell: a full block is closed. `quiet`: no snapshot yet."""
        source, log = reader.source, self.logs[reader.place]
        stop = min(source.end + records, source.stop, len(log))
        source.add([logged(event) for event in log[source.end : stop]], None, stop=stop)
        if source.full:
            self.append(source.seal()[0], reader.generation)
            self.closed[reader.place] = max(self.closed[reader.place], stop // self.world.block)
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
def histories(draw: st.DrawFn) -> History:
    world = World({"a": draw(spans), "b": draw(spans)}, block=4, disorder=draw(st.sampled_from([0, MINUTE])))
    topics = draw(st.sampled_from(SOURCES))
    places = [(topic, partition) for topic, count in topics.items() for partition in range(count)]
    history = History(world, topics, {place: draw(partition_logs()) for place in places})
    for place in places:
        history.take_over(place)
    for action in draw(st.lists(st.sampled_from(ACTIONS), max_size=40)):
        if action == "take over":
            history.take_over(draw(st.sampled_from(places)))
        elif action == "again" and history.sent:
            history.sent.append(draw(st.sampled_from(history.sent)))
        else:
            reader = history.readers[draw(st.integers(0, len(history.readers) - 1))]
            idle = draw(st.integers(1, 3)) * MINUTE if action == "idle" else None
            history.read(reader, draw(st.integers(0, 3)), idle=idle, quiet=action == "quiet")
    history.finish()
    return history


def run(history: History, state: State | None = None) -> tuple[list[list[Output]], list[State]]:
    """What follows from each envelope, and the state after it; what a state has seen already brings nothing."""
    merge = history.world.merge(history.topics, state)
    outputs, states = [], []
    for offset, (envelope, generation) in enumerate(history.sent):
        outputs.append(merge.apply(envelope, offset=offset, generation=generation))
        states.append(load(dump(merge.state)))
    assert merge.tally.holes == 0
    return outputs, states


def newest(outputs: Sequence[Output]) -> dict[tuple[str, int], Result]:
    """The last revision of every window."""
    return {(output.model, output.start): output for output in outputs if isinstance(output, Result)}


@settings(max_examples=150)
@given(histories())
def test_the_newest_revision_of_every_window_has_the_counts_of_the_slow_twin(history: History) -> None:
    world = history.world
    outputs = [output for step in run(history)[0] for output in step]
    logs = {f"{topic}-{partition}": log for (topic, partition), log in history.logs.items()}
    expected, late = naive.merged(logs, history.told(), world.windows, disorder=world.disorder)
    found = newest(outputs)
    assert found.keys() == expected.keys()
    for (model, start), held in expected.items():
        reference = world.targets[model, "1"].reference
        verdict, columns = world.comparisons[model, "1", reference](counted(held))
        result = found[model, start]
        assert (result.events, result.verdict, result.columns) == (len(held), verdict, columns)
    told = Counter[str]()
    for output in outputs:
        if isinstance(output, Late):
            told[output.model] += output.events
    assert told == +late


@settings(max_examples=50)
@given(histories())
def test_every_event_is_in_one_tumbling_window_or_late_once(history: History) -> None:
    outputs = [output for step in run(history)[0] for output in step]
    for model, windows in history.world.windows.items():
        written = sum(event is not None and event.model == model for log in history.logs.values() for event in log)
        held = sum(result.events for (name, _), result in newest(outputs).items() if name == model)
        late = sum(output.events for output in outputs if isinstance(output, Late) and output.model == model)
        if windows.size == windows.step:
            assert held + late == written
        else:
            assert held + late <= written * (windows.size // windows.step)


@settings(max_examples=50)
@given(histories(), st.data())
def test_a_restart_at_any_point_changes_nothing(history: History, data: st.DataObject) -> None:
    outputs, states = run(history)
    cut = data.draw(st.integers(0, len(states) - 1))
    again, after = run(history, states[cut])
    assert again[: cut + 1] == [[]] * (cut + 1)
    assert again[cut + 1 :] == outputs[cut + 1 :]
    assert dump(after[-1]) == dump(states[-1])


@settings(max_examples=50)
@given(histories())
def test_revisions_count_up_and_an_id_has_one_content(history: History) -> None:
    contents: dict[str, bytes] = {}
    revisions: dict[tuple[str, int], int] = {}
    for output in [output for step in run(history)[0] for output in step]:
        if isinstance(output, Result):
            assert contents.setdefault(output.id, results.encode(output)) == results.encode(output)
            assert output.revision == revisions.get((output.model, output.start), -1) + 1
            revisions[output.model, output.start] = output.revision


@settings(max_examples=50)
@given(histories())
def test_episodes_open_and_close_in_turn_and_never_twice_under_one_id(history: History) -> None:
    open_: dict[str, str] = {}
    seen = set()
    for output in [output for step in run(history)[0] for output in step]:
        if isinstance(output, EpisodeEvent):
            assert (output.kind, output.id) not in seen
            seen.add((output.kind, output.id))
            assert (open_.get(output.model) is None) == (output.kind == "opened")
            open_[output.model] = output.id if output.kind == "opened" else ""
            open_ = {model: name for model, name in open_.items() if name}
