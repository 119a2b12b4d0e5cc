"""The columns of a window share one level, by Benjamini and Hochberg's procedure."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from monitor.drift.decisions import LEAST, Effect, cutoff, levels
from monitor.drift.thresholds import WARNINGS_PER_PAGE
from monitor.drift.variation import Variation

SHORT = Variation(variance=1e-9, z=9.0, stretches=10)
LEVEL = 0.001


def a_test(pvalue: float, *, variation: Variation | None = None, floor: float = 0.0, weight: float = 1.0) -> Effect:
    """A test whose effect has this p-value: its limit is -log of the p-value."""
    return Effect(-math.log(pvalue), lambda alpha: -math.log(alpha), variation or Variation(), floor, weight)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30), st.sampled_from([0.001, 0.05, 0.3]))
def test_what_is_rejected_is_what_scipy_rejects(pvalues: list[float], level: float) -> None:
    adjusted = false_discovery_control(pvalues)
    if any(abs(float(x) - level) < 1e-9 for x in adjusted):
        return  # on the edge, by rounding
    assert [p <= cutoff(pvalues, level) for p in pvalues] == [bool(x <= level) for x in adjusted]


def test_where_none_is_rejected_the_level_is_what_a_single_one_would_have_to_reach() -> None:
    assert cutoff([0.5] * 20, LEVEL) == LEVEL / 20
    assert cutoff([], LEVEL) == LEVEL


@given(st.floats(1e-9, 0.02), st.floats(0.1, 1.0))
def test_a_pvalue_is_the_level_at_which_the_effect_is_the_limit(pvalue: float, weight: float) -> None:
    assert a_test(pvalue * weight, weight=weight).pvalue(0.03) == pytest.approx(pvalue, rel=1e-6)


def test_a_pvalue_beyond_interest_is_one_and_one_below_all_is_the_least() -> None:
    assert a_test(0.5).pvalue(0.03) == 1.0
    assert a_test(1e-200).pvalue(0.03) == LEAST


def test_an_effect_below_the_floor_is_never_significant() -> None:
    assert a_test(1e-9, floor=1e9).pvalue(0.03) == 1.0


def test_other_columns_in_drift_lower_the_bar() -> None:
    calm, wild = [[a_test(0.5)]] * 13, [[a_test(1e-6)]] * 7
    assert levels([*calm, *wild], LEVEL).drift == pytest.approx(7 * levels([[a_test(0.5)]] * 20, LEVEL).drift)


def test_warnings_are_as_many_more_as_are_allowed_for_each_page() -> None:
    found = levels([[a_test(0.5)]] * 20, LEVEL)
    assert found.warning == pytest.approx(WARNINGS_PER_PAGE * found.drift)


def test_a_test_that_knows_too_little_may_warn_and_takes_nothing_from_the_others() -> None:
    found = levels([[a_test(1e-9, variation=SHORT)]] * 3 + [[a_test(0.5)]] * 4, LEVEL)
    assert found.drift == LEVEL / 4
    assert found.warning == pytest.approx(3 * LEVEL * WARNINGS_PER_PAGE / 7)


@given(st.lists(st.floats(1e-9, 1.0), max_size=20))
def test_a_warning_never_comes_after_drift(pvalues: list[float]) -> None:
    found = levels([[a_test(pvalue)] for pvalue in pvalues], LEVEL)
    assert found.warning >= found.drift > 0
