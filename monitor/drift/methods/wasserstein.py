"""Wasserstein distance: how far an event must be carried on average to turn one sample into the other.

From 0 (equal shares) upwards, in the column's own unit; larger is more drift. No customary threshold, because it has
a unit: without a configured number it informs and does not decide. Source: Vallender 1974, which gives it as the area
between the cumulative shares.
"""

from __future__ import annotations

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed
from monitor.drift.sums import dot

TITLE = "Wasserstein distance"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
DEFAULT = True
RANGE = "0 to ∞"
USE = "How far values moved, in the column's unit: the one that tells far from near."
COST = 1
ALIASES = {"NannyML": "wasserstein", "scipy": "wasserstein_distance"}


def compute(a: Sample, b: Compared) -> Computed:
    """Σ |P - Q| · gap to the next bin, P and Q the cumulative shares; shape of all: (bins,).

    positions: a value for every bin, finite and never decreasing; by default the bins' ranks. Here all events are
    carried from 0 to 2, and half of them from 0 to 10:

    >>> import numpy as np
    >>> float(compute(*Sample.pair(np.array([1, 0, 0]), np.array([0, 0, 1]))).statistic)
    2.0
    >>> float(compute(*Sample.pair(np.array([4, 0]), np.array([2, 2]), np.array([0.0, 10.0]))).statistic)
    5.0
    """
    return Computed(4 * dot(b.gaps, a.quarters))
