"""What all methods share: they read two rows of counts, say how large both were, and change nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.bins import Counts
from monitor.drift.methods import METHODS
from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Score, check, check_alpha, effective_size
from monitor.errors import DriftlineError
from tests.strategies import Pair, count_pairs

sizes = st.integers(1, 10**12)
ROWS = np.array([2, 2, 0]), np.array([0, 2, 2])


def tables() -> st.SearchStrategy[Counts]:
    """Several references and as many samples beside them, on some to many bins; shape (2, rows, bins)."""
    shapes = st.tuples(st.just(2), st.integers(1, 5), st.sampled_from([1, 2, 3, 10, 11, 200, 203]))
    return shapes.flatmap(
        lambda shape: st.integers(0, 2**32).map(
            lambda seed: np.random.default_rng(seed).poisson(
                np.random.default_rng(seed + 1).choice([0.0, 0.1, 30.0], size=(*shape[:2], 1)), size=shape
            )
        )
    )


@given(count_pairs(empty=True))
def test_check_tells_the_sizes_of_both_samples(pair: Pair) -> None:
    assert check(*pair) == (sum(pair[0].tolist()), sum(pair[1].tolist()))


@pytest.mark.parametrize("rows", [([[1, 2]], [[3, 4]]), ([1], [1, 2]), ([], [1]), (1, 1)])
def test_anything_but_two_rows_of_one_length_is_refused(rows: tuple[object, object]) -> None:
    with pytest.raises(DriftlineError, match="expected two rows of counts of one length, got shapes"):
        check(np.array(rows[0], dtype=np.int64), np.array(rows[1], dtype=np.int64))


@pytest.mark.parametrize("name", METHODS)
@given(pair=count_pairs(empty=True))
def test_a_method_changes_neither_sample(name: str, pair: Pair) -> None:
    for counts in pair:
        counts.setflags(write=False)
    found = METHODS[name].score(*pair)
    assert (found.n_reference, found.n_current) == check(*pair)


@pytest.mark.parametrize("name", METHODS)
@given(pair=count_pairs())
def test_samples_score_as_their_counts_do(name: str, pair: Pair) -> None:
    expected = METHODS[name].score(*pair)
    sides = [Sample(counts) for counts in pair]
    for found in (METHODS[name].score(*sides), METHODS[name].score(sides[0], pair[1]), METHODS[name].score(*sides)):
        assert repr(found) == repr(expected), "to the last bit, and as often as one likes"


def test_a_sample_keeps_its_positions_beside_a_row_of_counts() -> None:
    reference, current = Sample(np.array([2, 0]), positions=np.array([0.0, 7.0])), np.array([0, 2])
    assert METHODS["wasserstein"].score(reference, current).statistic == 7.0


def test_samples_on_different_bins_are_refused() -> None:
    with pytest.raises(DriftlineError, match=r"one length, got shapes \(2,\) and \(3,\)"):
        METHODS["ks"].score(Sample(np.array([1, 2])), Sample(np.array([1, 2, 3])))


def test_a_score_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        METHODS["ks"].score(*ROWS).statistic = 0.0  # type: ignore[misc]  # that is the point


def test_what_is_undefined_is_nan_and_a_pvalue_only_where_the_method_has_one() -> None:
    assert METHODS["psi"].score(ROWS[0], 0 * ROWS[1]).pvalue is None
    found: Score = METHODS["ks"].score(ROWS[0], 0 * ROWS[1])
    assert math.isnan(found.statistic)
    assert found.pvalue is not None
    assert math.isnan(found.pvalue)


@pytest.mark.parametrize("name", METHODS)
@given(tables())
def test_samples_in_rows_have_the_scores_that_each_has_alone(name: str, table: Counts) -> None:
    """To the last bit: a result must not depend on which other columns its model has."""
    positions = np.cumsum(table[0] % 3, axis=-1) / 7.0
    reference = Sample(table[0], positions=positions)
    found = METHODS[name].rows(reference, Compared(reference, table[1]))
    for i, pair in enumerate(zip(*table, strict=True)):
        alone = METHODS[name].score(*pair, positions=positions[i])
        assert repr(float(found.statistic[i])) == repr(alone.statistic)
        assert repr(None if found.pvalue is None else float(found.pvalue[i])) == repr(alone.pvalue)


@given(sizes, sizes)
def test_the_effective_size_lies_between_half_and_all_of_the_smaller_sample(n: int, m: int) -> None:
    assert min(n, m) / 2 <= effective_size(n, m) * (1 + 1e-12)
    assert effective_size(n, m) <= min(n, m)
    assert effective_size(n, m) == effective_size(m, n)


@pytest.mark.parametrize(("n", "m"), [(0, 5), (5, 0), (0, 0)])
def test_an_empty_sample_leaves_no_effective_size(n: int, m: int) -> None:
    assert effective_size(n, m) == 0.0


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, 5.0, math.nan])
def test_alpha_must_be_a_probability(alpha: float) -> None:
    with pytest.raises(DriftlineError, match="alpha: expected a probability between 0 and 1, got"):
        check_alpha(alpha)
