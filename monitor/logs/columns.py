"""Values to counts: which cell of a profile's flat vector every value of a column falls in.

Numeric values travel as floats, with nan for a missing value and infinity for an invalid one: JSON has neither, and a
sorted column then shows bins, invalid and missing one behind the other. Categories travel as cells of the flat vector.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import INVALID, MISSING, Counts, Floats, Ordered, Unordered
from monitor.drift.profiles import Column, Profile
from monitor.drift.segments import Segmentation
from monitor.drift.windows import Windows
from monitor.logs.derive import Cells, FromRows, from_values

NO_NUMBER = math.inf  # an invalid value of a numeric column
MISSING_NUMBER = math.nan
NO_CATEGORY = object()  # an invalid value of a categorical column; None is a missing one
SOURCES = ("feature", "segment", "prediction")  # roles of columns that events bring, in the order of a layout
FEW = 100  # events of a pane below which sorting its columns costs more than looking each value up

Narrow = npt.NDArray[np.integer[Any]]  # counts, as wide as they need


class Table(dict[object, int]):
    """Cells of one categorical column: by name, by None and NO_CATEGORY; any other name is unseen.

    Only names are stored, for a dict that holds nothing but strings looks them up faster.
    """

    def __init__(self, column: Column, start: int) -> None:
        assert isinstance(column.bins, Unordered)
        super().__init__(column.bins.codes(start).items())
        self._missing = start + column.size + MISSING
        self._invalid = start + column.size + INVALID
        self._unseen = start + column.bins.unseen

    def __missing__(self, name: object) -> int:
        return self._missing if name is None else self._invalid if name is NO_CATEGORY else self._unseen


@dataclass(frozen=True, slots=True)
class Part:
    """Events of one target: their places in the batch and times, shape (n,), and the values of their columns.

    floats: shape (numeric columns, n), those made of single values last. cells: shape (categorical columns, n).
    """

    index: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    floats: Floats
    cells: Cells

    def take(self, kept: npt.NDArray[np.bool_] | npt.NDArray[np.intp] | slice) -> Part:
        """Some of the events."""
        return Part(self.index[kept], self.times[kept], self.floats[:, kept], self.cells[:, kept])


class Layout:
    """How a profile's columns are read and counted; `numeric` and `categorical` have features first, a prediction last.

    These two have the columns that events bring, `values` those that are made of a single value of an event.
    `segments` are the names of those that stand in the events' segments.
    """

    def __init__(self, profile: Profile, segmentations: Sequence[Segmentation] = ()) -> None:
        self.profile = profile
        self.values = from_values(profile)
        brought = [i for i, column in enumerate(profile.columns) if column.derived is None]
        features = {profile.columns[i].name for i in brought if profile.columns[i].role == "feature"}
        self.features = frozenset(features | {value.source for value in self.values})
        self.segments = tuple(column.name for column in profile.columns if column.role == "segment")
        by_source = sorted(brought, key=lambda i: SOURCES.index(profile.columns[i].role))
        self.numeric = tuple(i for i in by_source if profile.columns[i].ordered)
        self.categorical = tuple(i for i in by_source if not profile.columns[i].ordered)
        self.tables = tuple(Table(profile.columns[i], profile.offsets[i]) for i in self.categorical)
        read = (*self.numeric, *(value.index for value in self.values))
        self._derive = FromRows(profile, floats=read, cells=self.categorical)
        self._floating = (*read, *self._derive.ordered)
        edges = (bins.edges for i in self._floating if isinstance(bins := profile.columns[i].bins, Ordered))
        self.cuts = tuple(np.concatenate((known, (NO_NUMBER, MISSING_NUMBER))) for known in edges)
        rows = {i: row for row, i in enumerate((*self.categorical, *self._derive.unordered))}
        self._parts = tuple(Parts(profile, found, rows) for found in segmentations)

    def count_panes(self, part: Part, windows: Windows) -> Iterator[tuple[str, int, Narrow]]:
        """Counts by segment and pane, of those that hold any of the events; narrow where there may be many.

        All events come first, under the name "", then the segments; of each the earliest pane first.
        """
        panes = windows.panes_of(part.times)
        floats, cells = self._derive(part.times, part.floats, part.cells)
        for pane, counts in self._by_pane(panes, floats, cells):
            yield "", pane, counts
        for parts in self._parts:
            for segment, chosen in parts(cells):
                for pane, counts in self._by_pane(panes[chosen], floats[:, chosen], cells[:, chosen]):
                    yield segment, pane, counts

    def _by_pane(self, panes: Counts, floats: Floats, cells: Cells) -> Iterator[tuple[int, Narrow]]:
        """Counts of each pane that holds any of the events, earliest first."""
        first = int(panes[0])
        if len(panes) >= FEW and np.all(panes == first):
            yield first, self.count(floats, cells)
            return
        order = np.argsort(panes, kind="stable")
        starts, begins = np.unique(panes[order], return_index=True)
        floats, cells = floats[:, order], cells[:, order]
        ends = [*begins[1:].tolist(), len(panes)]
        few = len(panes) < FEW * len(starts)
        for pane, begin, end in zip(starts.tolist(), begins.tolist(), ends, strict=True):
            values = floats[:, begin:end], cells[:, begin:end]
            yield pane, self.count_few(*values).astype(np.min_scalar_type(end - begin)) if few else self.count(*values)

    def count(self, floats: Floats, cells: Cells) -> Counts:
        """Counts of many events: each numeric column is sorted and its edges are looked up in it."""
        counts = np.bincount(cells.ravel(), minlength=self.profile.size).astype(np.int64, copy=False)
        ranked = np.sort(floats, axis=1)
        for i, column, cuts in zip(self._floating, ranked, self.cuts, strict=True):
            below = column.searchsorted(cuts)  # nan sorts last
            start, stop = self.profile.offsets[i], self.profile.offsets[i + 1]
            counts[start] = below[0]
            np.subtract(below[1:], below[:-1], out=counts[start + 1 : stop - 1])
            counts[stop - 1] = counts[stop - 2]  # the vector has missing before invalid
            counts[stop - 2] = len(column) - below[-1]
        return counts

    def count_few(self, floats: Floats, cells: Cells) -> Counts:
        """The same counts, value by value: for the few events of one pane among many."""
        found = [cells.ravel()]
        for i, column, cuts in zip(self._floating, floats, self.cuts, strict=True):
            codes = cuts[:-2].searchsorted(column, side="right")
            codes[np.isposinf(column)] = len(cuts)
            codes[np.isnan(column)] = len(cuts) - 1
            found.append(self.profile.offsets[i] + codes)
        return np.bincount(np.concatenate(found), minlength=self.profile.size).astype(np.int64, copy=False)


class Parts:
    """Tells the segments of a segmentation apart; `rows` has the places of the profile's columns in rows of cells."""

    def __init__(self, profile: Profile, segmentation: Segmentation, rows: Mapping[int, int]) -> None:
        places = {column.name: i for i, column in enumerate(profile.columns)}
        chosen = [places[name] for name in segmentation.columns]
        self._names = tuple(segmentation.segments)
        self._lookup = segmentation.lookup([profile.columns[i].bins for i in chosen])
        self._rows = [(rows[i], profile.offsets[i]) for i in chosen]

    def __call__(self, cells: Cells) -> Iterator[tuple[str, npt.NDArray[np.intp]]]:
        """Each segment that holds any of the events, with their places in their order."""
        found = self._lookup([cells[row] - offset for row, offset in self._rows])
        order = np.argsort(found, kind="stable")
        held, begins = np.unique(found[order], return_index=True)
        for place, chosen in zip(held.tolist(), np.split(order, begins[1:]), strict=True):
            yield self._names[place], chosen


def join(parts: Sequence[Part]) -> Part:
    """All events of the parts."""
    if len(parts) == 1:
        return parts[0]
    return Part(
        np.concatenate([part.index for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.floats for part in parts], axis=1),
        np.concatenate([part.cells for part in parts], axis=1),
    )
