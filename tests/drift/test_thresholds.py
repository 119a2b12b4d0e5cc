"""How far a statistic may go: fixed numbers as they are, p-values by the sizes of both samples and the columns."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.drift.methods import METHODS
from monitor.drift.thresholds import (
    FLOORS,
    WARNINGS_PER_PAGE,
    Fixed,
    Limits,
    Rule,
    Significant,
    default_rule,
    limits,
)
from monitor.errors import DriftlineError

sizes = st.integers(1, 10**9)


def found(
    rule: Rule | None, name: str, *, n: int = 10_000, m: int = 1_000, cells: int = 10, columns: int = 1
) -> Limits:
    return limits(rule, METHODS[name], n_reference=n, n_current=m, cells=cells, columns=columns)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("ks", Significant(0.01)),
        ("chi2", Significant(0.01)),
        ("psi", Fixed(0.2)),
        ("js", Fixed(0.1)),
        ("hellinger", Fixed(0.1)),
        ("total_variation", None),
        ("wasserstein", None),
        ("anderson_darling", Significant(0.01)),
        ("z_test", Significant(0.01)),
        ("l_infinity", Fixed(0.1)),
        ("wasserstein_normed", Fixed(0.1)),
        ("energy", None),
    ],
)
def test_a_method_has_its_null_its_customary_number_or_no_rule(name: str, rule: Rule | None) -> None:
    assert default_rule(METHODS[name], pvalue=0.01) == rule


def test_every_method_with_a_null_has_a_floor() -> None:
    assert set(FLOORS) == {name for name, method in METHODS.items() if method.critical}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Fixed(0.2), Limits(warning=0.1, drift=0.2)),
        (Fixed(0.2, warning=0.15), Limits(warning=0.15, drift=0.2)),
        (Fixed(0.25, warning=0.0), Limits(warning=0.0, drift=0.25)),
    ],
)
def test_fixed_numbers_know_no_sizes_and_warn_at_half(rule: Fixed, expected: Limits) -> None:
    assert found(rule, "psi") == found(rule, "psi", n=10, m=5, columns=40) == expected


@pytest.mark.parametrize(("n", "m"), [(0, 10), (10, 0), (0, 0)])
@pytest.mark.parametrize("rule", [Fixed(0.2), Significant(0.01), None])
def test_an_empty_sample_has_no_limits(rule: Rule | None, n: int, m: int) -> None:
    assert all(map(math.isnan, found(rule, "ks", n=n, m=m)))


def test_without_a_rule_there_are_no_limits() -> None:
    assert all(map(math.isnan, found(None, "wasserstein")))


def test_a_pvalue_is_refused_where_the_null_is_not_known() -> None:
    with pytest.raises(DriftlineError, match=r"'psi' has no p-value; give it a number as threshold, or use ks or chi2"):
        found(Significant(0.01), "psi")


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_columns_share_the_pvalue(name: str) -> None:
    # Twenty columns at 0.05 are one column at 0.0025.
    shared = found(Significant(0.05), name, columns=20)
    assert shared.drift == pytest.approx(found(Significant(0.0025), name).drift)
    assert shared.drift > found(Significant(0.05), name).drift


@pytest.mark.parametrize("name", sorted(FLOORS))
def test_a_warning_is_due_as_often_as_it_is_allowed_for_each_page(name: str) -> None:
    rule = Significant(0.001)
    assert found(rule, name).warning == pytest.approx(found(Significant(0.001 * WARNINGS_PER_PAGE), name).drift)


@given(st.sampled_from(sorted(FLOORS)), st.floats(1e-9, 0.5), sizes, sizes, st.integers(1, 1000))
def test_a_warning_never_comes_after_drift(name: str, pvalue: float, n: int, m: int, columns: int) -> None:
    warning, drift = found(Significant(pvalue), name, n=n, m=m, columns=columns)
    assert 0.0 < warning <= drift < math.inf


@given(st.floats(1e-9, 0.5), sizes, sizes)
def test_ks_limits_never_fall_below_the_floor_and_reach_it_with_many_events(pvalue: float, n: int, m: int) -> None:
    assert found(Significant(pvalue), "ks", n=n, m=m).warning >= FLOORS["ks"]
    assert found(Significant(pvalue), "ks", n=10**12, m=10**12).drift == pytest.approx(FLOORS["ks"], rel=1e-3)


def test_the_floor_can_be_chosen() -> None:
    free, high = (found(Significant(0.01, floor=floor), "ks").drift for floor in (0.0, 0.3))
    assert free < found(Significant(0.01), "ks").drift < high
    assert free == pytest.approx(1.6276 * math.sqrt(11_000 / 10_000_000), rel=1e-4)  # Smirnov's 1.63 over √ne


def test_chi2_limits_depend_on_the_cells() -> None:
    # With floor 0: the 0.99 quantiles of chi-square with 1 and 9 degrees of freedom.
    rule = Significant(0.01, floor=0.0)
    assert found(rule, "chi2", cells=2).drift == pytest.approx(6.635, abs=1e-3)
    assert found(rule, "chi2", cells=10).drift == pytest.approx(21.666, abs=1e-3)
    assert math.isnan(found(rule, "chi2", cells=1).drift)
