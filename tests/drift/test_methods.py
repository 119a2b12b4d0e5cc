"""Every method: its laws and its slow twin; test_methods_scipy.py has its equality with scipy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.drift.bins import Counts
from monitor.drift.methods import METHODS, Method
from monitor.drift.scores import Score
from tests import naive_methods as naive


@dataclass(frozen=True)
class Laws:
    """What holds for a method beyond what holds for all. `upper` None: no bound."""

    upper: float | None = None
    reaches: bool = True  # the bound, where the samples have no cell in common
    metric: bool = True  # a triangle has no longer way round
    symmetric: bool = True
    shares_only: bool = True  # a sample twice the size with the same shares is the same sample
    coarser_is_less: bool = True  # merging two neighbouring cells hides drift and never makes any
    has_null: bool = False


def growing(*, coarser_is_less: bool = False) -> Laws:
    """Laws of a test, whose statistic grows with the samples."""
    return Laws(metric=False, shares_only=False, coarser_is_less=coarser_is_less, has_null=True)


TABLE = {
    "anderson_darling": growing(),  # a coarser cell has more ties, whose mid-rank may lie farther off
    "chi2": growing(coarser_is_less=True),
    "cramer_von_mises": growing(),
    "energy": Laws(coarser_is_less=False),  # as for wasserstein, ranks are the positions
    "fisher": growing(coarser_is_less=True),
    "g_test": growing(coarser_is_less=True),
    "hellinger": Laws(upper=1.0),
    "js": Laws(upper=1.0),
    "kl": Laws(metric=False, symmetric=False, shares_only=False, coarser_is_less=False),
    "ks": Laws(upper=1.0, has_null=True),
    "kuiper": Laws(upper=1.0, has_null=True),
    "l_infinity": Laws(upper=1.0, reaches=False, coarser_is_less=False),  # a sum of cells may change more than each
    "mann_whitney": growing(),
    "psi": Laws(metric=False, shares_only=False, coarser_is_less=False),  # the smoothing depends on both
    "t_test": growing(),
    "total_variation": Laws(upper=1.0),
    "wasserstein": Laws(coarser_is_less=False),
    "wasserstein_normed": Laws(metric=False, symmetric=False, coarser_is_less=False),
    "z_test": growing(coarser_is_less=True),
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


def fit(name: str, pair: Sequence[Counts]) -> list[Counts]:
    """Samples that the method is for: of two cells at most, where it is binary."""
    return [np.add.reduceat(counts, [0, 1][: len(counts)]) if METHODS[name].binary else counts for counts in pair]


def defined(name: str, pair: Sequence[Counts]) -> bool:
    """Whether samples with events have a statistic."""
    reference, current = pair
    if name in ("chi2", "g_test"):
        return bool(np.count_nonzero(reference + current) > 1)
    alone = [np.count_nonzero(counts) == 1 for counts in pair]
    equal = bool(reference.argmax() == current.argmax())
    if name == "t_test":
        return min(reference.sum(), current.sum()) > 1 and (equal or not all(alone))
    return name != "wasserstein_normed" or not alone[0] or (equal and alone[1])


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
    counts, _ = fit(name, pair)
    expected = 0.0 if defined(name, [counts, counts]) else math.nan
    assert statistic(name, counts, counts.copy()) == pytest.approx(expected, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", holding("shares_only"))
@given(samples(), st.integers(2, 1000))
def test_the_same_shares_in_a_larger_sample_are_the_same(name: str, pair: list[Counts], times: int) -> None:
    reference, current = pair
    assume(defined(name, pair))
    once = statistic(name, reference, current)
    assert statistic(name, reference, current * times) == pytest.approx(once, rel=1e-9, abs=1e-7)


@pytest.mark.parametrize("name", NAMES)
@given(samples())
def test_a_statistic_lies_within_its_bounds(name: str, pair: list[Counts]) -> None:
    pair = fit(name, pair)
    found, upper = METHODS[name].score(*pair), TABLE[name].upper
    assert math.isnan(found.statistic) == (not defined(name, pair))
    assert math.isnan(found.statistic) or 0.0 <= found.statistic <= (math.inf if upper is None else upper)
    assert (found.n_reference, found.n_current) == (pair[0].sum(), pair[1].sum())
    assert (found.pvalue is not None) == TABLE[name].has_null
    assert found.pvalue is None or math.isnan(found.pvalue) or 0.0 <= found.pvalue <= 1.0


@pytest.mark.parametrize("name", [name for name, laws in TABLE.items() if laws.upper == 1.0 and laws.reaches])
@given(samples())
def test_samples_without_overlap_are_one_apart(name: str, pair: list[Counts]) -> None:
    nothing = np.zeros_like(pair[0])
    left, right = np.concatenate((pair[0], nothing)), np.concatenate((nothing, pair[1]))
    assert statistic(name, left, right) == pytest.approx(1.0)


@pytest.mark.parametrize("name", holding("symmetric"))
@given(samples())
def test_it_does_not_matter_which_sample_comes_first(name: str, pair: list[Counts]) -> None:
    pair = fit(name, pair)
    assert statistic(name, *pair) == pytest.approx(statistic(name, *pair[::-1]), rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", holding("metric"))
@given(samples(many=3))
def test_the_way_over_a_third_sample_is_no_shorter(name: str, three: list[Counts]) -> None:
    a, b, c = three
    assert statistic(name, a, c) <= statistic(name, a, b) + statistic(name, b, c) + 1e-7


@pytest.mark.parametrize("name", UNORDERED)
@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_unordered_bins_does_not_matter(name: str, pair: list[Counts], rng: Any) -> None:
    pair = fit(name, pair)
    order = list(range(len(pair[0])))
    rng.shuffle(order)
    shuffled = statistic(name, pair[0][order], pair[1][order])
    assert shuffled == pytest.approx(statistic(name, *pair), rel=1e-9, abs=1e-7, nan_ok=True)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(UNORDERED)))
def test_the_order_of_ordered_bins_matters(name: str) -> None:
    mixed, other, order = np.array([5, 1, 5, 1]), np.array([1, 5, 1, 5]), [0, 2, 1, 3]
    assert statistic(name, mixed, other) < statistic(name, mixed[order], other[order])
    low, middle, high = np.array([9, 1, 0]), np.array([0, 9, 1]), np.array([0, 1, 9])
    assert statistic(name, middle, high) <= statistic(name, low, high)


@given(samples(), st.integers(0, 12))
def test_for_kuiper_it_does_not_matter_where_the_circle_begins(pair: list[Counts], by: int) -> None:
    turned = statistic("kuiper", *(np.roll(counts, by) for counts in pair))
    assert turned == pytest.approx(statistic("kuiper", *pair))


@given(samples(many=1, least=2))
def test_kl_weighs_what_has_vanished_more_than_what_is_new(one: list[Counts]) -> None:
    lacking = one[0] + 1
    lacking[0] = 0
    full = lacking + np.eye(1, len(lacking), dtype=np.int64)[0] * lacking.sum()
    assert statistic("kl", full, lacking) > statistic("kl", lacking, full)


@pytest.mark.parametrize("name", holding("coarser_is_less"))
@given(samples(least=2), st.data())
def test_merging_neighbouring_cells_never_makes_drift(name: str, pair: list[Counts], data: st.DataObject) -> None:
    pair = fit(name, pair)
    place = data.draw(st.integers(0, len(pair[0]) - 2))
    starts = [i for i in range(len(pair[0])) if i != place + 1]
    merged = [np.add.reduceat(counts, starts) for counts in pair]
    coarse, fine = statistic(name, *merged), statistic(name, *pair)
    assume(not math.isnan(coarse))
    assert coarse <= fine + 1e-7


@pytest.mark.parametrize("name", NAMES)
@given(samples())
def test_a_method_equals_its_slow_twin(name: str, pair: list[Counts]) -> None:
    pair = fit(name, pair)
    assume(defined(name, pair))
    twin, options = getattr(naive, name), {}
    if "positions" in signature(twin).parameters:
        options["positions"] = [float(i) for i in range(len(pair[0]))]
    assume(name != "wasserstein_normed" or np.count_nonzero(pair[0]) > 1)
    expected = twin(*(counts.tolist() for counts in pair), **options)
    assert statistic(name, *pair) == pytest.approx(expected, rel=1e-9, abs=1e-7)
