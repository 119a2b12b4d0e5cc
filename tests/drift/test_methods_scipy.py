"""Methods equal scipy's, on samples with a value per event; where they differ it is said by how much."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitor.drift.bins import Counts
from monitor.drift.methods import METHODS
from tests import oracles
from tests.drift.test_methods import fit, samples, statistic
from tests.oracles import ks_distance


def values(pair: list[Counts]) -> list[list[int]]:
    """The events of both samples: each is its bin's number."""
    return [np.repeat(np.arange(len(counts)), counts).tolist() for counts in pair]


@given(samples())
def test_ks_is_that_of_scipy(pair: list[Counts]) -> None:
    left, right = (np.repeat(np.arange(len(counts)), counts) for counts in pair)
    found = METHODS["ks"].score(*pair)
    assert found.statistic == pytest.approx(ks_distance(left, right))
    effective = len(left) * len(right) / (len(left) + len(right))
    assert found.pvalue == pytest.approx(stats.kstwobign.sf(math.sqrt(effective) * found.statistic), abs=1e-12)


def test_ks_pvalues_come_near_the_exact_ones() -> None:
    rng = np.random.default_rng(7)
    left, right = rng.normal(size=900), rng.normal(0.1, size=1100)
    edges = np.sort(np.concatenate((left, right)))
    pair = [np.histogram(side, [*edges, np.inf])[0] for side in (left, right)]
    exact = stats.ks_2samp(left, right, method="exact")
    found = METHODS["ks"].score(*pair)
    assert found.statistic == pytest.approx(exact.statistic)
    assert found.pvalue == pytest.approx(exact.pvalue, rel=0.1)


@given(samples())
def test_chi2_is_that_of_scipy(pair: list[Counts]) -> None:
    table = np.array(pair)
    table = table[:, table.sum(axis=0) > 0]
    assume(table.shape[1] > 1)
    expected, found = stats.chi2_contingency(table, correction=False), METHODS["chi2"].score(*pair)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert found.pvalue == pytest.approx(expected.pvalue, abs=1e-9)


@given(samples(), st.data())
def test_wasserstein_is_that_of_scipy(pair: list[Counts], data: st.DataObject) -> None:
    size = len(pair[0])
    drawn = st.lists(st.floats(-1e6, 1e6), min_size=size, max_size=size)
    positions = np.sort(np.array(data.draw(drawn)))
    expected = stats.wasserstein_distance(positions, positions, *pair)
    assert statistic("wasserstein", *pair, positions=positions) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@given(samples())
def test_js_is_that_of_scipy(pair: list[Counts]) -> None:
    assert statistic("js", *pair) == pytest.approx(float(np.nan_to_num(jensenshannon(*pair, 2.0))), abs=1e-7)


@given(samples())
def test_psi_without_smoothing_is_the_sum_of_both_divergences(pair: list[Counts]) -> None:
    p, q = ((counts + 1) / (counts + 1).sum() for counts in pair)
    expected = stats.entropy(p, q) + stats.entropy(q, p)
    assert statistic("psi", pair[0] + 1, pair[1] + 1, smoothing=0.0) == pytest.approx(expected, abs=1e-12)


@given(samples(least=2))
def test_g_test_is_that_of_scipy(pair: list[Counts]) -> None:
    table = np.array(pair)[:, pair[0] + pair[1] > 0]
    assume(table.shape[1] > 1)
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    found = METHODS["g_test"].score(*pair)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-9)
    assert found.pvalue == pytest.approx(expected.pvalue, abs=1e-9)


@given(samples(least=2))
def test_the_square_of_z_is_chi2_of_two_cells_by_scipy(pair: list[Counts]) -> None:
    pair = fit("z_test", pair)
    assume(np.all(pair[0] + pair[1] > 0))
    expected, found = stats.chi2_contingency(pair, correction=False), METHODS["z_test"].score(*pair)
    assert found.statistic**2 == pytest.approx(expected.statistic, abs=1e-9)
    assert found.pvalue == pytest.approx(expected.pvalue, abs=1e-9)


@given(samples(least=2))
def test_fisher_is_that_of_scipy(pair: list[Counts]) -> None:
    pair = fit("fisher", pair)
    expected, found = stats.fisher_exact(pair).pvalue, METHODS["fisher"].score(*pair)
    assert found.pvalue == pytest.approx(expected, rel=1e-6)
    assert found.statistic == pytest.approx(-math.log10(expected), rel=1e-6, abs=1e-9)


def test_fisher_goes_over_into_the_corrected_z_without_a_step() -> None:
    for hits in (4_900, 5_000, 5_100):
        below, above = (
            METHODS["fisher"].score(np.array([10 * n - 50_000, 50_000]), np.array([n - hits, hits])).statistic
            for n in (10_000, 10_001)
        )
        assert below == pytest.approx(above, rel=0.02, abs=0.02)


@given(samples(least=2))
def test_mann_whitney_is_that_of_scipy_with_ties(pair: list[Counts]) -> None:
    assume(np.count_nonzero(pair[0] + pair[1]) > 1)
    expected = stats.mannwhitneyu(*values(pair), use_continuity=False, method="asymptotic")
    assert METHODS["mann_whitney"].score(*pair).pvalue == pytest.approx(expected.pvalue, abs=1e-9)


@given(samples(least=3))
def test_welchs_t_is_that_of_scipy_and_its_pvalue_no_smaller(pair: list[Counts]) -> None:
    assume(all(np.count_nonzero(counts) > 1 for counts in pair))
    expected, found = stats.ttest_ind(*values(pair), equal_var=False), METHODS["t_test"].score(*pair)
    assert found.statistic == pytest.approx(abs(expected.statistic), abs=1e-9)
    assert found.pvalue >= expected.pvalue - 1e-12


@given(samples(), st.data())
def test_energy_is_that_of_scipy(pair: list[Counts], data: st.DataObject) -> None:
    size = len(pair[0])
    positions = np.sort(np.array(data.draw(st.lists(st.floats(-1e6, 1e6), min_size=size, max_size=size))))
    expected = stats.energy_distance(positions, positions, *pair)
    assert statistic("energy", *pair, positions=positions) == pytest.approx(expected, rel=1e-7, abs=1e-4)


@given(samples(least=2))
def test_normed_wasserstein_is_that_of_scipy_over_the_standard_deviation(pair: list[Counts]) -> None:
    assume(np.count_nonzero(pair[0]) > 1)
    left, right = values(pair)
    expected = stats.wasserstein_distance(left, right) / np.std(left)
    assert statistic("wasserstein_normed", *pair) == pytest.approx(expected)


@given(samples())
def test_kl_is_that_of_scipy_with_half_an_event_more(pair: list[Counts]) -> None:
    assert statistic("kl", *pair) == pytest.approx(stats.entropy(pair[0] + 0.5, pair[1] + 0.5), abs=1e-12)


@given(samples(least=2))
def test_anderson_darling_is_never_more_than_that_of_scipy(pair: list[Counts]) -> None:
    # The same mid-ranks, but scipy makes the weights of tied events larger.
    assume(np.count_nonzero(pair[0] + pair[1]) > 1 and min(counts.sum() for counts in pair) > 1)
    assert statistic("anderson_darling", *pair) <= oracles.anderson_darling(*values(pair)) + 1e-9


def test_anderson_darling_without_ties_is_nearly_that_of_scipy() -> None:
    rng = np.random.default_rng(3)
    left, right = rng.normal(size=300), rng.normal(0.2, size=200)
    places = np.unique(np.concatenate((left, right)))
    found = statistic("anderson_darling", *(np.isin(places, side).astype(np.int64) for side in (left, right)))
    assert found == pytest.approx(oracles.anderson_darling(left, right), rel=0.02)


@given(st.permutations(range(20)), st.integers(2, 18))
def test_cramer_von_mises_without_ties_is_that_of_scipy_less_a_quarter_of_an_event(order: list[int], n: int) -> None:
    # Up to the middle of an event instead of up to the event: 1 / 4N less.
    left, right = order[:n], order[n:]
    pair = [np.bincount(side, minlength=20) for side in (left, right)]
    expected = stats.cramervonmises_2samp(left, right, method="asymptotic").statistic - 1 / 80
    assert statistic("cramer_von_mises", *pair) == pytest.approx(expected)
