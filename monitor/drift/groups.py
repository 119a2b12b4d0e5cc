"""Columns that move together, so that one cause is one line.

Of the reference only counts are kept, but those of its chunks tell which columns rise and fall together: each column is
made one number per chunk (the mean rank of a numeric column, the share of the category that varies most), and two
columns are alike where the changes of these from chunk to chunk correlate. Changes, because two columns that merely
drift slowly correlate by chance. What events have in common counts as well as what chunks have: a chunk's sampling
noise is made by the same events.

A column that never moved in the reference is like none; but where several of these come alive in the same window, that
is more likely one cause than several.

It is a guess. Columns with the same daily rhythm look alike; columns that are related to each other, but not
monotonically, do not; a reference without times, or with fewer than 20 chunks, groups nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.drift.bins import MISSING, Counts, Floats, coarse_starts
from monitor.drift.profiles import Column, Profile

CHUNKS = 20  # least that may tell
ALIKE = 0.7  # least correlation, of either sign: half of the variance is common
CELLS = 20  # to which a column's bins are merged

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Kinship:
    """Which of the columns `names` move together: `alike`, shape (columns, columns), and which never move: `still`."""

    names: tuple[str, ...]
    alike: Flags
    still: Flags


def kinship(profile: Profile) -> Kinship:
    """What the reference's chunks tell of its columns."""
    names = tuple(column.name for column in profile.columns)
    if profile.chunks is None or len(profile.chunks.starts) < CHUNKS:
        return Kinship(names, np.eye(len(names), dtype=np.bool_), np.zeros(len(names), dtype=np.bool_))
    counts = profile.chunks.counts
    parts = zip(profile.columns, profile.offsets, profile.offsets[1:], strict=False)
    changes = np.array([_changes(column, counts[:, start:stop]) for column, start, stop in parts])
    products = np.array([np.add.reduce(changes * one, axis=1) for one in changes])
    own = products.diagonal()
    still = own == 0
    common = np.asarray(products**2 >= ALIKE**2 * own * own[:, None], dtype=np.bool_)
    return Kinship(names, common & ~still & ~still[:, None], still)


def groups(ranked: Sequence[str], kin: Kinship, since: Mapping[str, int]) -> tuple[tuple[str, ...], ...]:
    """The columns, in their order, each with the first one before it that has the same cause.

    ranked: some of the columns, the most important first. since: when the drift of each began, where that is known.

    >>> kin = Kinship(("a", "b", "c"), np.array([[1, 0, 1], [0, 1, 0], [1, 0, 1]], dtype=bool), np.zeros(3, dtype=bool))
    >>> groups("cab", kin, {})
    (('c', 'a'), ('b',))
    """
    places = {name: place for place, name in enumerate(kin.names)}
    made: list[list[str]] = []
    for name in ranked:
        place = places[name]
        for group in made:
            first = places[group[0]]
            woken = kin.still[place] and kin.still[first] and since.get(name) == since.get(group[0])
            if kin.alike[place, first] or woken:
                group.append(name)
                break
        else:
            made.append([name])
    return tuple(map(tuple, made))


def _changes(column: Column, chunks: npt.NDArray[np.int32]) -> Floats:
    """How a column changed from each chunk to the next, in units of its sampling noise; shape (chunks - 1,)."""
    fine = column.counts[:MISSING]
    starts = coarse_starts(column.bins, fine, cells=CELLS)
    cells = np.add.reduceat(chunks[:, :MISSING], starts, axis=1, dtype=np.int64)
    n = np.add.reduce(cells, axis=1)
    shares = cells / np.maximum(n, 1)[:, None]
    weights = np.sqrt(n[1:] * n[:-1] / np.maximum(n[1:] + n[:-1], 1))  # 0 where a chunk has no value
    if not column.ordered:
        changes = (shares[1:] - shares[:-1]) * weights[:, None]
        return np.ascontiguousarray(changes[:, int(np.add.reduce(changes**2, axis=0).argmax())])
    means = np.add.reduce(shares * _middles(np.add.reduceat(fine, starts)), axis=1)
    return np.asarray((means[1:] - means[:-1]) * weights)


def _middles(reference: Counts) -> Floats:
    """The rank of each cell's middle in the reference, from 0 to 1."""
    total = max(int(reference.sum()), 1)
    return np.asarray((np.cumsum(reference) - reference / 2) / total)
