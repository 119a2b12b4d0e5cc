"""Shifts that last: estimated without bias and as well as can be, and told from what passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.bins import Floats, count_ordered, ordered_bins, unordered_bins
from monitor.drift.onsets import SHARES, Factors, Onset, cells, coefficients, effects
from monitor.drift.variation import Variation

memories = st.just(0.0) | st.floats(0.25, 0.99)


def estimated(onset: int, memory: float, path: list[float]) -> float:
    """The size of a shift of one share that was this far from the reference, the newest window first."""
    factors = Factors.of([[Onset(onset, coefficients(onset, memory), Variation())]])
    squared = effects(factors, np.array(path).reshape(1, -1, 1), np.ones(1), ordered=True)
    return float(np.sqrt(squared[0, onset - 1]))


@given(st.sampled_from([*SHARES]), memories, st.floats(-1.0, 1.0))
def test_a_shift_that_began_then_is_found_in_its_size(onset: int, memory: float, shift: float) -> None:
    path = [shift] * onset + [0.0] * (4 - onset)
    assert estimated(onset, memory, path) == pytest.approx(abs(shift), abs=1e-9)


@given(st.sampled_from([*SHARES]), st.floats(0.25, 0.99))
def test_the_estimate_is_the_one_of_generalised_least_squares(onset: int, memory: float) -> None:
    windows = np.arange(onset + 1)
    inverse = np.linalg.inv(memory ** np.abs(windows[:, None] - windows))
    design = np.append(np.ones(onset), 0.0)
    assert np.allclose(coefficients(onset, memory), design @ inverse / (design @ inverse @ design))


@pytest.mark.parametrize("onset", [2, 3])
@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_a_window_that_stood_out_alone_is_no_shift_that_lasts(onset: int, memory: float) -> None:
    assert estimated(onset, memory, [0.01, 0.9, 0.01, 0.0]) <= 0.02
    assert estimated(onset, memory, [-0.01, 0.9, 0.9, 0.0]) == 0.0


@pytest.mark.parametrize("onset", [1, 2, 3])
def test_the_return_from_a_drift_is_no_shift(onset: int) -> None:
    assert estimated(onset, 0.8, [0.01, 0.01, 0.01, 0.9]) <= 0.02


@given(st.lists(st.integers(0, 500), min_size=21, max_size=21), st.lists(st.integers(0, 500), min_size=21, max_size=21))
def test_sums_by_cell_add_up_as_counts_do_and_hold_all_that_is_compared(first: list[int], second: list[int]) -> None:
    numbers = ordered_bins(np.arange(20.0), bins=10)
    names = unordered_bins({f"v{i}": 2 + i * i for i in range(19)})
    for bins, size in ((numbers, len(numbers.edges) + 1), (names, 21)):
        one, two = np.array(first[:size]), np.array(second[:size])
        own = cells(bins, one + 1)
        assert np.array_equal(own.of(one) + own.of(two), own.of(one + two))
        assert own.of(one)[-1] == one.sum()
        assert own.of(one)[:-1].sum() <= one.sum()


def test_of_numbers_all_events_are_in_cells_and_of_categories_all_but_the_rarest() -> None:
    numbers = ordered_bins(np.arange(1_000.0))
    fine = count_ordered(numbers, np.arange(1_000.0))
    assert cells(numbers, fine).of(fine).tolist() == [50] * 20 + [1_000]
    names = unordered_bins({"often": 9_000, "seldom": 990, "hardly": 6, "never": 4})
    few, more = np.array([9_000, 990, 6, 4, 0, 0]), np.array([9_000, 900, 49, 45, 0, 6])
    assert cells(names, few).of(np.array([900, 99, 1, 0, 0, 0])).tolist() == [900, 99, 1_000]
    assert cells(names, more).of(np.array([90, 9, 1, 0, 0, 3])).tolist() == [90, 9, 4, 103]


def wander(memory: float) -> Callable[[np.random.Generator, int], Floats]:
    """A stationary series of this memory."""

    def drawn(rng: np.random.Generator, length: int) -> Floats:
        noise = rng.normal(size=length)
        path = np.empty(length)
        path[0] = noise[0]
        for i in range(1, length):
            path[i] = memory * path[i - 1] + np.sqrt(1 - memory**2) * noise[i]
        return path

    return drawn


@pytest.mark.parametrize(("memory", "gain"), [(0.0, 1.6), (0.5, 1.3), (0.8, 1.6), (0.97, 3.5)])
def test_an_estimate_over_three_windows_wanders_less_than_a_window_does(memory: float, gain: float) -> None:
    path = wander(memory)(np.random.default_rng(1), 20_000)
    factors = coefficients(3, memory)
    found = np.convolve(path, factors, "valid")
    assert path.std() / found.std() > gain
