"""`merge` adds the envelopes of all source partitions, closes windows and decides: a state machine over one log.

It is a deterministic function of one partition of the summaries topic. Nothing in it reads a clock: that a source
partition went idle is a record in that log.

    envelope ── repeat? ── drop                      (sources.py)
        │        hole? ─── refuse, count; the watermark stays
        ▼
    panes (totals) ── watermark passes a window's end ── result, revision 0       (closing.py)
        │                                └── late, but before it retires ── revision + 1
        ├── retires, windows by count ── into the one being filled, result when it has events enough
        └── no window needs the pane any more ── counted as late
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from monitor.drift import summaries
from monitor.drift.bins import Counts
from monitor.drift.windows import watermark
from monitor.errors import DriftlineError
from monitor.logs.contract import PaneKey, Target, in_force_since
from monitor.pipeline import changes, trails
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
    """The state machine. `targets` are keyed by (model, version), `comparisons` by (model, version, reference).

    `topics` are the logs that are read: no window closes before each of them was heard of. `recovery` has, by model,
    how many windows without drift end an episode, where they are not the usual ones. `others` are the references that
    windows are compared with beside the deciding one, by name.
    """

    def __init__(
        self,
        targets: Mapping[tuple[str, str], Target],
        comparisons: Mapping[tuple[str, str, str], Comparison],
        *,
        topics: Collection[str],
        disorder: int,
        recovery: Mapping[str, int] | None = None,
        others: Mapping[tuple[str, str, str], Mapping[str, Comparison]] | None = None,
        state: State | None = None,
    ) -> None:
        self._targets = {(*key, target.reference): target for key, first in targets.items() for target in first.all()}
        self._known = {(*key, name) for key, target in self._targets.items() for name in ("", *target.segments)}
        self._newest = {key: [target.since for target in first.all()][-1] for key, first in targets.items()}
        self._topics, self._disorder = topics, disorder
        self.state = state or State()
        self.tally = Tally()
        self._closing = Closing(self._targets, comparisons, self.state, recovery or {}, others or {})
        self._due: list[tuple[int, SeriesKey, int]] = []  # (watermark at which it closes, series, window start)
        self._retiring: list[tuple[int, PaneKey]] = []  # (watermark from which no window needs it, pane)
        changes.forget(self.state, self._targets, self._target, topics)
        for topic in topics:
            self.state.sources.setdefault((topic, 0), Source())
        for source in self.state.sources.values():
            self._wait_for_redo(source)
        for key in self.state.panes:
            self._schedule(key, self._targets[key[:3]])

    def ahead(self, envelope: Envelope) -> PaneKey | None:
        """A part on a reference that comes into force after all that are configured for its model version.

        Whoever counted it has a newer configuration; without it the envelope cannot be applied.
        """
        for key, _ in envelope.parts:
            since = in_force_since(key.profile)
            newest = self._newest.get((key.model, key.version), since)
            if since is not None and (newest is None or since > newest):
                return key
        return None

    def holds(self, model: str, version: str, reference: str) -> bool:
        """Whether windows of a reference may still be published or revised."""
        return any(key[:3] == (model, version, reference) for key in self.state.panes)

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
        return self._targets[key[:3]] if key[:4] in self._known else None

    def _count(self, source: Source, envelope: Envelope, parts: Iterable[_Part]) -> list[Output]:
        """Add the envelope's counts to their panes; windows published before are published again."""
        revised: set[tuple[SeriesKey, int]] = set()
        outputs: list[Output] = []
        for part in parts:
            since, pane = part.target.since, part.key.pane
            self.tally.superseded += envelope.closed and self._superseded(part.key)
            too_early = since is not None and pane < since  # the reference that was in force is configured no more
            last = part.target.windows.starting_in(pane)[-1]
            if too_early or self._retired(_whole(part.key), last):
                outputs += self._too_late(source, part)
            else:
                revised |= self._add(source, part)
        source.block, source.end, source.idle = envelope.block, envelope.end, envelope.idle
        source.latest = _later(source.latest, envelope.latest)
        if envelope.closed:
            source.closed, source.block = envelope.block, None
            source.open, source.spent = {}, {}
        if not self._wait_for_redo(source) and source.redo > -1 and (envelope.closed or source.end >= source.redo):
            source.redo = -1
            revised |= self._published()  # windows were revised in silence meanwhile
        if not self._redoing:
            outputs += self._closing.publish(revised)
        return outputs

    def _retired(self, key: SeriesKey, start: int) -> bool:
        """Whether nothing more is said of a window: its lateness is over, or was so under an earlier configuration."""
        series = self.state.series.get(key)
        gone = series is not None and series.floor is not None and start < series.floor
        return gone or self.state.passed(self._targets[key[:3]].windows.retires(start))

    @property
    def _redoing(self) -> bool:
        """Whether counts are missing from panes: an open block is counted again, or has to be."""
        return any(source.redo > -1 for source in self.state.sources.values())

    def _wait_for_redo(self, source: Source) -> bool:
        """Whether an open block has counts on a reference that is over: its worker will count it again when told."""
        if not any(map(self._superseded, source.open)):
            return False
        source.redo = max(source.redo, source.end)
        return True

    def _superseded(self, key: PaneKey) -> bool:
        """Whether the next reference is in force in this pane."""
        until = self._targets[key[:3]].until
        return until is not None and key.pane >= until

    def _published(self) -> set[tuple[SeriesKey, int]]:
        """The windows that were published and may be revised."""
        return {
            (key, start)
            for key, series in self.state.series.items()
            for start in series.published
            if not key.segment and not self._retired(key, start)
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
        series = _whole(key)
        published = self.state.series.setdefault(series, Series()).published
        starts = target.starting_in(key.pane)
        return {(series, s) for s in starts if s in published and not self._retired(series, s)}

    def _too_late(self, source: Source, part: _Part) -> Iterator[Late]:
        """Events of a retired pane: counted once, however often the open block repeats them, segments left out."""
        if part.key.segment:
            return
        events, before = summaries.events(part.target.profile, part.counts), source.spent.get(part.key, 0)
        if events > before:
            source.spent[part.key] = events
            series = self.state.series.setdefault(SeriesKey(*part.key[:4]), Series())
            series.late += events - before
            yield Late(part.key.model, part.key.version, events - before)

    def _schedule(self, key: PaneKey, target: Target) -> None:
        """Queue a new pane's windows to be closed when the watermark passes their ends, and the pane to retire.

        Those of segments close with those of all events, to which the same events belong.
        """
        series = SeriesKey(*key[:4])
        own = self.state.series.setdefault(series, Series())
        published, own.grid = own.published, own.grid if key.segment else target.windows.grid
        for start in target.starting_in(key.pane) if target.windows.events is None and not key.segment else ():
            if start not in published and not self._retired(series, start):
                heapq.heappush(self._due, (target.windows.end(start), series, start))
        heapq.heappush(self._retiring, (target.windows.pane_retires(key.pane), key))

    def _advance(self) -> Iterator[Output]:
        """Move the watermark, close the windows that it passed, forget the panes that no window needs."""
        if self._redoing:
            return
        progress = {where: source.progress for where, source in self.state.sources.items()}
        reached = watermark(progress, disorder=self._disorder)
        if reached is not None and (self.state.watermark is None or reached > self.state.watermark):
            self.state.watermark = reached
        while self._due and self.state.passed(self._due[0][0]):
            _, series, start = heapq.heappop(self._due)
            if start not in self.state.series[series].published:
                yield from self._closing.publish([(series, start)])
        while self._retiring and self.state.passed(self._retiring[0][0]):
            yield from self._retire(heapq.heappop(self._retiring)[1])

    def _retire(self, key: PaneKey) -> Iterator[Output]:
        """Drop a pane, and what was published of its windows: all of them have retired."""
        target = self._targets[key[:3]]
        if target.windows.events is not None and not key.segment:  # which comes before its segments
            yield from self._closing.fill(SeriesKey(*key[:4]), key.pane)
        del self.state.panes[key]
        for source in self.state.sources.values():
            if key in source.open:
                source.spent[key] = summaries.events(target.profile, unpack(source.open.pop(key)))
        series = self.state.series[SeriesKey(*key[:4])]
        for start in target.windows.starting_in(key.pane):
            series.published.pop(start, None)
            series.floor = start + 1 if series.floor is None else max(series.floor, start + 1)
        if target.windows.events is None:
            trails.forget(series.trail, target.windows.end(key.pane))


def _whole(key: PaneKey) -> SeriesKey:
    """The series of all events to which a pane belongs."""
    return SeriesKey(key.model, key.version, key.profile, "")


def _later(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)
