"""Whether counts on one profile's bins are counts on another's, so that one counting serves to compare with both."""

from __future__ import annotations

import numpy as np

from monitor.drift.bins import Bins, Ordered
from monitor.drift.profiles import Profile


def unlike(a: Profile, b: Profile) -> str | None:
    """The first thing in which the cells of the second profile are not those of the first; None where all are.

    Columns, their order, roles and bins, and how derived ones are made; counts may differ.
    """
    names, others = ([column.name for column in profile.columns] for profile in (a, b))
    for name in (*names, *others):
        if name not in others:
            return f"column {name!r} is missing"
        if name not in names:
            return f"column {name!r} is one too many"
    for one, other in zip(a.columns, b.columns, strict=True):
        if one.name != other.name:
            return f"column {other.name!r} stands where {one.name!r} is expected"
        if one.role != other.role or one.derived != other.derived:
            return f"column {one.name!r} is not made in the same way"
        if not same_bins(one.bins, other.bins):
            return f"column {one.name!r} has other bins"
    return None


def same_bins(a: Bins, b: Bins) -> bool:
    """Whether both put every value into the same bin, and take the same value for typical of it."""
    if isinstance(a, Ordered) and isinstance(b, Ordered):
        return np.array_equal(a.edges, b.edges) and np.array_equal(a.centers, b.centers)
    return type(a) is type(b) and a == b
