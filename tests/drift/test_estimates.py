"""What is shown of a column is never farther from the truth than it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.bins import Floats, Ordered, count_ordered, ordered_bins
from monitor.drift.estimates import mean, quantile, spread
from monitor.errors import DriftlineError

values = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float), min_size=1, max_size=80).map(np.array)
LARGEST = 1.7e308


def places(bins: Ordered, events: Floats) -> Floats:
    """The events, those in open bins moved to these bins' centres."""
    moved = np.where(events < bins.edges[0], bins.centers[0], events)
    return np.where(events >= bins.edges[-1], bins.centers[-1], moved)


@given(values, values, st.floats(0, 1))
def test_a_quantile_is_as_near_as_it_says(reference: Floats, window: Floats, share: float) -> None:
    bins = ordered_bins(reference, bins=10)
    found = quantile(bins, count_ordered(bins, window), share)
    exact = np.sort(window)[max(math.ceil(share * len(window)), 1) - 1]
    assert abs(found.value - exact) <= found.error
    assert found.open == (found.error == math.inf)


@given(values, values)
def test_mean_and_spread_are_as_near_as_they_say(reference: Floats, window: Floats) -> None:
    bins = ordered_bins(reference, bins=10)
    counts, events = count_ordered(bins, window), places(bins, window)
    for found, exact in ((mean(bins, counts), np.mean(events)), (spread(bins, counts), np.std(events))):
        assert abs(found.value - exact) <= found.error + 1e-6
        assert found.open == pytest.approx((counts[0] + counts[-1]) / len(window))


@given(values)
def test_with_a_bin_per_value_all_are_exact(reference: Floats) -> None:
    bins = ordered_bins(reference, bins=None)
    counts = count_ordered(bins, reference)
    assert mean(bins, counts) == pytest.approx((np.mean(reference), 0.0, 0.0), abs=1e-6)
    assert spread(bins, counts) == pytest.approx((np.std(reference), 0.0, 0.0), abs=1e-3)
    assert quantile(bins, counts, 0.5) == (np.sort(reference)[(len(reference) + 1) // 2 - 1], 0.0, 0.0)


@given(values)
def test_the_mean_of_the_reference_itself_is_exact(reference: Floats) -> None:
    bins = ordered_bins(reference, bins=5)
    assert mean(bins, count_ordered(bins, reference)).value == pytest.approx(np.mean(reference), rel=1e-9, abs=1e-6)


def test_bounds_are_narrow_on_two_hundred_bins() -> None:
    events = np.random.default_rng(1).normal(size=50_000)
    bins = ordered_bins(events)
    counts = count_ordered(bins, events)
    assert quantile(bins, counts, 0.5).error < 0.02
    assert mean(bins, counts).error < 0.02
    assert spread(bins, counts).error < 0.03
    assert spread(bins, counts).open == pytest.approx(0.01)


def test_the_largest_floats_have_a_mean_and_a_spread() -> None:
    bins = ordered_bins(np.array([-LARGEST, LARGEST]))
    counts = count_ordered(bins, np.array([-LARGEST, LARGEST]))
    assert mean(bins, counts).value == 0.0
    assert spread(bins, counts).value == pytest.approx(LARGEST)


def test_without_events_nothing_is_known() -> None:
    bins = ordered_bins(np.array([1.0, 2.0]))
    nothing = np.zeros(5, dtype=np.int64)
    for found in (mean(bins, nothing), spread(bins, nothing), quantile(bins, nothing, 0.5)):
        assert all(map(math.isnan, found))


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_is_between_nothing_and_all(share: float) -> None:
    with pytest.raises(DriftlineError, match="share: expected a number from 0 to 1"):
        quantile(ordered_bins(np.array([1.0])), np.array([0, 1, 0]), share)
