"""Hellinger distance: Euclidean distance of the square roots of the shares, which makes rare cells count.

A metric from 0 (equal shares) to 1 (no cell in common); larger is more drift. Above 0.1 is drift by custom: the
default of NannyML and of Evidently, a number without a theory. Source: Hellinger 1909.
"""

from __future__ import annotations

import numpy as np

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed
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


def compute(a: Sample, b: Compared) -> Computed:
    """√(½ Σ (√p - √q)²), p and q the shares; shape of both: (cells,). Here √(½ ((0.6 - 0.8)² + (0.8 - 0.6)²)):

    >>> round(float(compute(*Sample.pair(np.array([36, 64]), np.array([64, 36]))).statistic), 4)
    0.2
    """
    difference = a.roots - b.roots
    return Computed(np.minimum(np.sqrt(dot(difference, difference) / 2), 1.0))
