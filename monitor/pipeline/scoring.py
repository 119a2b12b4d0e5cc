"""A column's scores by all of its methods, each on the view of the counts that it asks for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import POOL_EXPECTED, Counts, Floats, pooled_cells
from monitor.drift.methods import Method, View
from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Score
from monitor.drift.thresholds import Widths


class Views(NamedTuple):
    """Counts of a column's value bins as they are, and summed to few."""

    fine: Sample
    coarse: Sample


class Scores(NamedTuple):
    """The scores by method, not rounded, and how many cells were compared."""

    of: Mapping[str, Score]
    widths: Widths


def views(values: Counts, n: int, *, starts: npt.NDArray[np.intp], positions: Floats | None) -> Views:
    """The views of `n` events; starts: of the few bins. positions: a value for every bin, of numbers."""
    return Views(Sample(values, positions=positions, n=n), Sample(np.add.reduceat(values, starts), n=n))


def scores(methods: Sequence[Method], reference: Views, values: Counts, n: int, starts: npt.NDArray[np.intp]) -> Scores:
    """What the methods make of a window's `n` events beside the reference; starts: of the few bins."""
    asked = {method.bins for method in methods}
    sides = {view: (side.reference, side) for view, side in _sides(asked, reference, values, n, starts)}
    of = {method.name: method.score(*sides[method.bins]) for method in methods}
    return Scores(of, Widths(**{view: len(side.counts) for view, (_, side) in sides.items()}))


def _sides(
    asked: set[View], reference: Views, values: Counts, n: int, starts: npt.NDArray[np.intp]
) -> Iterator[tuple[View, Compared]]:
    if "fine" in asked:
        yield "fine", Compared(reference.fine, values, n=n)
    if "coarse" in asked:
        yield "coarse", Compared(reference.coarse, np.add.reduceat(values, starts), n=n)
    if "pooled" in asked:
        yield "pooled", _pooled(reference.fine, values, n)


def _pooled(reference: Sample, values: Counts, n: int) -> Compared:
    """The counts on cells that both samples can expect events in.

    The shared cell holds what the reference has little of, or nothing. As many events as it lacks of five are added to
    both samples in their own proportion: one unseen event is then no alarm, and ten in a hundred are.
    """
    cells, size = pooled_cells(reference.counts, n), reference.n
    few, current = (np.bincount(cells, weights=side).astype(np.int64) for side in (reference.counts, values))
    smaller, added = min(n, size), (0, 0)
    if smaller:
        lacking = max(POOL_EXPECTED - few[-1] * smaller / size, 0.0) / smaller
        added = math.ceil(lacking * size), math.ceil(lacking * n)
        few[-1] += added[0]
        current[-1] += added[1]
    return Compared(Sample(few, n=size + added[0]), current, n=n + added[1])
