"""Every method: its laws, its slow twin, its equality with scipy, and what it refuses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitor.drift.bins import Counts
from monitor.drift.methods import METHODS, Method, method
from monitor.drift.scores import Score
from monitor.errors import DriftlineError
from tests import naive
from tests.oracles import ks_distance


@dataclass(frozen=True)
class Laws:
    """What holds for a method beyond what holds for all. `upper` None: no bound, or the number of bins."""

    upper: float | None = None
    metric: bool = True  # a triangle has no longer way round
    shares_only: bool = True  # a sample twice the size with the same shares is the same sample
    coarser_is_less: bool = True  # merging two neighbouring cells hides drift and never makes any
    has_null: bool = False


TABLE = {
    "chi2": Laws(metric=False, shares_only=False, has_null=True),
    "hellinger": Laws(upper=1.0),
    "js": Laws(upper=1.0),
    "ks": Laws(upper=1.0, has_null=True),
    "psi": Laws(metric=False, shares_only=False, coarser_is_less=False),  # the smoothing depends on both
    "total_variation": Laws(upper=1.0),
    "wasserstein": Laws(coarser_is_less=False),
}
NAMES = sorted(TABLE)


def holding(law: str) -> list[str]:
    """Names of the methods for which a law holds."""
    return [name for name, laws in TABLE.items() if getattr(laws, law)]


UNORDERED = [name for name, found in METHODS.items() if "unordered" in found.kinds]
cells = st.integers(0, 60)


@st.composite
def samples(draw: st.DrawFn, many: int = 2, least: int = 1) -> list[Counts]:
    """Counts of some samples on the same bins, none of them empty."""
    size = draw(st.integers(least, 12))
    drawn = [draw(st.lists(cells, min_size=size, max_size=size).filter(any)) for _ in range(many)]
    return [np.array(counts, dtype=np.int64) for counts in drawn]


def statistic(name: str, reference: Counts, current: Counts, **options: Any) -> float:
    found: Score = METHODS[name].score(reference, current, **options)
    return found.statistic


def test_every_method_is_in_the_table_of_laws() -> None:
    assert set(TABLE) == set(METHODS)


@pytest.mark.parametrize("found", METHODS.values(), ids=METHODS)
def test_a_method_says_what_its_caller_must_know(found: Method) -> None:
    assert found.title[0].isupper()
    assert found.kinds
    assert found.kinds <= {"ordered", "unordered"}
    assert found.bins in {"fine", "coarse", "pooled"}
    assert (found.critical is not None) == TABLE[found.name].has_null
    assert found.critical is None or found.threshold is None, "one rule by default, not two"


@pytest.mark.parametrize("name", NAMES)
@given(samples())
def test_equal_counts_have_no_drift(name: str, pair: list[Counts]) -> None:
    one_cell = name == "chi2" and np.count_nonzero(pair[0]) == 1
    expected = math.nan if one_cell else 0.0
    assert statistic(name, pair[0], pair[0].copy()) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", holding("shares_only"))
@given(samples(), st.integers(2, 1000))
def test_the_same_shares_in_a_larger_sample_are_the_same(name: str, pair: list[Counts], times: int) -> None:
    reference, current = pair
    assert statistic(name, reference, current * times) == pytest.approx(statistic(name, reference, current), abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
@given(samples())
def test_a_statistic_lies_within_its_bounds(name: str, pair: list[Counts]) -> None:
    found, upper = METHODS[name].score(*pair), TABLE[name].upper
    assert math.isnan(found.statistic) or 0.0 <= found.statistic <= (math.inf if upper is None else upper)
    assert not math.isnan(found.statistic) or (name == "chi2" and np.count_nonzero(pair[0] + pair[1]) == 1)
    assert (found.n_reference, found.n_current) == (pair[0].sum(), pair[1].sum())
    assert (found.pvalue is not None) == TABLE[name].has_null
    assert found.pvalue is None or math.isnan(found.pvalue) or 0.0 <= found.pvalue <= 1.0


@pytest.mark.parametrize("name", [name for name, laws in TABLE.items() if laws.upper == 1.0])
@given(samples())
def test_samples_without_overlap_are_one_apart(name: str, pair: list[Counts]) -> None:
    nothing = np.zeros_like(pair[0])
    left, right = np.concatenate((pair[0], nothing)), np.concatenate((nothing, pair[1]))
    assert statistic(name, left, right) == pytest.approx(1.0)


@pytest.mark.parametrize("name", NAMES)
@given(samples())
def test_it_does_not_matter_which_sample_comes_first(name: str, pair: list[Counts]) -> None:
    assert statistic(name, *pair) == pytest.approx(statistic(name, *pair[::-1]), rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", holding("metric"))
@given(samples(many=3))
def test_the_way_over_a_third_sample_is_no_shorter(name: str, three: list[Counts]) -> None:
    a, b, c = three
    assert statistic(name, a, c) <= statistic(name, a, b) + statistic(name, b, c) + 1e-7


@pytest.mark.parametrize("name", UNORDERED)
@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_unordered_bins_does_not_matter(name: str, pair: list[Counts], rng: Any) -> None:
    order = list(range(len(pair[0])))
    rng.shuffle(order)
    shuffled = statistic(name, pair[0][order], pair[1][order])
    assert shuffled == pytest.approx(statistic(name, *pair), rel=1e-9, abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(UNORDERED)))
def test_the_order_of_ordered_bins_matters(name: str) -> None:
    near, far = np.array([0, 9, 0]), np.array([0, 0, 9])
    mixed = np.array([5, 2, 2])
    assert statistic(name, mixed, near) != pytest.approx(statistic(name, mixed[[1, 2, 0]], near[[1, 2, 0]]))
    assert statistic(name, near, far) <= statistic(name, np.array([9, 0, 0]), far)


@pytest.mark.parametrize("name", holding("coarser_is_less"))
@given(samples(least=2), st.data())
def test_merging_neighbouring_cells_never_makes_drift(name: str, pair: list[Counts], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(pair[0]) - 2))
    starts = [i for i in range(len(pair[0])) if i != place + 1]
    merged = [np.add.reduceat(counts, starts) for counts in pair]
    coarse, fine = statistic(name, *merged), statistic(name, *pair)
    assume(not math.isnan(coarse))
    assert coarse <= fine + 1e-7


@pytest.mark.parametrize("name", NAMES)
@given(samples())
def test_a_method_equals_its_slow_twin(name: str, pair: list[Counts]) -> None:
    twin, options = getattr(naive, name), {}
    if name == "wasserstein":
        options["positions"] = [float(i) for i in range(len(pair[0]))]
    assume(name != "chi2" or np.count_nonzero(pair[0] + pair[1]) > 1)
    expected = twin(*(counts.tolist() for counts in pair), **options)
    assert statistic(name, *pair) == pytest.approx(expected, rel=1e-9, abs=1e-7)


# Equality with scipy, on samples with a value per event.


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


# Wrong use, and what is undefined.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sides", [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([0, 0], [0, 0]), ([], [])])
def test_a_sample_without_events_has_no_score(name: str, sides: tuple[list[int], list[int]]) -> None:
    reference, current = (np.array(counts, dtype=np.int64) for counts in sides)
    found = METHODS[name].score(reference, current)
    assert math.isnan(found.statistic)
    assert (found.n_reference, found.n_current) == (sum(sides[0]), sum(sides[1]))
    assert (found.pvalue is not None) == TABLE[name].has_null


def test_chi2_of_one_cell_is_undefined() -> None:
    assert math.isnan(statistic("chi2", np.array([5, 0]), np.array([7, 0])))


def test_psi_without_smoothing_is_undefined_where_one_sample_lacks_a_cell() -> None:
    assert math.isnan(statistic("psi", np.array([5, 0]), np.array([7, 1]), smoothing=0.0))
    assert statistic("psi", np.array([5, 5, 0]), np.array([7, 7, 0]), smoothing=0.0) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_counts_on_different_bins_are_refused(name: str) -> None:
    with pytest.raises(DriftlineError, match=r"one length, got shapes \(2,\) and \(3,\)"):
        METHODS[name].score(np.array([1, 2]), np.array([1, 2, 3]))


@pytest.mark.parametrize("name", NAMES)
def test_negative_counts_are_refused(name: str) -> None:
    with pytest.raises(DriftlineError, match="at least 0, got -2 among 2 bins"):
        METHODS[name].score(np.array([1, 2]), np.array([1, -2]))


@pytest.mark.parametrize("name", NAMES)
def test_shares_are_no_counts(name: str) -> None:
    with pytest.raises(DriftlineError, match="give counts, not shares"):
        METHODS[name].score(np.array([1, 2]), np.array([0.5, 0.5]))


@pytest.mark.parametrize("positions", [[0.0, 1.0], [0.0, 2.0, 1.0], [0.0, math.nan, 1.0], [0.0, 1.0, math.inf]])
def test_positions_that_do_not_fit_the_bins_are_refused(positions: list[float]) -> None:
    with pytest.raises(DriftlineError, match=r"expected (a position for each of 3 bins|finite positions that never)"):
        statistic("wasserstein", np.array([1, 2, 3]), np.array([3, 2, 1]), positions=np.array(positions))


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(DriftlineError, match=r"unknown method 'kss'; known are chi2, hellinger, js, ks, psi"):
        method("kss")


@pytest.mark.parametrize("name", NAMES)
def test_a_method_is_found_by_its_files_name(name: str) -> None:
    assert method(name).score.__module__ == f"monitor.drift.methods.{name}"
