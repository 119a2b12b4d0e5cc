"""Cramér-von Mises statistic: the mean squared difference of the cumulative shares, times the effective size.

From 0 (equal shares) upwards; larger is more drift, and the same shift is larger with more events, so the statistic
means nothing without its threshold, which `critical` gives. All events of a bin are tied and take their mid-rank. The
p-value is that of the limit for many events without ties: right on 200 bins, and on the quiet side where a few values
have most of the events. Sources: Anderson 1962; Anderson and Darling 1952 for the limit.
"""

from __future__ import annotations

import math

from monitor.drift import quadratic
from monitor.drift.samples import Side, samples
from monitor.drift.scores import Score, check_alpha, effective_size, undefined
from monitor.drift.sums import dot

TITLE = "Cramér-von Mises statistic"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
RANGE = "0 to ∞"
USE = "A test that gathers a shift over the whole range; ks sees only the widest gap."
COST = 2
ALIASES = {"Evidently": "cramer_von_mises", "Alibi Detect": "CVMDrift", "scipy": "cramervonmises_2samp"}


def score(reference: Side, current: Side) -> Score:
    """ne Σ h (P - Q)², ne = nm / (n + m); shape of both: (bins,). p-value: that of the limit.

    h: a bin's share of all events; P, Q: cumulative shares up to the middle of the bin. Here they differ by ½ in both:

    >>> import numpy as np
    >>> score(np.array([2, 0]), np.array([0, 2])).statistic
    0.25
    """
    a, b = samples(reference, current)
    if not b.size:
        return undefined(a.n, b.n, pvalue=True)
    statistic = b.size * dot(b.pooled, b.squares_middle)
    return Score(statistic, quadratic.tail(quadratic.cramer_von_mises, statistic), a.n, b.n)


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The statistic that a clean window exceeds with probability `alpha` at most; nan for an empty sample.

    `floor` is let pass: the root of the mean squared difference of the cumulative shares. Here the limit's 5 % point:

    >>> round(critical(0.05, n_reference=100, n_current=100, cells=200), 3)
    0.461
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    return quadratic.quantile(quadratic.cramer_von_mises, alpha) + floor**2 * effective if effective else math.nan
