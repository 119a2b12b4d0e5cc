"""Derived columns of a batch: what follows from events' times and other columns, and from single values as logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import Floats, Unordered
from monitor.drift.derivations import standards
from monitor.drift.derived import function
from monitor.drift.derived.standard import Standard
from monitor.drift.profiles import Column, Profile

Times = npt.NDArray[np.int64]
Cells = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FromValue:
    """Column `index` of the profile is a number made of one value of the event: `source`, a text or numbers."""

    index: int
    source: str
    takes: str
    compute: Callable[[object], float]


def from_values(profile: Profile) -> tuple[FromValue, ...]:
    """The profile's columns that are made of single values, in its order."""
    found = []
    for i, column in enumerate(profile.columns):
        if column.derived and (known := function(column.derived.function)).takes_value:
            compute = known.prepare(column.derived.parameters)
            found.append(FromValue(i, column.derived.inputs[0], known.takes, compute))
    return tuple(found)


class FromRows:
    """The profile's columns that are made of times and of several columns: `ordered` give floats, `unordered` cells.

    floats and cells: places of the profile's columns in the rows of a part.
    """

    def __init__(self, profile: Profile, *, floats: Sequence[int], cells: Sequence[int]) -> None:
        self._rows = {i: row for rows in (floats, cells) for row, i in enumerate(rows)}
        self._profile = profile
        made = [(i, column) for i, column in enumerate(profile.columns) if column.derived]
        later = [(i, c) for i, c in made if c.derived and not function(c.derived.function).takes_value]
        self.ordered = tuple(i for i, column in later if column.ordered)
        self.unordered = tuple(i for i, column in later if not column.ordered)
        self._made = {i: self._maker(i, column) for i, column in later}

    def __call__(self, times: Times, floats: Floats, cells: Cells) -> tuple[Floats, Cells]:
        """The rows with those of the derived columns below them; shapes (rows, n)."""
        if not self._made:
            return floats, cells
        made = [[self._made[i](times, floats, cells) for i in places] for places in (self.ordered, self.unordered)]
        return np.vstack([floats, *made[0]]), np.vstack([cells, *made[1]])

    def _maker(self, i: int, column: Column) -> Callable[[Times, Floats, Cells], npt.NDArray[Any]]:
        assert column.derived is not None
        known = function(column.derived.function)
        if known.takes == "time":
            assert isinstance(column.bins, Unordered)
            assert known.names is not None
            compute, codes = known.prepare(column.derived.parameters), column.bins.codes()
            named = [codes.get(name, column.bins.unseen) for name in known.names]
            table = np.array(named, dtype=np.int64) + self._profile.offsets[i]
            return lambda times, floats, cells: table[compute(times)]
        inputs = [self._input(*found) for found in standards(self._profile, column.derived)]
        combine = known.prepare(column.derived.parameters, columns=len(inputs))
        return lambda times, floats, cells: combine([read(floats, cells) for read in inputs])

    def _input(self, i: int, standard: Standard) -> Callable[[Floats, Cells], Floats]:
        """Standardized numbers of one of the columns that were read."""
        row, offset = self._rows[i], self._profile.offsets[i]
        if self._profile.columns[i].ordered:
            return lambda floats, cells: standard(floats[row])
        return lambda floats, cells: standard(cells[row] - offset)


def by_source(values: Sequence[FromValue]) -> Mapping[str, list[FromValue]]:
    """Columns made of single values, by what they read."""
    names = dict.fromkeys(value.source for value in values)
    return {name: [value for value in values if value.source == name] for name in names}
