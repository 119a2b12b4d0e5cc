"""Hellinger distance: Euclidean distance of the square roots of the shares, which makes rare cells count.

A metric from 0 (equal shares) to 1 (no cell in common); larger is more drift. Above 0.1 is drift by custom: the
default of NannyML and of Evidently, a number without a theory. Source: Hellinger 1909.
"""

from __future__ import annotations

import math

from monitor.drift.samples import Side, samples
from monitor.drift.scores import Score, undefined
from monitor.drift.sums import dot

TITLE = "Hellinger distance"
KINDS = frozenset({"ordered", "unordered"})
BINS = "coarse"
THRESHOLD = 0.1
DEFAULT = True
RANGE = "0 to 1"
USE = "Bounded, and sensitive in rare cells."
COST = 1
ALIASES = {"Evidently": "hellinger", "NannyML": "hellinger"}


def score(reference: Side, current: Side) -> Score:
    """√(½ Σ (√p - √q)²), p and q the shares; shape of both: (cells,). Here √(½ ((0.6 - 0.8)² + (0.8 - 0.6)²)):

    >>> import numpy as np
    >>> round(score(np.array([36, 64]), np.array([64, 36])).statistic, 4)
    0.2
    """
    a, b = samples(reference, current)
    if not b.size:
        return undefined(a.n, b.n)
    difference = a.roots - b.roots
    return Score(min(math.sqrt(dot(difference, difference) / 2), 1.0), None, a.n, b.n)
