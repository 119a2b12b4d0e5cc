"""Kuiper distance: the largest differences of the two cumulative shares, one each way, added.

From 0 (equal shares) to 1 (no value in common, or one sample between the halves of the other); larger is more drift.
On bins it is at most two reference bins' mass below the exact statistic, and the p-value, that of the limit for many
events without ties, errs on the quiet side. No customary threshold: `critical` gives it. Sources: Kuiper 1960;
Stephens 1970 for the limit.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from monitor.drift.samples import Side, samples
from monitor.drift.scores import Score, check_alpha, effective_size, undefined

TITLE = "Kuiper distance"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
RANGE = "0 to 1"
USE = "A test for changes of spread, and for values that go round: hours, weekdays, angles."
COST = 2


def score(reference: Side, current: Side) -> Score:
    """max (P - Q) + max (Q - P), P and Q the cumulative shares; shape of both: (bins,). p-value: that of the limit.

    Both maxima are at least 0. Here P - Q is -½, ½, 0:

    >>> score(np.array([0, 2, 0]), np.array([1, 0, 1])).statistic
    1.0
    """
    a, b = samples(reference, current)
    if not b.size:
        return undefined(a.n, b.n, pvalue=True)
    apart = b.apart_below  # 0 at the end
    distance = float(np.maximum.reduce(apart) - np.minimum.reduce(apart))
    return Score(distance, _tail(math.sqrt(b.size) * distance), a.n, b.n)


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The distance that a clean window exceeds with probability `alpha` at most; `floor` is a distance let pass.

    √(q²/ne + floor²), q the limit's quantile; nan for an empty sample. Here 1.747/√50:

    >>> round(critical(0.05, n_reference=100, n_current=100, cells=200), 3)
    0.247
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    return math.sqrt(_quantile(alpha) ** 2 / effective + floor**2) if effective else math.nan


def _tail(x: float) -> float:
    """2 Σ (4j²x² - 1) exp(-2j²x²), j = 1, 2, …; below 0.4 it is 1 to twelve digits."""
    if x < 0.4:
        return 1.0
    total = 0.0
    for j in range(1, 13):
        squares = (j * x) ** 2
        total += (4 * squares - 1) * math.exp(-2 * squares)
        if squares > 40:  # the next terms have no digit in the sum
            break
    return min(max(2 * total, 0.0), 1.0)


@lru_cache(maxsize=1_000)
def _quantile(alpha: float) -> float:
    """The x with that tail, which falls; by halving."""
    low, high = 0.4, 20.0  # where the tail is 1, and 0 in floats
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(middle) > alpha else (low, middle)
    return (low + high) / 2
