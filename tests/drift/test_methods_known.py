"""Methods where the answer is known: golden values with their sources, and how often they cry wolf on clean data."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats

from monitor.drift.methods import METHODS
from monitor.drift.thresholds import FLOORS

NULLS = [name for name, method in METHODS.items() if method.critical]


# Golden values, each with its source.

TIED = [2, 1, 1, 0], [0, 1, 3, 1]  # 1, 1, 2, 3 and 2, 3, 3, 3, 4
LABS = [  # Scholz and Stephens 1987, table 4: smoothness of paper by the first two laboratories
    [38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0],
    [39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8],
]
TEA = [3, 1], [1, 3]  # Fisher 1935, The Design of Experiments, chapter 2: what the lady said of cups of either kind
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
        ("wasserstein_normed", ([2, 2, 0], [0, 2, 2]), {"positions": np.array([0.0, 4.0, 5.0])}, 2.5 / 2),  # by hand
        ("energy", ([3, 1], [2, 2]), {"positions": np.array([0.0, 8.0])}, 1.0),  # scipy 1.17, its doc
        ("kuiper", ([0, 3, 1, 0], [2, 0, 0, 2]), {}, 1.0),  # by hand: one sample between the halves of the other
        ("kl", (FIFTHS, THIRDS), {}, 0.0753252),  # scipy 1.17: stats.entropy([9.5, 12.5, 4.5], [1.5, 1.5, 1.5])
        ("l_infinity", (FIFTHS, THIRDS), {}, 13 / 75),  # by hand: 4/25 from 1/3
        (
            "g_test",
            PARTY,
            {},
            30.016693,
        ),  # scipy 1.17: chi2_contingency(PARTY, lambda_="log-likelihood")
        ("z_test", ([40, 60], [60, 40]), {}, math.sqrt(8)),  # by hand: 0.2 over the root of ½ · ½ / 50
        ("fisher", TEA, {}, -math.log10(34 / 70)),  # Fisher 1935
        ("fisher", ([6, 1], [2, 4]), {}, -math.log10(0.10256410256410257)),  # scipy 1.17, its doc
        ("anderson_darling", ([1, 0], [1, 2]), {}, 4 / 9),  # by hand: 3/16 · 4 · 1/9 · 16/3
        ("cramer_von_mises", ([2, 1, 1], [0, 1, 1]), {}, 7 / 72),  # by hand: 8/36 · 2 · (1/16 + 9/64 + 1/64)
        ("mann_whitney", TIED, {}, 1.8073922),  # scipy 1.17: the normal quantile of half the p-value below
        # scipy 1.17: ttest_ind([1, 1, 2, 3], [2, 3, 3, 3, 4], equal_var=False)
        ("t_test", TIED, {}, 2.1787234),
    ],
)
def test_golden_values(name: str, pair: Any, options: dict[str, Any], expected: float) -> None:
    reference, current = (np.array(counts) for counts in pair)
    assert METHODS[name].score(reference, current, **options).statistic == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "pair", "expected"),
    [
        ("chi2", PARTY, 2.954e-07),  # R 4.3, as it prints it
        ("g_test", PARTY, 3.0335979e-07),  # scipy 1.17
        ("fisher", TEA, 34 / 70),  # Fisher 1935
        ("mann_whitney", TIED, 0.0707011),  # scipy 1.17: mannwhitneyu(x, y, use_continuity=False, method="asymptotic")
    ],
)
def test_golden_pvalues(name: str, pair: Any, expected: float) -> None:
    assert METHODS[name].score(*(np.array(counts) for counts in pair)).pvalue == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cramer_von_mises", 0.4375 - 1 / 64),  # scipy 1.17: cramervonmises_2samp, less 1/4N as we take mid-ranks
        ("t_test", 1.859452),  # scipy 1.17: ttest_ind(*LABS, equal_var=False)
        ("ks", 5 / 8),  # by hand
    ],
)
def test_golden_values_of_two_laboratories(name: str, expected: float) -> None:
    places = np.unique(np.concatenate(LABS))
    pair = [np.isin(places, side).astype(np.int64) for side in LABS]
    positions = places if name == "t_test" else None
    assert METHODS[name].score(*pair, positions=positions).statistic == pytest.approx(expected, rel=1e-6)


LIMITS = {
    "ks": (1.22, 1.36, 1.63, 1.95),  # Smirnov 1948, Table for estimating the goodness of fit
    "kuiper": (1.620, 1.747, 2.001, math.nan),  # Stephens 1970, table 1
    "chi2": (
        14.68,
        16.92,
        21.67,
        27.88,
    ),  # Pearson and Hartley 1966, table 8: nine degrees of freedom
    "cramer_von_mises": (0.347, 0.461, 0.743, 1.168),  # Anderson and Darling 1952, table 1
    "anderson_darling": (1.933, 2.492, 3.857, math.nan),  # Anderson and Darling 1954; the last is 0.5 % low there
    "z_test": (1.645, 1.960, 2.576, 3.291),  # Pearson and Hartley 1966, table 1
    "mann_whitney": (1.645, 1.960, 2.576, 3.291),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_those_of_the_tables(name: str) -> None:
    root = math.sqrt(50) if name in ("ks", "kuiper") else 1.0  # distances: ne is 50 here
    for alpha, quantile in zip((0.10, 0.05, 0.01, 0.001), LIMITS[name], strict=True):
        if not math.isnan(quantile):
            assert critical(name, alpha, n=100, m=100) * root == pytest.approx(quantile, abs=0.006, rel=0.006)


def test_limits_of_welchs_t_are_those_of_students_table() -> None:
    # Pearson and Hartley 1966, table 12: ten degrees of freedom
    found = [critical("t_test", alpha, n=11, m=500) for alpha in (0.10, 0.05, 0.01, 0.001)]
    assert found == pytest.approx([1.812, 2.228, 3.169, 4.587], abs=0.001)


# What is known of the null.


def critical(name: str, alpha: float, *, n: int, m: int, cells: int = 10, floor: float = 0.0) -> float:
    found = METHODS[name].critical
    assert found is not None
    return found(alpha, n_reference=n, n_current=m, cells=cells, floor=floor)


def interval(trials: int, share: float) -> tuple[float, float]:
    """Where the number of hits lies in all but one of a hundred thousand simulations."""
    low, high = stats.binom.interval(1 - 1e-5, trials, share)
    return float(low), float(high)


ALPHAS = (0.2, 0.05, 0.01)


def alarms(name: str, *, cells: int, trials: int, n: int, m: int, evenness: float) -> list[int]:
    """Clean windows with a p-value below each of ALPHAS; it is asserted that limits say the same."""
    rng = np.random.default_rng(20_240_101)
    chances = rng.dirichlet(np.full(cells, evenness))
    sides = zip(rng.multinomial(n, chances, trials), rng.multinomial(m, chances, trials), strict=True)
    scores = [METHODS[name].score(*pair) for pair in sides]
    found = [sum((score.pvalue or 0.0) < alpha for score in scores) for alpha in ALPHAS]
    limits = [critical(name, alpha, n=n, m=m, cells=cells) for alpha in ALPHAS]
    assert found == [sum(score.statistic > limit for score in scores) for limit in limits]
    return found


@pytest.mark.parametrize(
    ("name", "cells", "least"),
    [
        ("anderson_darling", 200, 1.0),
        ("chi2", 12, 1.0),
        ("cramer_von_mises", 200, 1.0),
        ("fisher", 2, 0.75),  # what is counted has steps
        ("g_test", 12, 1.0),
        ("ks", 200, 0.75),  # bins and finite samples make it a little shy
        ("kuiper", 200, 0.7),
        ("mann_whitney", 200, 1.0),
        ("t_test", 200, 1.0),
        ("z_test", 2, 1.0),
    ],
)
def test_clean_windows_exceed_their_limit_as_often_as_stated(name: str, cells: int, least: float) -> None:
    trials = 4_000
    for alpha, beyond in zip(
        ALPHAS, alarms(name, cells=cells, trials=trials, n=8_000, m=2_000, evenness=5.0), strict=True
    ):
        assert interval(trials, alpha * least)[0] <= beyond <= interval(trials, alpha)[1]


@pytest.mark.parametrize("name", [name for name in NULLS if "ordered" in METHODS[name].kinds])
@pytest.mark.parametrize("cells", [2, 5])
def test_few_values_make_no_alarms_and_where_ties_are_corrected_for_none_are_lost(name: str, cells: int) -> None:
    trials = 1_000
    if METHODS[name].binary and cells > 2:
        return
    found = alarms(name, cells=cells, trials=trials, n=8_000, m=2_000, evenness=20.0)
    for alpha, beyond in zip(ALPHAS, found, strict=True):
        assert beyond <= interval(trials, alpha)[1]
        assert beyond >= interval(trials, alpha)[0] or name not in ("mann_whitney", "t_test", "z_test")


def shifted(name: str, size: float) -> tuple[list[float], list[float]]:
    """Chances before and after a shift of `size` floors: of the mean of normal data, or of the share of a half."""
    if name in ("chi2", "fisher", "g_test", "z_test"):
        return [0.5, 0.5], [0.5 + size * FLOORS[name] / 2, 0.5 - size * FLOORS[name] / 2]
    edges = stats.norm.ppf(np.arange(201) / 200)
    return [1 / 200] * 200, np.diff(stats.norm.cdf(edges - size / 8)).tolist()


@pytest.mark.parametrize("name", NULLS)
def test_an_effect_below_the_floor_stays_quiet_however_large_the_window_and_one_above_is_told(name: str) -> None:
    rng, n = np.random.default_rng(5), 400_000
    limit = critical(name, 0.01, n=n, m=n, cells=2, floor=FLOORS[name])
    for size, loud in ((0.9, 0), (1.1, 40)):
        before, after = shifted(name, size)
        sides = [(rng.multinomial(n, before), rng.multinomial(n, after)) for _ in range(40)]
        assert sum(METHODS[name].score(*pair).statistic > limit for pair in sides) == loud


@pytest.mark.parametrize("name", NULLS)
def test_limits_fall_as_more_alarms_are_allowed_and_rise_with_the_floor(name: str) -> None:
    by_alpha = [critical(name, alpha, n=1000, m=500) for alpha in (1e-300, 1e-12, 1e-3, 0.05, 0.5)]
    by_floor = [critical(name, 0.01, n=1000, m=500, floor=floor) for floor in (0.0, 0.05, 0.1, 0.5)]
    assert all(a > b for a, b in pairwise(by_alpha))
    assert all(a < b for a, b in pairwise(by_floor))
    assert math.isfinite(by_alpha[0])
