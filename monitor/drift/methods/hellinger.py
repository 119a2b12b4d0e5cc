"""Hellinger distance: Euclidean distance of the square roots of the shares, which makes rare cells count.

A metric from 0 (equal shares) to 1 (no cell in common); larger is more drift. Above 0.1 is drift by custom: the
default of NannyML and of Evidently, a number without a theory. Source: Hellinger 1909.
"""

from __future__ import annotations

import math

import numpy as np

from monitor.drift.bins import Counts
from monitor.drift.scores import Score, check, undefined

TITLE = "Hellinger distance"
KINDS = frozenset({"ordered", "unordered"})
BINS = "coarse"
THRESHOLD = 0.1


def score(reference: Counts, current: Counts) -> Score:
    """√(½ Σ (√p - √q)²), p and q the shares; shape of both: (cells,). Here √(½ ((0.6 - 0.8)² + (0.8 - 0.6)²)):

    >>> round(score(np.array([36, 64]), np.array([64, 36])).statistic, 4)
    0.2
    """
    n, m = check(reference, current)
    if not n or not m:
        return undefined(n, m)
    difference = np.sqrt(reference / n) - np.sqrt(current / m)
    return Score(min(math.sqrt(float(difference @ difference) / 2), 1.0), None, n, m)
