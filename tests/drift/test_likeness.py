"""Counts on one profile's bins are counts on another's only where every cell means the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from monitor.drift.bins import Ordered, Unordered
from monitor.drift.likeness import unlike
from monitor.drift.profiles import Column, Profile
from tests.examples import profile


def changed(change: Callable[[Column], Column], place: int = 0) -> Profile:
    columns = list(profile().columns)
    columns[place] = change(columns[place])
    return replace(profile(), columns=tuple(columns))


def test_other_counts_other_times_and_another_version_leave_the_bins_alike() -> None:
    other = replace(profile(version="2"), start=None, end=None)
    doubled = replace(other, columns=tuple(replace(c, counts=c.counts * 2) for c in other.columns))
    assert unlike(profile(), doubled) is None


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (profile(features=2), "column 'age1' is one too many"),
        (replace(profile(), columns=profile().columns[1:]), "column 'age0' is missing"),
        (
            replace(profile(), columns=profile().columns[::-1]),
            "column 'score' stands where 'age0' is expected",
        ),
        (changed(lambda c: replace(c, role="prediction")), "column 'age0' is not made in the same way"),
        (
            changed(lambda c: replace(c, bins=Ordered(np.array([30.0, 51.0]), np.array([25.0, 40.0, 60.0])))),
            "column 'age0' has other bins",
        ),
        (
            changed(lambda c: replace(c, bins=Ordered(np.array([30.0, 50.0]), np.array([25.0, 41.0, 60.0])))),
            "column 'age0' has other bins",
        ),
        (changed(lambda c: replace(c, bins=Unordered(("FR", "DE"))), 1), "column 'country' has other bins"),
    ],
)
def test_anything_else_is_told(other: Profile, why: str) -> None:
    assert unlike(profile(), other) == why
