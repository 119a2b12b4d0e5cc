"""Bins: every value falls into exactly one, atoms stand alone, and nothing that a float can be breaks them."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.drift.bins import (
    Ordered,
    Unordered,
    coarse_starts,
    count_ordered,
    count_unordered,
    ks_bound,
    ordered_bins,
    pooled_cells,
    unordered_bins,
)
from monitor.errors import DriftlineError
from tests import naive

HUGE, TINY = sys.float_info.max, 5e-324

floats = st.floats(allow_nan=False, allow_infinity=False)
few = st.sampled_from([0.0, -0.0, 1.0, 2.0, 2.5, -3.0, HUGE, -HUGE, TINY, -TINY])
samples = st.lists(floats | few, min_size=1, max_size=60)
numbers_of_bins = st.none() | st.integers(min_value=2, max_value=12)
category_counts = st.dictionaries(st.text(max_size=3), st.integers(min_value=1, max_value=50), max_size=12)


def made(values: list[float], bins: int | None) -> Ordered:
    return ordered_bins(np.array(values), bins=bins)


@given(samples, samples, numbers_of_bins)
@example([HUGE], [HUGE, -HUGE], None)
@example([-0.0, 0.0, TINY], [0.0, -0.0, -TINY], 2)
def test_counts_on_ordered_bins_equal_the_slow_twin(
    reference: list[float], current: list[float], k: int | None
) -> None:
    bins = made(reference, k)
    assert count_ordered(bins, np.array(current)).tolist() == naive.count_ordered(bins.edges.tolist(), current)


@given(samples, samples, numbers_of_bins)
@example([HUGE, -HUGE / 2], [0.0], None)  # their difference is beyond the largest float
def test_counts_on_ordered_bins_add_up_to_the_values(
    reference: list[float], current: list[float], k: int | None
) -> None:
    assert count_ordered(made(reference, k), np.array(current)).sum() == len(current)


@given(samples, numbers_of_bins)
def test_missing_values_are_in_no_ordered_bin(values: list[float], k: int | None) -> None:
    bins = made(values, k)
    with_gaps = np.array([*values, math.nan, math.nan])
    assert count_ordered(bins, with_gaps).tolist() == count_ordered(bins, np.array(values)).tolist()


@given(samples, samples, numbers_of_bins)
def test_ordered_counts_do_not_depend_on_how_the_values_are_split(
    a: list[float], b: list[float], k: int | None
) -> None:
    bins = made(a + b, k)
    apart = count_ordered(bins, np.array(a)) + count_ordered(bins, np.array(b))
    assert apart.tolist() == count_ordered(bins, np.array(a + b)).tolist()


@given(samples)
def test_exact_bins_give_every_value_a_bin_of_its_own(values: list[float]) -> None:
    counts = count_ordered(made(values, None), np.array(values))
    assert sorted(counts[counts > 0].tolist()) == sorted(values.count(value) for value in set(values))


@given(st.lists(floats | few, min_size=1, max_size=60), st.integers(min_value=2, max_value=12))
def test_a_value_that_fills_two_quantiles_never_shares_a_bin(values: list[float], k: int) -> None:
    bins = made(values, k)
    for atom in {value for value in values if values.count(value) >= 2 * math.ceil(len(values) / k)}:
        own = naive.bin_of(bins.edges.tolist(), atom)
        assert {value for value in values if naive.bin_of(bins.edges.tolist(), value) == own} == {atom}


@given(samples, numbers_of_bins)
def test_centers_lie_in_their_bins(values: list[float], k: int | None) -> None:
    bins = made(values, k)
    for i, center in enumerate(bins.centers.tolist()):
        low = bins.edges[i - 1] if i else -math.inf
        high = bins.edges[i] if i < len(bins.edges) else math.inf
        assert low <= center <= high


def test_a_far_outlier_leaves_the_other_centers_exact() -> None:
    bins = made([-1e300, 1.0, 2.0, 3.0, 4.0], 3)
    inside = [value for value in bins.centers.tolist() if abs(value) < 10]
    assert sum(inside) > 0
    assert all(1.0 <= value <= 4.0 for value in inside)


@given(samples, numbers_of_bins, st.randoms(use_true_random=False))
def test_bins_do_not_depend_on_the_order_of_the_values(values: list[float], k: int | None, random: object) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis calls it object
    assert made(values, k).edges.tobytes() == made(shuffled, k).edges.tobytes()
    assert made(values, k).centers.tobytes() == made(shuffled, k).centers.tobytes()


def test_a_value_on_an_edge_belongs_to_the_bin_above() -> None:
    bins = Ordered(np.array([1.0, 2.0]), np.array([0.5, 1.5, 2.5]))
    assert count_ordered(bins, np.array([1.0, 1.0, math.nextafter(1.0, 0.0), 2.0])).tolist() == [1, 2, 1]


def test_minus_zero_is_zero() -> None:
    assert made([-0.0], None).edges.tobytes() == made([0.0], None).edges.tobytes()
    assert count_ordered(made([0.0], None), np.array([-0.0])).tolist() == [0, 1, 0]


def test_continuous_values_make_as_many_bins_as_asked_for() -> None:
    values = np.random.default_rng(1).normal(size=10_000)
    bins = ordered_bins(values, bins=200)
    counts = count_ordered(bins, values)
    assert bins.values == 200
    assert counts.tolist() == [50] * 200


def test_deciles_are_unions_of_the_default_bins() -> None:
    values = np.random.default_rng(2).normal(size=10_000)
    assert set(ordered_bins(values, bins=10).edges) <= set(ordered_bins(values, bins=200).edges)


def test_ks_on_few_distinct_values_is_exact() -> None:
    rng = np.random.default_rng(3)
    reference, current = rng.integers(0, 40, 500).astype(float), rng.integers(3, 50, 300).astype(float)
    bins = ordered_bins(reference)
    a, b = count_ordered(bins, reference), count_ordered(bins, current)
    binned = np.abs(np.cumsum(a) / len(reference) - np.cumsum(b) / len(current)).max()
    assert binned == pytest.approx(scipy.stats.ks_2samp(reference, current).statistic)


def test_ks_on_quantile_bins_is_at_most_a_bin_below_the_exact_one() -> None:
    rng = np.random.default_rng(4)
    reference, current = rng.normal(size=5_000), rng.normal(0.3, 1.2, size=700)
    bins = ordered_bins(reference, bins=20)
    a, b = count_ordered(bins, reference), count_ordered(bins, current)
    binned = np.abs(np.cumsum(a) / len(reference) - np.cumsum(b) / len(current)).max()
    exact = scipy.stats.ks_2samp(reference, current).statistic
    assert exact - ks_bound(a) <= binned <= exact


def test_ordered_bins_need_a_value() -> None:
    with pytest.raises(DriftlineError, match="at least one reference value"):
        ordered_bins(np.array([]))


@pytest.mark.parametrize("edges", [[1.0, 1.0], [2.0, 1.0], [math.nan, 1.0], [1.0, math.inf]])
def test_edges_must_be_finite_and_increase(edges: list[float]) -> None:
    with pytest.raises(DriftlineError, match="finite and strictly increase"):
        Ordered(np.array(edges), np.zeros(3))


def test_every_bin_needs_a_center() -> None:
    with pytest.raises(DriftlineError, match="expected 2 centers for 1 edges, got 1"):
        Ordered(np.array([1.0]), np.zeros(1))


def test_bins_never_move() -> None:
    bins = made([1.0, 2.0], None)
    with pytest.raises(ValueError, match="read-only"):
        bins.edges[0] = 5.0


@given(category_counts, st.lists(st.text(max_size=3), max_size=40), st.integers(min_value=1, max_value=6))
def test_counts_on_unordered_bins_equal_the_slow_twin(reference: dict[str, int], names: list[str], cap: int) -> None:
    bins = unordered_bins(reference, cap=cap)
    counts = count_unordered(bins, names)
    assert counts.tolist() == naive.count_unordered(bins.categories, bins.others, names)
    assert counts.sum() == len(names)


@given(category_counts, st.integers(min_value=1, max_value=6))
def test_the_most_frequent_categories_have_bins_of_their_own(reference: dict[str, int], cap: int) -> None:
    bins = unordered_bins(reference, cap=cap)
    kept = [reference[name] for name in bins.categories]
    assert kept == sorted(reference.values(), reverse=True)[:cap]
    assert {*bins.categories, *bins.others} == set(reference)


def test_a_category_stands_once() -> None:
    with pytest.raises(DriftlineError, match="stands twice"):
        Unordered(("a",), ("a",))


@given(
    st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=60), st.integers(min_value=2, max_value=12)
)
def test_coarse_cells_of_ordered_bins_lose_no_event(reference: list[int], cells: int) -> None:
    counts = np.array(reference, dtype=np.int64)
    bins = Ordered(np.arange(len(counts) - 1, dtype=float), np.zeros(len(counts)))
    starts = coarse_starts(bins, counts, cells=cells)
    assert starts[0] == 0
    assert np.all(np.diff(starts) > 0)
    assert len(starts) <= cells + 1
    assert np.add.reduceat(counts, starts).sum() == counts.sum()


def test_coarse_cells_of_a_continuous_column_hold_about_the_same() -> None:
    values = np.random.default_rng(5).normal(size=10_000)
    bins = ordered_bins(values)
    counts = count_ordered(bins, values)
    assert np.add.reduceat(counts, coarse_starts(bins, counts)).tolist() == [1_000] * 10


@given(category_counts, st.integers(min_value=1, max_value=6))
def test_unseen_is_never_merged_with_what_the_reference_had(reference: dict[str, int], cap: int) -> None:
    bins = unordered_bins(reference, cap=cap)
    starts = coarse_starts(bins, count_unordered(bins, []), cells=4)
    assert np.all(np.diff(starts) > 0)
    assert starts[-1] >= len(bins.categories) + bool(bins.others)


@given(
    st.lists(st.integers(min_value=0, max_value=300), max_size=20),
    st.integers(min_value=0, max_value=300),
    st.integers(min_value=1, max_value=2_000),
)
def test_a_category_has_a_cell_of_its_own_where_both_samples_expect_five_events(
    categories: list[int], other: int, n: int
) -> None:
    counts = np.array([*categories, other, 0], dtype=np.int64)
    cells = pooled_cells(counts, n)
    smaller = min(n, int(counts.sum()))
    alone = [count * smaller / max(counts.sum(), 1) >= 5 for count in categories]
    expected = iter(range(sum(alone)))
    assert cells.tolist() == [next(expected) if own else sum(alone) for own in [*alone, False, False]]
