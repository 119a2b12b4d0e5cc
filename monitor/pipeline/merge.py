"""`merge` adds the envelopes of all source partitions, closes windows and decides: a state machine over one log.

It is a deterministic function of one partition of the summaries topic. Nothing in it reads a clock: that a source
partition went idle is a record in that log.

    envelope ── repeat? ── drop                      (sources.py)
        │        hole? ─── refuse, count; the watermark stays
        ▼
    panes (totals) ── watermark passes a window's end ── result, revision 0       (closing.py)
        │                                └── late, but before it retires ── revision + 1
        └── no window needs the pane any more ── counted as late
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from monitor.drift import summaries, windows
from monitor.drift.bins import Counts
from monitor.errors import DriftlineError
from monitor.logs.contract import PaneKey, Target
from monitor.pipeline.closing import Closing
from monitor.pipeline.compare import Comparison
from monitor.pipeline.envelopes import Envelope, check, unpack
from monitor.pipeline.results import EpisodeEvent, Result
from monitor.pipeline.sources import Tally, accept, refuse
from monitor.pipeline.state import Series, SeriesKey, Source, State

__all__ = ["Late", "Merge", "Output", "Tally"]


@dataclass(frozen=True, slots=True)
class Late:
    """Events that came after every window that holds them had retired."""

    model: str
    version: str
    events: int


Output = Result | EpisodeEvent | Late


class _Part(NamedTuple):
    """What an envelope says of one pane; the counts stay packed until they are needed, for there may be many."""

    key: PaneKey
    target: Target
    packed: bytes

    @property
    def counts(self) -> Counts:
        """The block's counts of the pane so far."""
        return unpack(self.packed)


class Merge:
    """The state machine. `targets` and `comparisons` are keyed by (model, version).

    `topics` are the logs that are read: no window closes before each of them was heard of.
    """

    def __init__(
        self,
        targets: Mapping[tuple[str, str], Target],
        comparisons: Mapping[tuple[str, str], Comparison],
        *,
        topics: Collection[str],
        disorder: int,
        state: State | None = None,
    ) -> None:
        self._targets, self._topics, self._disorder = targets, topics, disorder
        self.state = state or State()
        self.tally = Tally()
        self._closing = Closing(targets, comparisons, self.state)
        self._due: list[tuple[int, SeriesKey, int]] = []  # (watermark at which it closes, series, window start)
        self._retiring: list[tuple[int, PaneKey]] = []  # (watermark from which no window needs it, pane)
        self._forget_strangers()
        for topic in topics:
            self.state.sources.setdefault((topic, 0), Source())
        for key in self.state.panes:
            self._schedule(key, self._targets[key.model, key.version])

    def apply(self, envelope: Envelope, *, offset: int, generation: int = 0) -> list[Output]:
        """Take the envelope at `offset` of the log; what follows from it, in order."""
        if offset < self.state.offset:
            return []
        self.state.offset = offset + 1
        if envelope.topic not in self._topics:
            self.tally.strangers += 1
            return []
        try:
            parts = list(self._parts(envelope))
        except DriftlineError:
            refuse(self.state, envelope, self.tally)
            return []
        source = accept(self.state, envelope, generation=generation, tally=self.tally)
        if source is None:
            return []
        outputs = self._count(source, envelope, parts)
        return outputs + list(self._advance())

    def _parts(self, envelope: Envelope) -> Iterator[_Part]:
        """The envelope's parts whose reference is configured. Raises DriftlineError where one is damaged."""
        for part in envelope.parts:
            target = self._target(part.key)
            if target is None:
                self.tally.strangers += 1
            else:
                check(part.counts, target.profile.size)
                yield _Part(part.key, target, part.counts)

    def _target(self, key: PaneKey | SeriesKey) -> Target | None:
        """What is monitored under this key, where that is still configured."""
        target = self._targets.get((key.model, key.version))
        return target if target is not None and target.profile.fingerprint == key.profile else None

    def _count(self, source: Source, envelope: Envelope, parts: Iterable[_Part]) -> list[Output]:
        """Add the envelope's counts to their panes; windows published before are published again."""
        revised: set[tuple[SeriesKey, int]] = set()
        outputs: list[Output] = []
        recounted = source.recounting
        for part in parts:
            last = part.target.windows.starting_in(part.key.pane)[-1]
            if self._retired(SeriesKey(*part.key[:4]), last):
                outputs += self._too_late(source, part)
            else:
                revised |= self._add(source, part)
        source.block, source.end, source.idle = envelope.block, envelope.end, envelope.idle
        source.latest = _later(source.latest, envelope.latest)
        if envelope.closed:
            source.closed, source.block = envelope.block, None
            source.open, source.spent, source.redo = {}, {}, -1
        if self._recounting():
            return outputs
        for series, start in sorted(self._published() if recounted else revised):
            outputs += self._closing.publish(series, start)
        return outputs

    def _retired(self, key: SeriesKey, start: int) -> bool:
        """Whether nothing more is said of a window: its lateness is over, or was so under an earlier configuration."""
        series, windows = self.state.series.get(key), self._targets[key.model, key.version].windows
        gone = series is not None and series.floor is not None and start < series.floor
        return gone or self.state.passed(windows.retires(start))

    def _recounting(self) -> bool:
        """Whether counts that windows had are missing, because a new epoch has not come to them yet."""
        return any(source.recounting for source in self.state.sources.values())

    def _published(self) -> set[tuple[SeriesKey, int]]:
        """The published windows that can still be revised."""
        return {
            (key, start)
            for key, series in self.state.series.items()
            for start in series.published
            if not self._retired(key, start)
        }

    def _add(self, source: Source, part: _Part) -> set[tuple[SeriesKey, int]]:
        """Replace the block's share of a pane; returns the published windows that this changes."""
        key, target, packed = part
        counts = part.counts
        before = source.open.get(key)
        change = counts if before is None else counts - unpack(before)
        source.open[key] = packed
        if key not in self.state.panes:
            self._schedule(key, target)
        self.state.panes.add(key, change)
        if not change.any():
            return set()
        series = SeriesKey(*key[:4])
        published = self.state.series[series].published
        starts = target.windows.starting_in(key.pane)
        return {(series, s) for s in starts if s in published and not self._retired(series, s)}

    def _too_late(self, source: Source, part: _Part) -> Iterator[Late]:
        """Events of a retired pane: counted once, however often the open block repeats them."""
        events, before = summaries.events(part.target.profile, part.counts), source.spent.get(part.key, 0)
        if events > before:
            source.spent[part.key] = events
            series = self.state.series.setdefault(SeriesKey(*part.key[:4]), Series())
            series.late += events - before
            yield Late(part.key.model, part.key.version, events - before)

    def _schedule(self, key: PaneKey, target: Target) -> None:
        """Queue a new pane's windows to be closed when the watermark passes their ends, and the pane to retire."""
        series = SeriesKey(*key[:4])
        published = self.state.series.setdefault(series, Series()).published
        for start in target.windows.starting_in(key.pane):
            if start not in published and not self._retired(series, start):
                heapq.heappush(self._due, (target.windows.closes(start), series, start))
        heapq.heappush(self._retiring, (target.windows.pane_retires(key.pane), key))

    def _advance(self) -> Iterator[Output]:
        """Move the watermark, close the windows that it passed, forget the panes that no window needs."""
        if self._recounting():
            return
        progress = {where: source.progress for where, source in self.state.sources.items()}
        reached = windows.watermark(progress, disorder=self._disorder)
        if reached is not None and (self.state.watermark is None or reached > self.state.watermark):
            self.state.watermark = reached
        while self._due and self.state.passed(self._due[0][0]):
            _, series, start = heapq.heappop(self._due)
            if start not in self.state.series[series].published:
                yield from self._closing.publish(series, start)
        while self._retiring and self.state.passed(self._retiring[0][0]):
            self._retire(heapq.heappop(self._retiring)[1])

    def _retire(self, key: PaneKey) -> None:
        """Drop a pane, and what was published of its windows: all of them have retired."""
        target = self._targets[key.model, key.version]
        del self.state.panes[key]
        for source in self.state.sources.values():
            if key in source.open:
                source.spent[key] = summaries.events(target.profile, unpack(source.open.pop(key)))
        series = self.state.series[SeriesKey(*key[:4])]
        for start in target.windows.starting_in(key.pane):
            series.published.pop(start, None)
            series.floor = start + 1 if series.floor is None else max(series.floor, start + 1)

    def _forget_strangers(self) -> None:
        """Drop what an earlier configuration left: logs no longer read, references no longer compared with."""
        state = self.state
        state.sources = {where: source for where, source in state.sources.items() if where[0] in self._topics}
        for key in [key for key in state.panes if not self._target(key)]:
            del state.panes[key]
        state.series = {key: series for key, series in state.series.items() if self._target(key)}
        for source in state.sources.values():
            source.open = {key: counts for key, counts in source.open.items() if self._target(key)}


def _later(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)
