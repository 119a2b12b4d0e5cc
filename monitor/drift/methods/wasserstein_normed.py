"""Wasserstein distance over the reference's standard deviation: how far events are carried, in spreads.

From 0 (equal shares) upwards, without a unit; larger is more drift. Not symmetric, as the reference gives the unit.
Above 0.1 is drift by custom: the default of Evidently, a number without a theory. On bins the standard deviation
lacks the spread within bins, so the distance is a little too large, by a factor of at most 1/√(1 - w²), w the spread
within bins over that of all. Source: Evidently's `wasserstein`; Vallender 1974 for the distance.
"""

from __future__ import annotations

import numpy as np

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed
from monitor.drift.sums import dot

TITLE = "Wasserstein distance, normed"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = 0.1
RANGE = "0 to ∞"
USE = "How far values moved, in standard deviations of the reference. What Evidently calls wasserstein."
COST = 3


def compute(a: Sample, b: Compared) -> Computed:
    """Σ |P - Q| · gap to the next bin, over the standard deviation of the reference; shape of all: (bins,).

    positions: a value for every bin, finite and never decreasing; by default the bins' ranks. 0 for equal samples and
    else undefined where the reference does not vary. Here all events are carried by 1, and the deviation is 2:

    >>> sides = Sample.pair(np.array([5, 0, 5, 0]), np.array([0, 5, 0, 5]), np.array([0.0, 1.0, 4.0, 5.0]))
    >>> float(compute(*sides).statistic)
    0.5
    """
    carried, varies = 4 * dot(b.gaps, a.quarters / a.scale), a.variance > 0
    scaled = carried / np.sqrt(np.where(varies, a.variance, 1.0))
    return Computed(np.where(varies, scaled, np.where(carried > 0, np.nan, 0.0)))
