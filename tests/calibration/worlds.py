"""Models whose truth is known: a reference and the windows after it, counted straight from the bins' probabilities.

Every column is a normal variable, or the categories that it falls into, whose mean wanders (an AR(1) process of a given
deviation and memory), swings with the day and the week, and has a shift where a trial asks for one. Columns wander
independently of each other, which is the worst case for the pages of a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from monitor.drift.bins import SPECIAL, Bins, Counts, Floats, Ordered, Unordered
from monitor.drift.profiles import Chunks, Column, Profile

HOUR = 3_600_000
START = 4 * 24 * HOUR  # a Monday
BINS = 100
MONTH = 720  # windows


@dataclass(frozen=True)
class World:
    """What is simulated; `chunks` and windows are hours, `n` the events of one, `sd` how far means wander.

    cluster: identical rows of an entity. swing: the largest hour of a day over its smallest. daily, weekly: how far
    means swing. numbers: columns that are numeric, the others have `categories`.
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


class Simulated:
    """One series of one model: its profile, and the counts of any hour after the reference."""

    def __init__(self, world: World, rng: np.random.Generator, *, hours: int = MONTH) -> None:
        self.world, self._rng = world, rng
        total = world.chunks + hours
        times = np.arange(total)
        season = world.daily * np.sin(2 * np.pi * times / 24) + world.weekly * (times // 24 % 7 >= 5)
        self._means = np.array([season + self._wander(total) for _ in range(world.columns)])
        self._cuts = [_cuts(world.categories) if i >= world.numbers else _cuts(BINS) for i in range(world.columns)]
        rate = world.n * np.exp(np.log(world.swing) / 2 * np.sin(2 * np.pi * (times - 6) / 24))
        self._rows = rng.poisson(rate / world.cluster)
        self.profile = self._profile()

    def window(self, hour: int, *, shifts: Mapping[int, float] | None = None) -> Counts:
        """The counts of an hour after the reference; shifts: of the means, by the column's place."""
        at = self.world.chunks + hour
        parts = [self._counts(i, slice(at, at + 1), (shifts or {}).get(i, 0.0))[0] for i in range(self.world.columns)]
        return np.concatenate(parts)

    def start(self, hour: int) -> int:
        """The event time of an hour after the reference."""
        return START + (self.world.chunks + hour) * HOUR

    def month(self) -> Counts:
        """The counts of all hours after the reference, shape (hours, cells)."""
        after = slice(self.world.chunks, None)
        return np.concatenate([self._counts(i, after) for i in range(self.world.columns)], axis=1)

    def _profile(self) -> Profile:
        counts = [self._counts(i, slice(0, self.world.chunks)) for i in range(self.world.columns)]
        columns = tuple(
            Column(f"c{i:02}", "feature", _bins(cuts, ordered=i < self.world.numbers), counts[i].sum(axis=0))
            for i, cuts in enumerate(self._cuts)
        )
        starts = tuple(START + hour * HOUR for hour in range(self.world.chunks))
        chunks = Chunks.of(HOUR, starts, np.concatenate(counts, axis=1).astype(np.int32))
        return Profile("m", "1", columns, START, starts[-1] + HOUR - 1, chunks)

    def _counts(self, column: int, hours: slice, shift: float = 0.0) -> Counts:
        means = self._means[column, hours, None] + shift
        edges = np.pad(ndtr(self._cuts[column] - means), ((0, 0), (1, 1)), constant_values=((0, 0), (0.0, 1.0)))
        rows = self._rng.multinomial(self._rows[hours], np.diff(edges, axis=1)) * self.world.cluster
        spare = SPECIAL if column < self.world.numbers else SPECIAL + 2
        return np.pad(rows, ((0, 0), (0, spare)))

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
    """Where a normal variable is cut into parts of equal chances."""
    found: Floats = ndtri(np.arange(1, parts) / parts)
    return found


def _bins(cuts: Floats, *, ordered: bool) -> Bins:
    if ordered:
        return Ordered(cuts, np.concatenate((cuts[:1] - 0.5, (cuts[1:] + cuts[:-1]) / 2, cuts[-1:] + 0.5)))
    return Unordered(tuple(f"v{i}" for i in range(len(cuts) + 1)))
