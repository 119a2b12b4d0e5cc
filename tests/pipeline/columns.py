"""Columns of a reference made from values, and what a window's counts of them are found to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from monitor.config import ColumnRules
from monitor.drift.bins import Counts, Floats, Ordered, count_ordered, count_unordered, ordered_bins
from monitor.drift.bins import unordered_bins as unordered
from monitor.drift.profiles import Column, Profile
from monitor.pipeline.compare import Comparison
from monitor.pipeline.results import ColumnResult

PVALUE = 0.001


def numeric(values: Floats, *, name: str = "age", bins: int | None = None) -> Column:
    made = ordered_bins(values, bins=bins)
    return Column(name, "feature", made, np.append(count_ordered(made, values), [0, 0]))


def categorical(counts: Mapping[str, int], *, name: str = "city", cap: int = 1000) -> Column:
    made = unordered(counts, cap=cap)
    names = [name for name, count in counts.items() for _ in range(count)]
    return Column(name, "feature", made, np.append(count_unordered(made, names), [0, 0]))


def counted(column: Column, values: Floats | Sequence[str], *, missing: int = 0, invalid: int = 0) -> Counts:
    """A window's counts of a column."""
    if isinstance(column.bins, Ordered):
        found = count_ordered(column.bins, np.asarray(values, dtype=float))
    else:
        found = count_unordered(column.bins, [str(value) for value in values])
    return np.append(found, [missing, invalid])


def compared(column: Column, counts: Counts, rules: ColumnRules | None = None, *, least: int = 50) -> ColumnResult:
    """The column's result, in a model that has no other column."""
    comparison = Comparison(
        Profile("m", "1", (column,)), {column.name: rules or ColumnRules()}, pvalue=PVALUE, min_events=least
    )
    verdict, columns = comparison(counts)
    assert verdict == columns[column.name].verdict
    return columns[column.name]
