"""Has a column shifted some windows ago, and stayed there? Several windows tell what a single one cannot.

Where every window wanders for itself, the mean of three wanders less. Where one resembles the one before, a shift shows
in the step between the two. The estimate of a shift that began m windows ago, by generalised least squares on a first
order autoregression (Fox 1972, a level shift in a time series), is both: with memory r and a = 1 - r,

    shift = (e[m-1] + a (e[0] + ... + e[m-2])) / (1 + (m - 1) a^2),   e[i] = x[i] - r x[i+1]

of the distances x from the reference, x[0] the newest window's. Without memory that is their mean. The memory only
chooses the estimate: how far it goes in clean windows is read from the reference, by the same sums of its stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import POOL_EXPECTED, Bins, Counts, Floats, Ordered, coarse_starts, pooled_cells
from monitor.drift.variation import Variation

WINDOWS = 3  # the earliest onset that is looked for
BEFORE = WINDOWS  # windows before the newest one that are needed for it
CELLS = 20  # of numbers, between which cumulative shares are compared
TYPICAL = 1_000  # events; categories of which it has fewer than five on average are compared together
LEAST = 10  # sums of the reference's stretches by which an estimate is judged
LEAST_MEMORY = 0.25  # below it the mean is as good an estimate
LARGER = 2.0  # an estimate may be this many times what its windows show

# Of what a column may spend on its distribution: the newest window alone, and an onset one, two and three windows ago.
# They are more than one together: windows that overlap exceed their limits together, and make one episode.
ALONE, SHARES = 0.3, {1: 0.2, 2: 0.2, 3: 0.8}

NONE: Floats = np.zeros(0)
ONE: Floats = np.ones(1)


class Onset(NamedTuple):
    """The estimate of a shift that began with the m-th newest window: a sum of distances, the newest first."""

    windows: int
    coefficients: tuple[float, ...]
    variation: Variation


def coefficients(windows: int, memory: float) -> tuple[float, ...]:
    """Those of the windows, the newest first, and of the one before them where there is memory to speak of.

    >>> [round(c, 2) for c in coefficients(3, 0.0)], [round(c, 2) for c in coefficients(2, 0.8)]
    ([0.33, 0.33, 0.33], [0.19, 0.81, -0.77])
    """
    memory = memory if memory >= LEAST_MEMORY else 0.0
    steady = 1 - memory
    innovations = [steady] * (windows - 1) + [1.0]
    sums = [a - memory * b for a, b in zip([*innovations, 0.0], [0.0, *innovations], strict=True)]
    made = tuple(value / (1 + (windows - 1) * steady * steady) for value in sums)
    return made if memory else made[:-1]


class Factors(NamedTuple):
    """Of several columns and each onset, by its windows: what each window counts for in the estimate, and in the mean
    since the shift began; shape (columns, WINDOWS, WINDOWS + 1), with zeros where there is no such onset.
    """

    estimate: Floats
    since: Floats

    @classmethod
    def of(cls, columns: Sequence[Sequence[Onset]]) -> Factors:
        """Those of every column's onsets."""
        estimate, since = np.zeros((2, len(columns), WINDOWS, WINDOWS + 1))
        for row, onsets in enumerate(columns):
            for onset in onsets:
                estimate[row, onset.windows - 1, : len(onset.coefficients)] = onset.coefficients
                since[row, onset.windows - 1, : onset.windows] = 1 / onset.windows
        return cls(estimate, since)


def effects(factors: Factors, away: Floats, scale: Floats, *, ordered: bool) -> Floats:
    """The squared size of the shift by each estimate; shape (columns, WINDOWS).

    away: distances from the reference, shape (columns, windows, shares), the newest window first. scale: of their
    squares, shape (columns, 1, shares) or (1,). Of numbers the largest of any cut, of categories the sum. A shift that
    lasts shows in the newest window and in the mean since it began: a window that stood out alone, or the return from
    a drift, is none.
    """
    windows = away.shape[1]
    found, mean = (np.add.reduce(part[..., :windows, None] * away[:, None], axis=2) for part in factors)
    # Where one of the two has another sign than the estimate, what is shown of it is negative.
    sides = np.sign(found)
    shown = LARGER * np.minimum(sides * mean, sides * away[:, :1])
    squares = scale * np.maximum(np.minimum(np.abs(found), shown), 0.0) ** 2
    made: Floats = squares.max(axis=-1) if ordered else np.add.reduce(squares, axis=-1)
    return made


@dataclass(frozen=True, slots=True)
class Cells:
    """The few cells of a column of which counts are kept from window to window: of its value bins in this `order` each
    begins at its start. Only the first `compared` of them are compared: the last may be too rare.

    `expected` are the reference's shares, cumulative those of numbers; `scale` is of squared distances from them.
    """

    order: npt.NDArray[np.int32] | slice
    starts: npt.NDArray[np.intp]
    compared: int
    ordered: bool
    expected: Floats
    scale: Floats

    def of(self, counts: Counts) -> Counts:
        """Sums by cell of counts of the value bins, shape (..., bins), and of all of them; shape (..., cells + 1)."""
        sums = np.add.reduceat(counts[..., self.order], self.starts, axis=-1, dtype=np.int64)[..., : self.compared]
        made: Counts = np.concatenate((sums, np.add.reduce(counts, axis=-1, keepdims=True, dtype=np.int64)), axis=-1)
        return made

    def summed(self, sums: Counts) -> Counts:
        """What has a share: of sums by cell all of them, of numbers cumulative; shape (..., shares)."""
        return sums[..., :-1].cumsum(axis=-1)[..., :-1] if self.ordered else sums[..., :-1]

    def shares(self, sums: Counts) -> Floats:
        """The shares, from sums by cell."""
        made: Floats = self.summed(sums) / np.maximum(sums[..., -1:], 1)
        return made


def cells(bins: Bins, fine: Counts) -> Cells:
    """The cells of a column by its reference alone; fine: counts of the value bins."""
    if isinstance(bins, Ordered):
        starts = coarse_starts(bins, fine, cells=CELLS)
        return _with_shares(Cells(slice(None), starts, len(starts), True, NONE, NONE), fine)
    places = pooled_cells(fine, TYPICAL)
    order = np.argsort(places, kind="stable").astype(np.int32)  # a hundred models have thousands of columns
    starts = np.flatnonzero(np.concatenate(([True], np.diff(places[order]) > 0)))
    size, rare = int(fine.sum()), int(fine[order[starts[-1] :]].sum())
    few = rare * min(TYPICAL, size) < POOL_EXPECTED * max(size, 1)
    return _with_shares(Cells(order, starts, len(starts) - few, False, NONE, NONE), fine)


def _with_shares(made: Cells, fine: Counts) -> Cells:
    expected = made.shares(made.of(fine))
    return replace(made, expected=expected, scale=ONE if made.ordered else 1 / expected)
