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

from monitor.drift.bins import Floats
from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed, check_alpha, effective_size
from monitor.drift.sums import exp

TITLE = "Kuiper distance"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
RANGE = "0 to 1"
USE = "A test for changes of spread, and for values that go round: hours, weekdays, angles."
COST = 4

TERMS = np.arange(1, 13)  # of the series: the next ones have no digit in the sum


def compute(a: Sample, b: Compared) -> Computed:
    """max (P - Q) + max (Q - P), P and Q the cumulative shares; shape of both: (bins,). p-value: that of the limit.

    Both maxima are at least 0. Here P - Q is -½, ½, 0:

    >>> float(compute(*Sample.pair(np.array([0, 2, 0]), np.array([1, 0, 1]))).statistic)
    1.0
    """
    apart = b.apart_below  # 0 at the end
    distance = np.maximum.reduce(apart, axis=-1) - np.minimum.reduce(apart, axis=-1)
    return Computed(distance, _tail(np.sqrt(b.size) * distance))


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The distance that a clean window exceeds with probability `alpha` at most; `floor` is a distance let pass.

    √(q²/ne + floor²), q the limit's quantile; nan for an empty sample. Here 1.747/√50:

    >>> round(critical(0.05, n_reference=100, n_current=100, cells=200), 3)
    0.247
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    return math.sqrt(_quantile(alpha) ** 2 / effective + floor**2) if effective else math.nan


def _tail(x: Floats) -> Floats:
    """2 Σ (4j²x² - 1) exp(-2j²x²), j = 1, 2, …; below 0.4 it is 1 to twelve digits."""
    squares = np.multiply.outer(x * x, TERMS)
    total = 2 * np.add.reduce((4 * squares - 1) * exp(-2 * squares), axis=-1)
    found: Floats = np.where(x < 0.4, 1.0, np.clip(total, 0.0, 1.0))
    return found


@lru_cache(maxsize=1_000)
def _quantile(alpha: float) -> float:
    """The x with that tail, which falls; by halving."""
    low, high = 0.4, 20.0  # where the tail is 1, and 0 in floats
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(np.array(middle)) > alpha else (low, middle)
    return (low + high) / 2
