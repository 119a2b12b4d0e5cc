"""Pearson's chi-square test of homogeneity: could both samples, each with its own noise, have the same shares?

From 0 (equal shares) upwards; larger is more drift, and the same shift is larger with more events, so the statistic
means nothing without its threshold. No customary one: `critical` gives it. Source: Pearson 1900; the effect that
`floor` lets pass is Cohen's w (Cohen 1988).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import chdtrc, chdtri

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed, check_alpha, effective_size
from monitor.drift.sums import dot

TITLE = "Chi-square statistic"
KINDS = frozenset({"unordered"})
BINS = "pooled"
THRESHOLD = None
DEFAULT = True
RANGE = "0 to ∞"
USE = "The test for categories: any change of their shares, rare ones pooled."
COST = 4
ALIASES = {"Evidently": "chisquare", "NannyML": "chi2", "Alibi Detect": "ChiSquareDrift", "scipy": "chi2_contingency"}


def compute(a: Sample, b: Compared) -> Computed:
    """nN · Σ (p - q)² / (events in the cell), over cells that either sample has; shape of both: (cells,).

    p, q: shares of the n and N events. p-value: upper tail of chi-square with cells - 1 degrees of freedom. Undefined
    with fewer than two such cells. Here 20 · 20 · (0.25²/15 + 0.25²/25):

    >>> round(float(compute(*Sample.pair(np.array([10, 10]), np.array([5, 15]))).statistic), 4)
    2.6667
    """
    events = a.counts + b.counts
    cells = np.count_nonzero(events, axis=-1)
    # A cell that both lack has difference 0, and any divisor serves. In shares, equal ones give exactly 0.
    statistic = (1.0 * a.n) * b.n * dot(b.apart, b.apart / np.maximum(events, 1))
    statistic = np.where(cells < 2, np.nan, statistic)
    return Computed(statistic, chdtrc(np.maximum(cells - 1, 1), statistic))


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The statistic that a clean window exceeds with probability `alpha`; `floor` is a Cohen's w that is let pass.

    nan for an empty sample or fewer than two cells. With one degree of freedom it is 1.96²:

    >>> round(critical(0.05, n_reference=100, n_current=100, cells=2), 2)
    3.84
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    if not effective or cells < 2:
        return math.nan
    return float(chdtri(cells - 1, alpha)) + floor**2 * effective
