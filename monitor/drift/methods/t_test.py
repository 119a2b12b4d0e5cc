"""Welch's t from bin centres: by how many standard errors the mean has changed.

From 0 (equal means) upwards; larger is more drift, and the same shift is larger with more events. On bins every event
counts as its bin's centre, the mean of the reference's values there. So the reference's mean is exact; the window's
is off by at most the mean width of the bins that its events lie in, and what lies in the open bins at both ends
counts as the reference's mean of them, however far out: a window with farther outliers than the reference had is not
seen as such. The spread within bins is left out, so a standard error is too small by a factor of at most √(1 - w²), w
the spread within bins over the spread of all. Sources: Welch 1947; the p-value has the smaller sample's degrees of
freedom, which is on the quiet side (Moore, McCabe and Craig 2009, section 7.2).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtr, stdtrit

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed, check_alpha, effective_size
from monitor.drift.sums import dot

TITLE = "Welch's t from bin centres"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
RANGE = "0 to ∞"
USE = "A test for the mean. Outliers can lead it, and it is blind to all else: mann_whitney is the safer one."
COST = 6
ALIASES = {"Evidently": "t_test", "scipy": "ttest_ind"}


def compute(a: Sample, b: Compared) -> Computed:
    """|x̄ - ȳ| / √(s²/n + r²/m), s² and r² the variances with n - 1 and m - 1; shape of all: (bins,).

    positions: a value for every bin, finite and never decreasing; by default the bins' ranks. p-value: Student's, both
    ways. Undefined with fewer than two events, and where neither sample varies but their values differ. Here the
    means are 1 and 2 and both variances 2, so 1 / √2:

    >>> round(float(compute(*Sample.pair(np.array([1, 0, 1, 0]), np.array([0, 1, 0, 1]), np.arange(4.0))).statistic), 4)
    0.7071
    """
    apart = -dot(b.apart, a.centred)
    around = a.centred - np.expand_dims(apart, -1)
    variance = dot(b.shares, around * around)
    error = np.sqrt(a.variance / np.maximum(a.n - 1, 1) + variance / np.maximum(b.n - 1, 1))
    t = np.abs(apart) / np.where(error > 0, error, 1.0)
    fewer = np.minimum(a.n, b.n)
    t = np.where((fewer < 2) | ((error == 0) & (apart != 0)), np.nan, t)
    return Computed(t, 2 * stdtr(np.maximum(fewer - 1, 1), -t))


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The t that a clean window exceeds with probability `alpha` at most; `floor` is a Cohen's d that is let pass.

    √(q² + floor² ne), q Student's quantile; nan for an empty sample. With many events it is 1.96:

    >>> round(critical(0.05, n_reference=10_000, n_current=10_000, cells=200), 2)
    1.96
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    quantile = float(stdtrit(max(min(n_reference, n_current) - 1, 1), alpha / 2))
    return math.hypot(quantile, floor * math.sqrt(effective)) if effective else math.nan
