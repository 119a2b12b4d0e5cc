"""Columns as standardized numbers, which functions of several columns read.

A number becomes (x - center) / scale. A category becomes its share of the reference's events, standardized likewise: a
table with a number for each of the column's cells. Missing and invalid numbers lie at the reference's mean, 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import Floats
from monitor.errors import DriftlineError

FARTHEST = 1e9  # standard deviations that are told apart, so that no sum of squares overflows
MOST_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Standard:
    """How one column is standardized; `table` is of a categorical column, with a number for each cell."""

    center: float = 0.0
    scale: float = 1.0
    table: Floats | None = None

    def __call__(self, values: npt.NDArray[Any]) -> Floats:
        """Standardized numbers of values, or of cells counted from the column's first; shape of both: (n,)."""
        if self.table is not None:
            found: Floats = self.table[values]
            return found
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.clip((values - self.center) / self.scale, -FARTHEST, FARTHEST)
        return np.where(np.isfinite(values), scaled, 0.0)

    def encode(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"center": self.center, "scale": self.scale} if self.table is None else {"table": self.table.tolist()}


def fit_numbers(values: Floats) -> Standard:
    """Mean and standard deviation (as of a population) of the finite values; a scale of 1 where they do not vary.

    Missing values are taken for the mean, as NannyML does, so they lower the deviation. Raises DriftlineError where the
    values are so large that their squares are infinite.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return Standard()
    with np.errstate(over="ignore", invalid="ignore"):
        center = float(values[finite].mean())
        scale = float(np.where(finite, values, center).std())
    if not math.isfinite(scale):
        most = float(np.abs(values[finite]).max())
        raise DriftlineError(f"expected numbers whose squares are finite, got {most:g}; leave the column out")
    return Standard(center, scale if scale > 0 else 1.0)


def fit_cells(cells: npt.NDArray[Any], counts: npt.NDArray[np.int64], *, missing: int) -> Standard:
    """Share of each cell of a categorical column among the events that have one; missing as the most frequent.

    cells: each event's cell; counts: events per cell, the last two missing and invalid.
    """
    present = counts.copy()
    present[missing:] = 0
    total = max(int(counts.sum()), 1)
    present[int(present.argmax())] += int(counts[missing:].sum())
    shares = present / total
    shares[missing:] = shares.max()
    values = shares[cells]
    scale = float(values.std()) or 1.0
    return Standard(table=(shares - float(values.mean())) / scale)


def decode(document: Any, column: str) -> Standard:
    """What `encode` wrote. Raises DriftlineError where it is something else."""
    numbers = [*document.values()] if isinstance(document, Mapping) else []
    table = document.get("table") if numbers else None
    if table is not None:
        numbers = table if isinstance(table, list) else []
    if not numbers or not all(type(x) in (int, float) and math.isfinite(x) for x in numbers):
        raise DriftlineError(f"column {column!r}: expected `center` and `scale`, or `table`, of numbers")
    if table is not None:
        return Standard(table=np.array(table, dtype=np.float64))
    if set(document) != {"center", "scale"} or document["scale"] <= 0:
        raise DriftlineError(f"column {column!r}: expected `center` and a `scale` above 0")
    return Standard(float(document["center"]), float(document["scale"]))


def weights(parameters: Mapping[str, Any], key: str, columns: int) -> list[list[float]]:
    """Rows of weights, one weight for each of the columns. Raises DriftlineError where they are something else."""
    rows = parameters.get(key)
    if not isinstance(rows, list) or not all(
        isinstance(row, list) and len(row) == columns and all(type(x) in (int, float) and math.isfinite(x) for x in row)
        for row in rows
    ):
        raise DriftlineError(f"expected `{key}`, rows of {columns} numbers")
    return [[float(x) for x in row] for row in rows]


def weighted(row: Sequence[float], columns: Sequence[Floats]) -> Floats:
    """Σ weight · column, from the first to the last: the same bits in any batch."""
    total = np.zeros(len(columns[0]))
    for weight, column in zip(row, columns, strict=True):
        total += weight * column
    return total
