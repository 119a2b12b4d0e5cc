"""Source partitions and a merge, joined by a log of envelopes that a test can see and meddle with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from monitor.config import ColumnRules
from monitor.drift.bins import Counts, count_ordered, count_unordered, ordered_bins, unordered_bins
from monitor.drift.episodes import RECOVERY
from monitor.drift.profiles import Chunks, Column, Profile
from monitor.drift.segments import Segmentation
from monitor.drift.windows import Windows
from monitor.logs.contract import Target
from monitor.logs.json import JsonDecoder
from monitor.pipeline import envelopes
from monitor.pipeline.compare import Comparison
from monitor.pipeline.envelopes import Envelope
from monitor.pipeline.merge import Merge, Output
from monitor.pipeline.results import Result
from monitor.pipeline.state import State, dump, load
from monitor.pipeline.summarise import SourcePartition
from tests import naive
from tests.naive import Event

MINUTE = 60_000
NOON = 1_704_110_400_000  # 2024-01-01T12:00:00Z
TEN = Windows(10 * MINUTE, 10 * MINUTE)
EDGES = ordered_bins(np.array([1.0, 2.0, 5.0, 5.0]))
CITY = unordered_bins({"Oslo": 9, "Bergen": 3})


def profile(model: str, *, version: str = "1", events: int = 12) -> Profile:
    """A reference with a number and a category."""
    value = count_ordered(EDGES, np.resize([1.0, 2.0, 5.0], events))
    city = count_unordered(CITY, np.resize(["Oslo", "Oslo", "Bergen"], events))
    columns = (
        Column("value", "feature", EDGES, np.append(value, [0, 0])),
        Column("city", "feature", CITY, np.append(city, [0, 0])),
    )
    return Profile(model, version, columns)


def _over_time(plain: Profile, *, minutes: int = 60) -> Profile:
    """The same reference in every minute, but every third has one event more of the last value and city."""
    usual = np.concatenate([column.counts for column in plain.columns])
    other = usual + np.array([0, 0, 0, -1, 0, 1, 0, 0, 0, -1, 1, 0, 0, 0, 0])
    counts = np.stack([other if minute % 3 == 2 else usual for minute in range(minutes)]).astype(np.int32)
    sums = np.split(counts.sum(axis=0, dtype=np.int64), [len(plain.columns[0].counts)])
    columns = tuple(replace(column, counts=own) for column, own in zip(plain.columns, sums, strict=True))
    chunks = Chunks.of(MINUTE, tuple(NOON - (minutes - i) * MINUTE for i in range(minutes)), counts)
    return replace(plain, columns=columns, chunks=chunks)


def by_city(plain: Profile) -> Profile:
    """The reference with segments of its cities; those in Bergen, a third, are in the middle of the values."""
    third = int(plain.columns[1].counts[1])
    bergen = np.concatenate([[0, 0, 0, 0, 0, third, 0, 0, 0], [0, third, 0, 0, 0, 0]])
    whole = np.concatenate([column.counts for column in plain.columns])
    nobody = np.zeros_like(whole)
    counts = np.stack([whole - bergen, bergen, nobody, nobody])
    return replace(plain, segmentations=(Segmentation.of(("city",), (("Oslo",), ("Bergen",)), counts),))


def logged(event: Event | None) -> bytes:
    """The event as it stands in a log; None is something that no decoder can use."""
    if event is None:
        return b"{"
    features = {"value": event.value, "city": event.category}
    return json.dumps({"model": event.model, "time": event.time, "features": features}).encode()


def counted(events: Iterable[Event]) -> Counts:
    """The slow twin's counts of some events, in the profile's order."""
    listed = list(events)
    values = [event.value for event in listed if event.value is not None]
    numbers = naive.count_ordered(EDGES.edges.tolist(), values)
    names = naive.count_unordered(CITY.categories, CITY.others, [event.category for event in listed])
    return np.array([*numbers, len(listed) - len(values), 0, *names, 0, 0])


class World:
    """What is monitored, and how it is read: a profile and windows per model, blocks of some records."""

    def __init__(
        self,
        windows: Mapping[str, Windows],
        *,
        block: int = 100,
        disorder: int = 0,
        rules: Mapping[str, ColumnRules] | None = None,
        pvalue: float = 0.01,
        min_events: int = 3,
        recovery: int = RECOVERY,
        segments: bool = False,
        over_time: bool = False,
    ) -> None:
        self.windows, self.block, self.disorder = windows, block, disorder
        self.recovery = dict.fromkeys(windows, recovery)
        plain = {model: _over_time(profile(model)) if over_time else profile(model) for model in windows}
        profiles = {model: by_city(made) if segments else made for model, made in plain.items()}
        self.targets = {
            (model, "1"): Target(profiles[model], made, segmentations=profiles[model].segmentations)
            for model, made in windows.items()
        }
        self.comparisons = {
            (*key, target.reference): Comparison(
                target.profile,
                rules or {},
                pvalue=pvalue,
                min_events=min_events,
                segmentations=target.segmentations,
            )
            for key, target in self.targets.items()
        }

    def reader(
        self, topic: str, partition: int, *, of: int = 1, start: int = 0, epoch: str = "first"
    ) -> SourcePartition:
        """Somebody who reads a source partition from `start`."""
        return SourcePartition(
            topic,
            partition,
            partitions=of,
            start=start,
            size=self.block,
            epoch=epoch,
            decoder=JsonDecoder(self.targets),
            summaries=1,
        )

    def merge(self, topics: Iterable[str] = ("log",), state: State | None = None) -> Merge:
        """A merge, fresh or from a state that went through bytes."""
        state = None if state is None else load(dump(state))
        return Merge(
            self.targets,
            self.comparisons,
            topics=frozenset(topics),
            disorder=self.disorder,
            recovery=self.recovery,
            state=state,
        )


class Wire:
    """One topic `log` of some partitions, read as it is written; `tell` appends events and sends a snapshot."""

    def __init__(self, world: World, *, partitions: int = 1) -> None:
        self.world = world
        self.readers = [world.reader("log", i, of=partitions) for i in range(partitions)]
        self.merge = world.merge()
        self.sent: list[Envelope] = []

    def events(self, minutes: Sequence[float], *, model: str = "m") -> list[bytes]:
        return [logged(Event(model, NOON + int(at * MINUTE), "Oslo", 2.0)) for at in minutes]

    def envelope(
        self, minutes: Sequence[float] = (), *, partition: int = 0, idle: float | None = None, model: str = "m"
    ) -> Envelope:
        """Events at these minutes after noon reach the partition; the envelope that tells of them."""
        reader = self.readers[partition]
        values = self.events(minutes, model=model)
        reader.add(values, None, stop=reader.end + len(values))
        made = reader.seal() if reader.full else reader.snapshot(idle=None if idle is None else int(idle * MINUTE))
        return made[0]

    def apply(self, envelope: Envelope, *, generation: int = 0) -> list[Output]:
        """Append an envelope to the log of envelopes."""
        self.sent.append(envelope)
        read = envelopes.decode(envelopes.encode(envelope))
        return self.merge.apply(read, offset=len(self.sent) - 1, generation=generation)

    def tell(self, *minutes: float, partition: int = 0, idle: float | None = None, model: str = "m") -> list[Output]:
        """Events come to pass; what follows."""
        return self.apply(self.envelope(minutes, partition=partition, idle=idle, model=model))


def drifting(log: Wire, minute: float) -> Envelope:
    """A window's worth of events none of which the reference ever had."""
    reader = log.readers[0]
    value = log.events([minute])[0].replace(b"Oslo", b"Rome").replace(b"2.0", b"99.0")
    reader.add([value] * 300, None, stop=reader.end + 300)
    return reader.snapshot()[0]


def windows_of(outputs: Iterable[Output]) -> list[tuple[float, int, int]]:
    """Results as (start in minutes after noon, revision, events)."""
    found = [output for output in outputs if isinstance(output, Result)]
    return [((result.start - NOON) / MINUTE, result.revision, result.events) for result in found]


def wire(windows: Windows = TEN, *, partitions: int = 1, block: int = 100, disorder: int = 0) -> Wire:
    """A wire that reads one model, `m`; blocks in records, disorder in minutes."""
    return Wire(World({"m": windows}, block=block, disorder=disorder * MINUTE), partitions=partitions)
