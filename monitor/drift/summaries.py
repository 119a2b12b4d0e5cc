"""A summary is integer counts of all columns on the reference's bins: one flat vector, `empty`, `merge`.

`merge` is addition: associative and commutative with `empty` as its zero, so partitions, panes and restarts may be
added in any order. Each column's slice adds up to the events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from monitor.drift.bins import Counts
from monitor.drift.profiles import Column, Profile
from monitor.errors import DriftlineError


def empty(profile: Profile) -> Counts:
    """Counts of no events; shape (profile.size,)."""
    return np.zeros(profile.size, dtype=np.int64)


def merge(a: Counts, b: Counts) -> Counts:
    """Counts of the events of both."""
    return a + b


def events(profile: Profile, counts: Counts) -> int:
    """Events that the counts hold: any column's slice adds up to them."""
    return int(counts[: profile.offsets[1]].sum())


def slices(profile: Profile, counts: Counts) -> Iterator[tuple[Column, Counts]]:
    """Each column with its own counts, value bins first, then missing and invalid."""
    for column, start, stop in zip(profile.columns, profile.offsets, profile.offsets[1:], strict=False):
        yield column, counts[start:stop]


def as_reference(profile: Profile, counts: Counts) -> Profile:
    """A reference with the bins of this one and these counts: that of a part of its events, of unknown course."""
    columns = tuple(replace(column, counts=own.copy()) for column, own in slices(profile, counts))
    return Profile(profile.model, profile.version, columns, profile.start, profile.end)


def check(profile: Profile, counts: Counts) -> None:
    """Raise DriftlineError unless the counts fit the profile and every column adds up to the same events."""
    if counts.shape != (profile.size,):
        raise DriftlineError(f"counts of {profile.model!r}: expected shape ({profile.size},), got {counts.shape}")
    totals = np.add.reduceat(counts, profile.offsets[:-1])
    if counts.min() < 0 or np.any(totals != totals[0]):
        raise DriftlineError(
            f"counts of {profile.model!r}: every column must hold the same events, got {sorted(set(totals.tolist()))}"
        )
