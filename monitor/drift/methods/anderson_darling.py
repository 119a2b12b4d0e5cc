"""Anderson-Darling statistic: squared differences of the cumulative shares, weighed up in the tails.

From 0 (equal shares) upwards; larger is more drift, and the same shift is larger with more events, so the statistic
means nothing without its threshold, which `critical` gives. All events of a bin are tied and take their mid-rank, as in
Scholz and Stephens 1987 but without their correction of the weights, with which a column of two values alarms twice as
often as it should. The p-value is that of the limit for many events without ties: right on 200 bins, and on the quiet
side where a few values have most of the events. Sources: Pettitt 1976; Anderson and Darling 1952 for the limit.
"""

from __future__ import annotations

import math

from monitor.drift import quadratic
from monitor.drift.samples import Side, samples
from monitor.drift.scores import Score, check_alpha, effective_size, undefined
from monitor.drift.sums import dot

TITLE = "Anderson-Darling statistic"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
RANGE = "0 to ∞"
USE = "A test that sees the tails too, which ks hardly does: shifts, spreads and outliers."
COST = 4
ALIASES = {"Evidently": "anderson", "scipy": "anderson_ksamp"}


def score(reference: Side, current: Side) -> Score:
    """ne Σ h (P - Q)² / (H(1 - H)), ne = nm / (n + m); shape of both: (bins,). p-value: that of the limit.

    h: a bin's share of all events; P, Q, H: cumulative shares of the reference, of the window and of all, up to the
    middle of the bin. Here P - Q is ½ in both, H is ¼ and ¾, so 2 · ½ · ¼ · 16/3:

    >>> import numpy as np
    >>> round(score(np.array([2, 0]), np.array([0, 2])).statistic, 4)
    1.3333
    """
    a, b = samples(reference, current)
    if not b.size:
        return undefined(a.n, b.n, pvalue=True)
    apart, h = b.apart_middle, b.pooled
    middle = a.middle - apart * (b.n / (a.n + b.n))
    weights = h / (middle * (1 - middle) + 1e-300)  # middle is 0 or 1 only where there is no event, and h is 0
    statistic = b.size * dot(weights, b.squares_middle)
    return Score(statistic, quadratic.tail(quadratic.anderson_darling, statistic), a.n, b.n)


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The statistic that a clean window exceeds with probability `alpha` at most; nan for an empty sample.

    `floor` is let pass: the root of the mean squared difference of the cumulative shares, each over its own spread,
    √(H(1 - H)). Here the 5 % point of the limit:

    >>> round(critical(0.05, n_reference=100, n_current=100, cells=200), 3)
    2.492
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    return quadratic.quantile(quadratic.anderson_darling, alpha) + floor**2 * effective if effective else math.nan
