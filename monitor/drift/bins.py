"""Bins map a column's values to integers; they belong to the reference and never move.

A column's counts are one vector: its value bins first, then one cell for `missing` and one for `invalid`, so that
they always add up to the events. Ordered bins are cut by edges: bin i holds ``edges[i-1] <= x < edges[i]`` and the
outer bins are open. A value with a bin of its own has two edges, itself and the next float after it. Unordered bins
are one per reference category, then `other` (the reference's remaining categories) and `unseen` (what it never had).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.errors import DriftlineError

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SPECIAL = 2  # cells after the value bins: missing, invalid
MISSING, INVALID = -2, -1  # their places, from the end
COARSE = 10  # cells that PSI and its kin compare
POOL_EXPECTED = 5.0  # least events expected in a pooled cell (Cochran 1954)

_places: list[int] = []  # whole numbers that all tables of places share: a hundred models would hold megabytes of them


@dataclass(frozen=True, slots=True)
class Ordered:
    """Bins of a numeric column: `edges` strictly increase, `centers` hold a typical value of each of the bins."""

    edges: Floats
    centers: Floats

    def __post_init__(self) -> None:
        if len(self.centers) != len(self.edges) + 1:
            raise DriftlineError(
                f"expected {len(self.edges) + 1} centers for {len(self.edges)} edges, got {len(self.centers)}"
            )
        if not np.all(np.isfinite(self.edges)) or np.any(self.edges[1:] <= self.edges[:-1]):
            raise DriftlineError("edges of ordered bins must be finite and strictly increase")
        self.edges.setflags(write=False)
        self.centers.setflags(write=False)

    @property
    def values(self) -> int:
        """Number of value bins."""
        return len(self.edges) + 1


@dataclass(frozen=True, slots=True)
class Unordered:
    """Bins of a categorical column: one per category, most frequent first, then `other`, then `unseen`."""

    categories: tuple[str, ...]
    others: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len({*self.categories, *self.others}) != len(self.categories) + len(self.others):
            raise DriftlineError("a category stands twice in unordered bins; every category needs one bin")

    def codes(self, start: int = 0) -> dict[str, int]:
        """The place of every category that the reference had, counted from `start`; a new dict for each caller."""
        other = start + len(self.categories)
        _places.extend(range(len(_places), other + 1))
        found = dict(zip(self.categories, _places[start:other], strict=True))
        found.update(dict.fromkeys(self.others, _places[other]))
        return found

    @property
    def values(self) -> int:
        """Number of value bins, `other` and `unseen` among them."""
        return len(self.categories) + 2

    @property
    def unseen(self) -> int:
        """Place of the bin for what the reference never had."""
        return len(self.categories) + 1


Bins = Ordered | Unordered


def ordered_bins(values: Floats, *, bins: int | None = 200) -> Ordered:
    """Bins for finite reference values: a bin per value and per gap for few distinct values, else quantiles.

    values: shape (n,), finite, n >= 1. bins: most quantile bins; None asks for a bin per distinct value (exact KS).
    A value that fills several quantiles by itself gets its own bin, so that an atom never hides in a range.

    >>> ordered_bins(np.array([1.0, 1.0, 2.0])).values  # below 1, 1, between, 2, above
    5
    """
    if not len(values):
        raise DriftlineError("ordered bins need at least one reference value, got none")
    ranked = np.sort(values) + 0.0  # -0.0 becomes 0.0, or equal values would make unequal profiles
    distinct = np.unique(ranked)
    if bins is None or len(distinct) <= bins:
        edges = _own_bins(distinct)
    else:
        cuts = ranked[(np.arange(1, bins) * len(ranked)) // bins]
        atoms = np.unique(cuts[1:][cuts[1:] == cuts[:-1]])
        edges = np.union1d(cuts, _own_bins(atoms))
    return Ordered(edges, _centers(ranked, edges))


def unordered_bins(counts: Mapping[str, int], *, cap: int = 1000) -> Unordered:
    """Bins for reference categories with their counts: the `cap` most frequent, ties by name, the rest in `other`.

    >>> unordered_bins({"b": 1, "a": 1, "c": 9}, cap=2)
    Unordered(categories=('c', 'a'), others=('b',))
    """
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return Unordered(tuple(names[:cap]), tuple(sorted(names[cap:])))


def count_ordered(bins: Ordered, values: Floats) -> Counts:
    """Counts per value bin of a column's values, nan left out; shape (bins.values,).

    Sorts the column and looks the edges up in it: ten times cheaper than looking values up in edges.

    >>> count_ordered(ordered_bins(np.array([1.0, 2.0])), np.array([0.0, 1.0, 1.5, 2.0, np.nan])).tolist()
    [1, 1, 1, 1, 0]
    """
    ranked = np.sort(values)
    below = np.empty(len(bins.edges) + 2, dtype=np.int64)
    below[0] = 0
    below[1:-1] = ranked.searchsorted(bins.edges)
    below[-1] = ranked.searchsorted(np.inf, side="right")  # nan sorts behind infinity
    return np.diff(below)


def count_unordered(bins: Unordered, names: Iterable[str]) -> Counts:
    """Counts per value bin of a column's category names; shape (bins.values,)."""
    known, unseen = bins.codes(), bins.unseen
    codes = np.fromiter((known.get(name, unseen) for name in names), dtype=np.int64)
    return np.bincount(codes, minlength=bins.values).astype(np.int64, copy=False)


def coarse_starts(bins: Bins, reference: Counts, *, cells: int = COARSE) -> npt.NDArray[np.intp]:
    """Where each coarse cell begins among the value bins: for `numpy.add.reduceat`, from the reference alone.

    Ordered bins are merged into `cells` neighbourhoods of about equal reference mass. Of unordered bins the most
    frequent stand alone, the rest share a cell, and `unseen` keeps its own.
    """
    if isinstance(bins, Ordered):
        mass = np.cumsum(reference)
        cuts = np.searchsorted(mass, mass[-1] * np.arange(1, cells) / cells) + 1
        return np.unique(np.concatenate(([0], cuts[cuts < len(reference)])))
    kept = min(len(bins.categories), cells - 2)
    ends = [bins.unseen] if kept < len(bins.categories) or bins.others else []
    return np.array([*range(kept), kept, *ends], dtype=np.intp)


def pooled_cells(reference: Counts, n: int | Counts) -> npt.NDArray[np.intp]:
    """The cell of each unordered bin for a chi-square test of `n` events: rare bins share the last cell.

    reference: shape (..., bins); n: one number, or one for each row.

    Decided by the reference and n alone, so that the window cannot choose its own test. A category stands alone where
    both samples can expect five events in it. `other` never does: it was made of what happened to be rare in the
    reference, and would grow in every clean window. Nor does `unseen`: alone it cannot be expected, and joined to a
    category it could take that one's place unseen.
    """
    size = reference.sum(axis=-1, keepdims=True)
    alone = reference * np.minimum(np.expand_dims(n, -1), size) >= POOL_EXPECTED * np.maximum(size, 1)
    alone[..., -2:] = False
    ranks = alone.cumsum(axis=-1)
    made: npt.NDArray[np.intp] = np.where(alone, ranks - 1, ranks[..., -1:])
    return made


def ks_bound(reference: Counts) -> float:
    """How far the binned KS statistic may lie below the exact one: the largest reference share of one bin.

    Bins that hold a single value lose nothing, so for columns with a bin per value this overstates the bound.
    """
    total = int(reference.sum())
    return float(reference.max() / total) if total else float("nan")


def _own_bins(values: Floats) -> Floats:
    """Edges that give each value a bin of its own; above the largest float there is nothing to cut off."""
    with np.errstate(over="ignore"):
        edges: Floats = np.unique(np.column_stack((values, np.nextafter(values, np.inf))))
    return edges[np.isfinite(edges)]


def _centers(ranked: Floats, edges: Floats) -> Floats:
    """Mean of the reference values in each bin; the middle of its edges where there are none."""
    stops = np.concatenate((ranked.searchsorted(edges), [len(ranked)]))
    starts = np.concatenate(([0], stops[:-1]))
    filled = stops > starts
    first, sizes = starts[filled], (stops - starts)[filled]
    with np.errstate(over="ignore"):  # rounding may lift a mean of the largest floats beyond them: clipped below
        means = np.add.reduceat(
            ranked / np.repeat(sizes, sizes), first
        )  # by bin: a far outlier leaves the others exact
    centers = np.concatenate((edges[:1], edges[:-1] / 2 + edges[1:] / 2, edges[-1:]))
    centers[filled] = np.clip(means, ranked[first], ranked[first + sizes - 1])
    return centers
