"""Shifts over several windows, of all columns of a window at once.

Columns with as many cells are the rows of one table, as for their scores: each has what it would have alone.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import SPECIAL, Counts, Floats
from monitor.drift.calibration import Calibration
from monitor.drift.onsets import SHARES, Cells, Factors, Onset, effects
from monitor.drift.phases import PartPhases
from monitor.pipeline.effects import DECIDING, Lasting, effect
from monitor.pipeline.judges import Judge
from monitor.pipeline.recent import Recent

TINY = 1e-300  # in place of 0 below a line
MOMENTS = 8  # of which what is expected is held: those of a window, of the ones before it, and of a late event's


class Window(NamedTuple):
    """The moment in its middle (UTC ms), and its counts by the few cells of all columns."""

    moment: int
    sums: Counts


class Kept:
    """The few cells of all columns, of which counts are kept from window to window: in one flat vector each column has
    the cells that are compared, then all its events. `width` is the vector's length, `first` where each column begins.
    """

    def __init__(self, cells: Sequence[Cells], sizes: Sequence[int]) -> None:
        """sizes: value bins of each column."""
        *self.first, self.width = itertools.accumulate((one.compared + 1 for one in cells), initial=0)
        *offsets, end = itertools.accumulate((size + SPECIAL for size in sizes), initial=0)
        self._spans = _small([(at, at + size) for at, size in zip(offsets, sizes, strict=True)]).ravel()
        moved, starts = [_small([])], []
        for one, at, size in zip(cells, offsets, sizes, strict=True):
            begins = at
            if not isinstance(one.order, slice):  # in another order they stand behind all others
                moved.append(at + one.order)
                begins, end = end, end + size
            starts.append(np.append(begins + one.starts, begins + size))
        self._moved = np.concatenate(moved)
        distinct = np.unique(np.concatenate(starts))
        self._starts = _small(distinct[distinct < end])
        totals = range(len(self._starts), len(self._starts) + len(sizes))
        places = [
            np.append(self._starts.searchsorted(own[: one.compared]), total)
            for one, own, total in zip(cells, starts, totals, strict=True)
        ]
        self._places = _small(np.concatenate(places))

    def of(self, counts: Counts) -> Counts:
        """The sums of a window's counts; shape (width,)."""
        sums = np.add.reduceat(np.concatenate((counts, counts[self._moved])), self._starts)
        totals = np.add.reduceat(counts, self._spans)[::2]
        made: Counts = np.concatenate((sums, totals))[self._places]
        return made


def _small(places: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Places in little room, for there is a model's worth of them in each of many."""
    return np.asarray(places, dtype=np.int32)


class Group:
    """Columns, by their places, whose shifts are estimated together; all have seasons or none has."""

    def __init__(
        self, places: Sequence[int], judges: Sequence[Judge], known: Sequence[Calibration], kept: Kept
    ) -> None:
        """judges, known: those of all columns."""
        self.places = places
        self._judges, self._known = [judges[i] for i in places], [known[i] for i in places]
        self._cells = self._judges[0].cells
        self._at = np.array([kept.first[i] for i in places])[:, None] + np.arange(self._cells.compared + 1)
        self._factors = Factors.of([found.onsets for found in self._known])
        self._design = np.array([found.design for found in self._known])[:, None]
        self._freedom = None if self._cells.ordered else self._cells.compared - 1
        self._moving = self._known[0].phases is not None
        apart = [found.phases.apart if isinstance(found.phases, PartPhases) else 0.0 for found in self._known]
        self._shared = np.minimum(apart, 1.0)[:, None]
        self._scale = self._cells.scale if self._cells.ordered else np.array([[j.cells.scale] for j in self._judges])
        self._steady = np.array([j.cells.expected for j in self._judges]), np.array([j.size for j in self._judges])
        self._held: Recent[int, tuple[Floats, Counts]] = Recent(MOMENTS)

    def tests(self, windows: Sequence[Window], references: Sequence[Counts]) -> Iterator[tuple[Lasting, ...]]:
        """Of each column the shifts that began with the newest window or before, where all that is needed is known."""
        sums = np.array([window.sums[self._at] for window in windows]).swapaxes(0, 1)
        newest, *others = [window.moment for window in windows]
        fine = [references[place] for place in self.places]
        expected = [self._expected(newest, fine), *(self._expected(moment) for moment in others)]
        shares, events = (np.array(part).swapaxes(0, 1) for part in zip(*expected, strict=True))
        away = self._cells.shares(sums) - shares
        squares = effects(self._factors, away, self._scales(shares), ordered=self._cells.ordered).tolist()
        noise = (self._design * self._noise(sums[..., -1], events)).tolist()
        empty = (sums[..., -1] == 0).tolist()
        for row, found in enumerate(self._known):
            usable = [*empty[row], True].index(True)
            yield tuple(
                self._lasting(onset, squares[row][onset.windows - 1], noise[row][onset.windows - 1])
                for onset in found.onsets
                if len(onset.coefficients) <= usable
            )

    def _expected(self, moment: int, fine: Sequence[Counts] | None = None) -> tuple[Floats, Counts]:
        """The reference's shares of each column at a moment, and the events that they are of.

        fine: its counts by value bin, where they have been made.
        """
        if not self._moving:
            return self._steady
        held = self._held.get(moment)
        return held or self._held.put(moment, self._made(fine or self._references(moment)), 1)

    def _references(self, moment: int) -> list[Counts]:
        return [judge.reference(known, moment) for judge, known in zip(self._judges, self._known, strict=True)]

    def _made(self, fine: Sequence[Counts]) -> tuple[Floats, Counts]:
        sums = np.array([judge.cells.of(counts) for judge, counts in zip(self._judges, fine, strict=True)])
        return self._cells.shares(sums), sums[:, -1]

    def _scales(self, expected: Floats) -> Floats:
        """What squares of distances are multiplied by; expected: shares, shape (columns, windows, shares).

        A category's distances vary as its share in the hours of the windows does. Where that is more than it has over
        the day, they count for less; else as over the day, for what is rare in an hour comes in ones and twos.
        """
        if self._cells.ordered or not self._moving:
            return self._scale
        squares = self._factors.estimate[..., : expected.shape[1]] ** 2
        sums = np.add.reduce(squares[..., None] * expected[:, None], axis=2)
        means = sums / np.maximum(np.add.reduce(squares, axis=-1), TINY)[..., None]
        made: Floats = np.minimum(self._scale, 1 / np.maximum(means, TINY))
        return made

    def _noise(self, sizes: Counts, references: Counts) -> Floats:
        """What sampling adds to each estimate; shape (columns, WINDOWS).

        sizes, references: events of each window and of what it is compared with, shape (columns, windows). Without
        seasons the latter are the same events for all windows. What a segment is expected to be in its phases is made
        of what tells it from all events, the same for all windows, and of their counts in each phase.
        """
        factors = self._factors.estimate[..., : sizes.shape[1]]
        squares = factors * factors
        own = np.add.reduce(squares / np.maximum(sizes, 1)[:, None], axis=-1)
        if self._moving:
            shared, alone = self._shared, np.maximum(1 / np.maximum(references, 1) - self._shared, 0.0)
        else:
            shared, alone = 1 / np.maximum(references[:, :1], 1), np.zeros(references.shape)
        others = np.add.reduce(factors, axis=-1) ** 2 * shared + np.add.reduce(squares * alone[:, None], axis=-1)
        made: Floats = own + others
        return made

    def _lasting(self, onset: Onset, squared: float, noise: float) -> Lasting:
        weight = DECIDING * SHARES[onset.windows]
        return Lasting(onset.windows, effect(squared, noise, onset.variation, weight, freedom=self._freedom))


def grouped(judges: Sequence[Judge], known: Sequence[Calibration], kept: Kept) -> list[Group]:
    """The columns whose shifts over several windows are judged, by what makes them alike."""
    alike: defaultdict[tuple[bool, int, bool], list[int]] = defaultdict(list)
    for place, (judge, found) in enumerate(zip(judges, known, strict=True)):
        cells = judge.cells
        if judge.calibrated and found.onsets and cells.compared > 1:
            alike[cells.ordered, cells.compared, found.phases is not None].append(place)
    return [Group(places, judges, known, kept) for places in alike.values()]


def tests(
    groups: Sequence[Group], windows: Sequence[Window], references: Sequence[Counts]
) -> dict[int, tuple[Lasting, ...]]:
    """Of each column, by its place, the shifts that last.

    windows: the one that is judged, then those before it. references: what the first is compared with, of all columns.
    """
    if len(windows) < 2:
        return {}
    found = ((group.places, group.tests(windows, references)) for group in groups)
    return dict(itertools.chain.from_iterable(zip(*pair, strict=True) for pair in found))
