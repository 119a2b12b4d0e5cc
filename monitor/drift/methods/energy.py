"""Energy distance: how much farther events lie from those of the other sample than from those of their own.

A metric from 0 (equal shares) upwards, in the root of the column's unit (as scipy has it); larger is more drift. On
bins every event lies at its bin's typical value. No customary threshold for all units: without a configured number it
informs and does not decide. Sources: Székely 2003; Rizzo and Székely 2016, which give it as twice the area between
the squared cumulative shares.
"""

from __future__ import annotations

import numpy as np

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed
from monitor.drift.sums import dot

TITLE = "Energy distance"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
RANGE = "0 to ∞"
USE = "Like wasserstein, but less led by a few far outliers; in the root of the unit."
COST = 2
ALIASES = {"Evidently": "ed", "scipy": "energy_distance"}


def compute(a: Sample, b: Compared) -> Computed:
    """√(2 Σ (P - Q)² · gap to the next bin), P and Q the cumulative shares; shape of all: (bins,).

    positions: a value for every bin, finite and never decreasing; by default the bins' ranks. Here √(2 · 1² · 8):

    >>> float(compute(*Sample.pair(np.array([5, 0]), np.array([0, 5]), np.array([0.0, 8.0]))).statistic)
    4.0
    """
    return Computed(2 * np.sqrt(2 * dot(b.gaps * b.gaps, a.quarters)))
