"""The scores of a window's columns by all of their methods, each on the view of the counts that it asks for.

Columns with the same methods and as many bins are scored together, as the rows of one table: an operation on twenty
rows costs little more than one on a single row, and each row has what it would have alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import POOL_EXPECTED, Counts, Floats, pooled_cells
from monitor.drift.methods import Method
from monitor.drift.samples import Compared, Sample
from monitor.drift.thresholds import Widths


class Layout(NamedTuple):
    """How a column is scored: where each of its few bins begins, and a value for every bin, of numbers."""

    methods: tuple[Method, ...]
    starts: npt.NDArray[np.intp]
    positions: Floats | None


class Group(NamedTuple):
    """Columns, by their places, that are scored together."""

    places: tuple[int, ...]
    methods: tuple[Method, ...]
    layouts: tuple[Layout, ...]


class Scores(NamedTuple):
    """Of a column by method, not rounded; the events of both samples, and how many cells were compared."""

    statistics: Mapping[str, float]
    pvalues: Mapping[str, float | None]
    n_reference: int
    n: int
    widths: Widths


Made = tuple[list[float], list[float | None]]  # of each row


def grouped(columns: Sequence[tuple[Layout, int]]) -> tuple[Group, ...]:
    """The columns, each with the number of its bins, by what makes them alike."""
    alike: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for place, (layout, bins) in enumerate(columns):
        alike[layout.methods, bins, len(layout.starts), layout.positions is None].append(place)
    return tuple(
        Group(tuple(places), columns[places[0]][0].methods, tuple(columns[place][0] for place in places))
        for places in alike.values()
    )


def scores(groups: Sequence[Group], references: Sequence[Counts], values: Sequence[Counts]) -> list[Scores]:
    """What the methods make of each column of a window; references, values: counts of the value bins."""
    found: dict[int, Scores] = {}
    for group in groups:
        sides = (np.array([side[place] for place in group.places]) for side in (references, values))
        found.update(zip(group.places, _scores(group, *sides), strict=True))
    return [found[place] for place in range(len(values))]


def _scores(group: Group, reference: Counts, values: Counts) -> Iterator[Scores]:
    """Of every row; counts have shape (columns, bins)."""
    positions = [layout.positions for layout in group.layouts if layout.positions is not None]
    fine = Compared(Sample(reference, positions=np.array(positions) if positions else None), values)
    asked = {method.bins for method in group.methods}
    coarse = _coarse(group, fine) if "coarse" in asked else None
    pooled = list(_pooled(reference, values)) if "pooled" in asked else []
    made: list[Made] = []
    for method in group.methods:
        side = coarse if method.bins == "coarse" and coarse else fine
        made.append(_apart(method, pooled) if method.bins == "pooled" else _together(method, side))
    names = [method.name for method in group.methods]
    statistics, pvalues = (zip(*part, strict=True) for part in zip(*made, strict=True))
    few, then, now = len(group.layouts[0].starts), fine.reference.n.tolist(), fine.n.tolist()
    cells = {row: side.counts.shape[1] for rows, side in pooled for row in rows}
    for i, (own, chances) in enumerate(zip(statistics, pvalues, strict=True)):
        widths = Widths(values.shape[1], few, cells.get(i, 0))
        yield Scores(
            dict(zip(names, own, strict=True)), dict(zip(names, chances, strict=True)), then[i], now[i], widths
        )


def _together(method: Method, side: Compared) -> Made:
    """Statistics and p-values of all rows."""
    statistic, pvalue = method.rows(side.reference, side)
    return statistic.tolist(), [None] * len(side.counts) if pvalue is None else pvalue.tolist()


def _apart(method: Method, sides: Sequence[tuple[Sequence[int], Compared]]) -> Made:
    """The same of rows that differ in length; sides: by length, each with its rows."""
    found: dict[int, tuple[float, float | None]] = {}
    for rows, side in sides:
        found.update(zip(rows, zip(*_together(method, side), strict=True), strict=True))
    statistics, pvalues = zip(*(found[row] for row in range(len(found))), strict=True)
    return list(statistics), list(pvalues)


def _coarse(group: Group, fine: Compared) -> Compared:
    """The same counts by few bins."""
    rows, bins = fine.counts.shape
    starts = np.concatenate([layout.starts + i * bins for i, layout in enumerate(group.layouts)])
    then, now = (np.add.reduceat(side.counts.ravel(), starts).reshape(rows, -1) for side in (fine.reference, fine))
    return Compared(Sample(then), now)


def _pooled(reference: Counts, values: Counts) -> Iterator[tuple[list[int], Compared]]:
    """The counts on cells that both samples can expect events in: rows with as many of them together, and which.

    The shared cell holds what the reference has little of, or nothing. As many events as it lacks of five are added to
    both samples in their own proportion: one unseen event is then no alarm, and ten in a hundred are.
    """
    n, size = (np.add.reduce(side, axis=1) for side in (values, reference))
    cells = pooled_cells(reference, n)
    width = int(cells.max()) + 1
    flat = (np.arange(len(n))[:, None] * width + cells).ravel()
    few, current = (
        np.bincount(flat, side.ravel(), len(n) * width).astype(np.int64).reshape(len(n), width)
        for side in (reference, values)
    )
    shared, smaller = cells[:, -1], np.minimum(n, size)
    some = np.flatnonzero(smaller)
    last, least, most = shared[some], smaller[some], size[some]
    lacking = np.maximum(POOL_EXPECTED - few[some, last] * least / most, 0.0) / least
    few[some, last] += np.ceil(lacking * most).astype(np.int64)
    current[some, last] += np.ceil(lacking * n[some]).astype(np.int64)
    for place in np.unique(shared):
        alike = np.flatnonzero(shared == place)
        yield alike.tolist(), Compared(Sample(few[alike, : place + 1]), current[alike, : place + 1])
