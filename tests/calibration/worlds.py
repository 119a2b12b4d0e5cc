"""Models whose truth is known: a reference and the windows after it, counted straight from the bins' probabilities.

Every column is a normal variable, or the categories that it falls into, whose mean wanders (an AR(1) process of a given
deviation and memory), swings with the day and the week, and has a shift where a trial asks for one. Columns wander
independently of each other, which is the worst case for the pages of a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr, ndtri

from monitor.drift.bins import SPECIAL, Bins, Counts, Floats, Ordered, Unordered
from monitor.drift.profiles import Chunks, Column, Profile

HOUR = 3_600_000
START = 4 * 24 * HOUR  # a Monday
BINS = 100
MONTH = 720  # windows
ALIKE = 20  # categories that are equally frequent; more have a long tail, by Zipf's law
CAP = 1_000  # categories with a bin of their own
SLICE = 100  # hours that are drawn at once


@dataclass(frozen=True)
class World:
    """What is simulated; `chunks` and windows are hours, `n` the events of one, `sd` how far means wander.

    cluster: identical rows of an entity. swing: the largest hour of a day over its smallest. daily, weekly: how far
    means swing. numbers: columns that are numeric, the others have `categories`. uneven: segments swing with the day
    each in its own way, some against the others, and have a fifth to nearly twice the events.
    """

    name: str
    columns: int = 20
    numbers: int = 14
    chunks: int = 168
    n: int = 10_000
    sd: float = 0.0
    memory: float = 0.0
    cluster: int = 1
    swing: float = 1.0
    daily: float = 0.0
    weekly: float = 0.0
    categories: int = 8
    segments: int = 1
    uneven: bool = False

    def segment(self, place: int) -> World:
        """The world of one of the segments."""
        if not self.uneven:
            return self
        swing, events = np.linspace(-1, 1.5, self.segments)[place], np.linspace(1.8, 0.2, self.segments)[place]
        return replace(self, daily=self.daily * swing, n=int(self.n * events))


@dataclass(frozen=True)
class Change:
    """What happens to a column: its mean shifts, share goes from its last cell to its first, or to a new category."""

    shift: float = 0.0
    share: float = 0.0
    new: float = 0.0


Changes = Mapping[int, Change]
NONE = Change()


class Simulated:
    """One series of one model: its profile, and the counts of any hour after the reference."""

    def __init__(self, world: World, rng: np.random.Generator, *, hours: int = MONTH) -> None:
        self.world, self._rng = world, rng
        total = world.chunks + hours
        times = np.arange(total)
        season = world.daily * np.sin(2 * np.pi * times / 24) + world.weekly * (times // 24 % 7 >= 5)
        self._means = np.array([season + self._wander(total) for _ in range(world.columns)])
        self._cuts = [_cuts(BINS if i < world.numbers else world.categories) for i in range(world.columns)]
        rate = world.n * world.swing ** (0.5 * np.sin(2 * np.pi * (times - 6) / 24))
        self._rows = rng.poisson(rate / world.cluster)
        self._places: list[Counts] = []  # the bin of every category
        self.profile = self._profile()

    def start(self, hour: int) -> int:
        """The event time of an hour after the reference."""
        return START + (self.world.chunks + hour) * HOUR

    def window(self, hour: int, changes: Changes | None = None) -> Counts:
        """The counts of an hour after the reference; changes: by the column's place."""
        at = slice(self.world.chunks + hour, self.world.chunks + hour + 1)
        found = changes or {}
        return np.concatenate([self._binned(i, at, found.get(i, NONE))[0] for i in range(self.world.columns)])

    def month(self) -> Counts:
        """The counts of all hours after the reference, shape (hours, cells)."""
        after = slice(self.world.chunks, len(self._rows))
        return np.concatenate([self._binned(i, after) for i in range(self.world.columns)], axis=1)

    def _profile(self) -> Profile:
        columns, chunks = [], []
        for i, cuts in enumerate(self._cuts):
            drawn = self._drawn(i, slice(0, self.world.chunks), NONE)
            total = drawn.sum(axis=0)
            self._places.append(np.arange(len(total)) if i < self.world.numbers else _places(total, self._order(total)))
            bins = _ordered(cuts) if i < self.world.numbers else _unordered(total, self._order(total))
            chunks.append(self._filled(i, drawn))
            columns.append(Column(f"c{i:02}", "feature", bins, chunks[-1].sum(axis=0)))
        starts = tuple(START + hour * HOUR for hour in range(self.world.chunks))
        packed = Chunks.of(HOUR, starts, np.concatenate(chunks, axis=1).astype(np.int32))
        return Profile("m", "1", tuple(columns), START, starts[-1] + HOUR - 1, packed)

    def _order(self, total: Counts) -> Counts:
        """The categories by rank; that of their names where segments must have the same bins."""
        if self.world.segments > 1:
            assert total.all(), "a category that a segment lacks would need a bin of its own"
            return np.arange(len(total))
        return np.argsort(-total, kind="stable")

    def _binned(self, column: int, hours: slice, change: Change = NONE) -> Counts:
        """Counts on the reference's bins, a slice at a time."""
        parts = [slice(i, min(i + SLICE, hours.stop)) for i in range(hours.start, hours.stop, SLICE)]
        return np.concatenate([self._filled(column, self._drawn(column, part, change), change) for part in parts])

    def _drawn(self, column: int, hours: slice, change: Change) -> Counts:
        """Counts of the true cells."""
        means = self._means[column, hours, None] + change.shift
        edges = np.pad(ndtr(self._cuts[column] - means), ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, 1.0)))
        chances = np.diff(edges, axis=1)
        chances[:, 0] += change.share
        chances[:, -1] -= change.share
        drawn: Counts = self._rng.multinomial(self._rows[hours], chances) * self.world.cluster
        return drawn

    def _filled(self, column: int, drawn: Counts, change: Change = NONE) -> Counts:
        """The counts in their bins; a new category takes its share from all others alike."""
        places = self._places[column]
        cells = int(places.max()) + 1 if column < self.world.numbers else _shown(len(places)) + 2
        made = np.zeros((len(drawn), cells + SPECIAL), dtype=np.int64)
        if len(places) == cells:
            made[:, places] = drawn
        else:
            np.add.at(made.T, places, drawn.T)
        if change.new:
            made[:, cells - 1] += self._rng.binomial(drawn.sum(axis=1), change.new)
        return made

    def _wander(self, hours: int) -> Floats:
        """An AR(1) process in its stationary state."""
        noise, memory = self._rng.normal(size=hours), self.world.memory
        path = np.empty(hours)
        path[0] = noise[0]
        for i in range(1, hours):
            path[i] = memory * path[i - 1] + np.sqrt(1 - memory**2) * noise[i]
        made: Floats = self.world.sd * path
        return made


def _cuts(parts: int) -> Floats:
    """Where a normal variable is cut into parts of equal chances, or of those of Zipf's law."""
    chances = np.ones(parts) if parts <= ALIKE or parts == BINS else 1 / np.arange(1, parts + 1)
    found: Floats = ndtri(np.cumsum(chances)[:-1] / chances.sum())
    return found


def _ordered(cuts: Floats) -> Bins:
    return Ordered(cuts, np.concatenate((cuts[:1] - 0.5, (cuts[1:] + cuts[:-1]) / 2, cuts[-1:] + 0.5)))


def _shown(categories: int) -> int:
    return min(categories, CAP)


def _unordered(total: Counts, order: Counts) -> Bins:
    """The categories that the reference has, the most frequent first; what it lacks fills the room that is left."""
    names = [f"v{i}" for i in order]
    shown = _shown(len(total))
    others = int(np.count_nonzero(total)) - shown
    return Unordered(tuple(names[:shown]), tuple(names[shown : shown + max(others, 0)]))


def _places(total: Counts, order: Counts) -> Counts:
    """The bin of each category: its own, `other`, or `unseen` where the reference has none of it."""
    shown = _shown(len(total))
    places = np.empty(len(total), dtype=np.int64)
    places[order] = np.minimum(np.arange(len(total)), shown)
    places[total == 0] = shown + 1
    return places
