"""Methods where the answer is known: golden values with their sources, and how often they cry wolf on clean data."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from monitor.drift.methods import METHODS

NULLS = [name for name, method in METHODS.items() if method.critical]


# Golden values, each with its source.

PARTY = [[762, 327, 468], [484, 239, 477]]  # Agresti 2007, An Introduction to Categorical Data Analysis, p. 39
FIFTHS, THIRDS = [9, 12, 4], [1, 1, 1]  # the example of Kullback and Leibler's divergence in Wikipedia, 2024


@pytest.mark.parametrize(
    ("name", "pair", "options", "expected"),
    [
        ("chi2", PARTY, {}, 30.070149),  # R 4.3: chisq.test(rbind(c(762,327,468), c(484,239,477)))
        ("ks", ([1, 1, 1, 0], [0, 1, 1, 1]), {}, 1 / 3),  # by hand: steps of a third, one step apart
        ("psi", (FIFTHS, THIRDS), {"smoothing": 0.0}, 0.0852996 + 0.0974550),  # both divergences, as stated there
        ("total_variation", (FIFTHS, THIRDS), {}, 13 / 75),  # by hand: (2 + 11 + 13) / 75, halved
        ("hellinger", (FIFTHS, THIRDS), {}, math.sqrt(1 - (1 + math.sqrt(12) / 5) / math.sqrt(3))),  # by hand
        ("js", ([2, 0], [1, 1]), {}, 0.46450140402245893 / math.sqrt(math.log(2))),  # scipy 1.11, jensenshannon's doc
        ("wasserstein", ([3, 1], [2, 2]), {"positions": np.array([0.0, 1.0])}, 0.25),  # scipy 1.11, its doc
        ("wasserstein", ([1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]), {"positions": np.array([0, 1, 3, 5, 6, 8])}, 5.0),
    ],
)
def test_golden_values(name: str, pair: Any, options: dict[str, Any], expected: float) -> None:
    reference, current = (np.array(counts) for counts in pair)
    assert METHODS[name].score(reference, current, **options).statistic == pytest.approx(expected, rel=1e-6)


def test_the_golden_table_has_its_pvalue() -> None:
    pvalue = METHODS["chi2"].score(*(np.array(counts) for counts in PARTY)).pvalue
    assert pvalue == pytest.approx(2.954e-07, rel=1e-3)  # as R prints it


@pytest.mark.parametrize(("alpha", "quantile"), [(0.10, 1.22), (0.05, 1.36), (0.01, 1.63), (0.001, 1.95)])
def test_ks_limits_are_those_of_the_tables(alpha: float, quantile: float) -> None:
    # Smirnov 1948, Table for estimating the goodness of fit of empirical distributions; ne is 50 here
    assert critical("ks", alpha, n=100, m=100) * math.sqrt(50) == pytest.approx(quantile, abs=0.005)


@pytest.mark.parametrize(("alpha", "quantile"), [(0.10, 14.68), (0.05, 16.92), (0.01, 21.67), (0.001, 27.88)])
def test_chi2_limits_are_those_of_the_tables(alpha: float, quantile: float) -> None:
    # Pearson and Hartley 1966, Biometrika Tables for Statisticians, table 8: nine degrees of freedom
    assert critical("chi2", alpha, n=100, m=100) == pytest.approx(quantile, abs=0.005)


# What is known of the null.


def critical(name: str, alpha: float, *, n: int, m: int, cells: int = 10, floor: float = 0.0) -> float:
    found = METHODS[name].critical
    assert found is not None
    return found(alpha, n_reference=n, n_current=m, cells=cells, floor=floor)


def interval(trials: int, share: float) -> tuple[float, float]:
    """Where the number of hits lies in all but one of a hundred thousand simulations."""
    low, high = stats.binom.interval(1 - 1e-5, trials, share)
    return float(low), float(high)


@pytest.mark.parametrize(("name", "cells", "least"), [("ks", 200, 0.75), ("chi2", 12, 1.0)])
@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.01])
def test_clean_windows_exceed_their_limit_as_often_as_stated(name: str, cells: int, least: float, alpha: float) -> None:
    # Bins and finite samples make KS a little shy: at least three quarters of the stated share.
    trials, n, m = 4_000, 8_000, 2_000
    rng = np.random.default_rng(20_240_101)
    chances = rng.dirichlet(np.full(cells, 5.0))
    limit = critical(name, alpha, n=n, m=m, cells=cells)
    scores = [METHODS[name].score(rng.multinomial(n, chances), rng.multinomial(m, chances)) for _ in range(trials)]
    beyond = sum(score.statistic > limit for score in scores)
    assert interval(trials, alpha * least)[0] <= beyond <= interval(trials, alpha)[1]
    assert beyond == sum((score.pvalue or 0.0) < alpha for score in scores), "limits and p-values say the same"


@pytest.mark.parametrize(("name", "floor"), [("ks", 0.05), ("chi2", 0.10)])
def test_an_effect_at_the_floor_stays_quiet_however_large_the_window(name: str, floor: float) -> None:
    # Half of the mass each: KS distance d moves d from one cell to the other, Cohen's w is 2d.
    shift = floor if name == "ks" else floor / 2
    rng, n, loud = np.random.default_rng(5), 400_000, 0
    limit = critical(name, 0.01, n=n, m=n, cells=2, floor=floor)
    for _ in range(300):
        sides = (rng.multinomial(n, [0.5, 0.5]), rng.multinomial(n, [0.5 + shift, 0.5 - shift]))
        loud += METHODS[name].score(*sides).statistic > limit
    assert loud < 300 * 0.55, "at the floor itself it is a coin's toss, never a certainty"
    twice = (rng.multinomial(n, [0.5, 0.5]), rng.multinomial(n, [0.5 + 2 * shift, 0.5 - 2 * shift]))
    assert METHODS[name].score(*twice).statistic > limit


@pytest.mark.parametrize("name", NULLS)
def test_limits_fall_as_more_alarms_are_allowed_and_rise_with_the_floor(name: str) -> None:
    by_alpha = [critical(name, alpha, n=1000, m=500) for alpha in (1e-300, 1e-12, 1e-3, 0.05, 0.5)]
    by_floor = [critical(name, 0.01, n=1000, m=500, floor=floor) for floor in (0.0, 0.05, 0.1, 0.5)]
    assert all(a > b for a, b in pairwise(by_alpha))
    assert all(a < b for a, b in pairwise(by_floor))
    assert math.isfinite(by_alpha[0])
