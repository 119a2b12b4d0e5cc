"""Methods where the common table ends: how they bound each other, huge counts and floats, limits against p-values."""

from __future__ import annotations

import math
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import chdtrc, kolmogorov

from monitor.drift import quadratic
from monitor.drift.methods import METHODS
from monitor.drift.scores import effective_size
from monitor.errors import DriftlineError
from tests import naive_methods as naive
from tests.strategies import Pair, count_pairs

HUGE = sys.float_info.max
BOUNDED = ["hellinger", "js", "ks", "kuiper", "total_variation"]
OF_SHARES = [*BOUNDED, "chi2", "g_test"]
OF_MID_RANKS = ["anderson_darling", "cramer_von_mises", "mann_whitney"]
WITH_NULL = [name for name, method in METHODS.items() if method.critical]
BILLIONS = 10**12

sizes = st.integers(2, 10**7)
alphas = st.floats(1e-9, 0.5)


def statistic(name: str, pair: Pair) -> float:
    value = METHODS[name].score(*pair).statistic
    assert isinstance(value, float), "a numpy number would not be JSON"
    return value


def limit(name: str, alpha: float, n: int, m: int, *, cells: int = 10) -> float:
    critical = METHODS[name].critical
    assert critical is not None
    return critical(alpha, n_reference=n, n_current=m, cells=cells)


@given(count_pairs())
def test_distances_bound_each_other(pair: Pair) -> None:
    ks, js, hellinger, moved = (statistic(name, pair) for name in ("ks", "js", "hellinger", "total_variation"))
    assert ks <= statistic("kuiper", pair) + 1e-12 <= moved + 2e-12
    assert moved / len(pair[0]) <= statistic("l_infinity", pair) + 1e-12 <= moved + 2e-12
    assert hellinger**2 <= moved + 1e-12
    assert moved <= math.sqrt(2) * hellinger + 1e-12
    assert js**2 <= moved + 1e-12  # Lin 1991, theorem 3


# Not so for l_infinity, whose cell is halved, for psi and kl, whose smoothing counts cells, and for those that take
# mid-ranks, as fewer events are then tied.
@pytest.mark.parametrize("name", OF_SHARES)
@given(pair=count_pairs(bins=2), data=st.data())
def test_splitting_a_cell_in_the_same_way_in_both_samples_changes_nothing(
    name: str, pair: Pair, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(pair[0]) - 1))
    doubled = pair[0] * 2, pair[1] * 2
    split = tuple(np.insert(counts * 2, place, counts[place]) for counts in pair)
    for counts, once in zip(split, pair, strict=True):
        counts[place + 1] = once[place]
    found = statistic(name, (split[0], split[1]))
    if name not in ("chi2", "g_test") or np.count_nonzero(pair[0] + pair[1]) > 1:
        assert found == pytest.approx(statistic(name, doubled), rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("name", ["wasserstein", "wasserstein_normed", "energy", "t_test"])
@given(pair=count_pairs(bins=2), data=st.data())
def test_two_bins_at_one_position_are_one_bin(name: str, pair: Pair, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(pair[0]) - 2))
    positions = np.arange(len(pair[0]), dtype=float)
    positions[place + 1 :] -= 1
    merged = [np.add.reduceat(counts, np.delete(np.arange(len(counts)), place + 1)) for counts in pair]
    apart = METHODS[name].score(*pair, positions=positions).statistic
    assert apart == pytest.approx(METHODS[name].score(*merged).statistic, rel=1e-6, abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("name", [*OF_SHARES, *OF_MID_RANKS, "l_infinity", "wasserstein"])
@given(pair=count_pairs())
def test_a_cell_that_both_samples_lack_changes_nothing(name: str, pair: Pair) -> None:
    longer = np.append(pair[0], 0), np.append(pair[1], 0)
    assert statistic(name, longer) == pytest.approx(statistic(name, pair), rel=1e-12, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", [*OF_SHARES, *OF_MID_RANKS, "psi", "kl", "l_infinity"])
@settings(max_examples=30)
@given(pair=count_pairs(bins=2, largest=BILLIONS))
def test_counts_of_billions_equal_the_slow_twin(name: str, pair: Pair) -> None:
    if name not in ("chi2", "g_test") or np.count_nonzero(pair[0] + pair[1]) > 1:
        expected = getattr(naive, name)(pair[0].tolist(), pair[1].tolist())
        # A sum of n p ln(p/h) of either sign loses the last digits of n.
        error = max(1e-6, 1e-14 * int(sum(map(np.sum, pair)))) if name == "g_test" else 1e-6
        assert statistic(name, pair) == pytest.approx(expected, rel=1e-6, abs=error)


@given(count_pairs())
def test_ks_pvalues_are_near_those_of_scipy(pair: Pair) -> None:
    # scipy takes the one-sample distribution at a rounded ne, we its limit: they meet as ne grows, like 1/√ne.
    samples = (np.repeat(np.arange(len(counts)), counts) for counts in pair)
    found = METHODS["ks"].score(*pair)
    effective = effective_size(found.n_reference, found.n_current)
    if effective >= 1:
        expected = stats.ks_2samp(*samples, method="asymp").pvalue
        assert found.pvalue == pytest.approx(expected, abs=0.4 / math.sqrt(effective))


@given(alphas, sizes, sizes)
def test_the_limit_of_ks_has_alpha_as_its_pvalue(alpha: float, n: int, m: int) -> None:
    assert kolmogorov(math.sqrt(effective_size(n, m)) * limit("ks", alpha, n, m)) == pytest.approx(alpha, rel=1e-6)


@given(alphas, sizes, sizes, st.integers(2, 1000))
def test_the_limit_of_chi2_has_alpha_as_its_pvalue(alpha: float, n: int, m: int, cells: int) -> None:
    assert chdtrc(cells - 1, limit("chi2", alpha, n, m, cells=cells)) == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize("name", WITH_NULL)
def test_an_empty_sample_has_no_limit(name: str) -> None:
    assert math.isnan(limit(name, 0.05, 0, 10))
    assert math.isnan(limit(name, 0.05, 10, 0))


def test_a_single_cell_has_no_chi2_limit() -> None:
    assert math.isnan(limit("chi2", 0.05, 10, 10, cells=1))


@pytest.mark.parametrize("name", WITH_NULL)
@pytest.mark.parametrize("alpha", [0.0, 1.0, math.nan])
def test_a_limit_is_refused_for_what_is_no_probability(name: str, alpha: float) -> None:
    with pytest.raises(DriftlineError, match="alpha: expected a probability"):
        limit(name, alpha, 10, 10)


@pytest.mark.parametrize("smoothing", [-0.5, math.inf, math.nan])
def test_psi_refuses_a_smoothing_that_is_no_number_of_events(smoothing: float) -> None:
    with pytest.raises(DriftlineError, match="psi: expected smoothing of at least 0 events"):
        METHODS["psi"].score(np.array([1, 2]), np.array([2, 1]), smoothing=smoothing)


def test_a_clean_window_scores_as_much_psi_as_the_sizes_and_cells_say() -> None:
    rng, windows, n, m, cells = np.random.default_rng(11), 2_000, 20_000, 1_000, 10
    found = [
        statistic("psi", (rng.multinomial(n, [1 / cells] * cells), rng.multinomial(m, [1 / cells] * cells)))
        for _ in range(windows)
    ]
    error = float(np.std(found)) / math.sqrt(windows)
    assert np.mean(found) == pytest.approx((cells - 1) * (1 / n + 1 / m), abs=4.4 * error)  # one seed in 10⁵ beyond


def test_the_largest_floats_as_positions_do_not_overflow() -> None:
    def found(name: str, *pair: list[int], end: float = HUGE) -> float:
        left, right = map(np.array, pair)
        value: float = METHODS[name].score(left, right, positions=np.array([-end, end])).statistic
        return value

    for name in ("wasserstein", "wasserstein_normed", "energy", "t_test"):
        assert found(name, [1, 1], [1, 1]) == 0.0
    assert found("wasserstein", [4, 0], [3, 1]) == pytest.approx(HUGE / 2)
    assert found("energy", [4, 4], [5, 3]) == pytest.approx(math.sqrt(HUGE / 16))
    for name in ("wasserstein_normed", "t_test"):
        assert found(name, [4, 4], [3, 5]) == pytest.approx(found(name, [4, 4], [3, 5], end=1.0))


@pytest.mark.parametrize("law", [quadratic.cramer_von_mises, quadratic.anderson_darling])
def test_the_tail_of_a_limit_law_falls_and_inverts_its_quantiles_however_far_out(law: quadratic.Law) -> None:
    alphas = [0.999, 0.5, 0.05, 1e-4, 1e-12, 1e-100, 1e-290]
    quantiles = np.array([quadratic.quantile(law, alpha) for alpha in alphas])
    assert quadratic.tail(law, quantiles).tolist() == pytest.approx(alphas, rel=1e-3)
    found = quadratic.tail(law, np.linspace(0, 800, 10_001)).tolist()
    assert (found[0], found[-1]) == (1.0, 0.0)
    assert all(a >= b for a, b in pairwise(found))
