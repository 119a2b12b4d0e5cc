"""Summaries: a commutative monoid of counts in which every column adds up to the events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift import summaries
from monitor.drift.bins import Counts, Ordered, Unordered
from monitor.drift.profiles import Column, Profile
from monitor.errors import DriftlineError

PROFILE = Profile(
    "credit",
    "3",
    (
        Column("age", "feature", Ordered(np.array([30.0]), np.array([20.0, 40.0])), np.array([5, 5, 0, 0])),
        Column("country", "feature", Unordered(("DE", "FR")), np.array([6, 2, 0, 0, 1, 1])),
    ),
)


@st.composite
def counted(draw: st.DrawFn) -> Counts:
    """Counts of some events: each falls into one cell of each column."""
    n = draw(st.integers(0, 20))
    counts = summaries.empty(PROFILE)
    for column, start in zip(PROFILE.columns, PROFILE.offsets, strict=False):
        for cell in draw(st.lists(st.integers(0, column.size - 1), min_size=n, max_size=n)):
            counts[start + cell] += 1
    return counts


@given(counted(), counted(), counted())
def test_merge_is_a_commutative_monoid(a: Counts, b: Counts, c: Counts) -> None:
    assert summaries.merge(a, b).tolist() == summaries.merge(b, a).tolist()
    left, right = summaries.merge(summaries.merge(a, b), c), summaries.merge(a, summaries.merge(b, c))
    assert left.tolist() == right.tolist()
    assert summaries.merge(a, summaries.empty(PROFILE)).tolist() == a.tolist()


@given(counted(), counted())
def test_events_of_merged_counts_are_the_events_of_both(a: Counts, b: Counts) -> None:
    merged = summaries.merge(a, b)
    assert summaries.events(PROFILE, merged) == summaries.events(PROFILE, a) + summaries.events(PROFILE, b)
    summaries.check(PROFILE, merged)


@given(counted(), counted())
def test_merge_leaves_what_it_adds_alone(a: Counts, b: Counts) -> None:
    before = a.tolist(), b.tolist()
    summaries.merge(a, b)
    assert (a.tolist(), b.tolist()) == before


@given(counted())
def test_slices_are_the_columns_in_order_and_lose_nothing(counts: Counts) -> None:
    found = list(summaries.slices(PROFILE, counts))
    assert [column.name for column, _ in found] == ["age", "country"]
    assert np.concatenate([part for _, part in found]).tolist() == counts.tolist()
    assert {int(part.sum()) for _, part in found} == {summaries.events(PROFILE, counts)}


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([0] * 9, r"expected shape \(10,\), got \(9,\)"),
        ([1, 0, 0, 0, 0, 0, 0, 0, 0, 0], "same events, got .0, 1."),
        ([2, -1, 0, 0, 1, 0, 0, 0, 0, 0], "same events"),
    ],
)
def test_counts_that_do_not_fit_the_profile_are_refused(counts: list[int], message: str) -> None:
    with pytest.raises(DriftlineError, match=message):
        summaries.check(PROFILE, np.array(counts))
