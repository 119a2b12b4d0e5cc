"""Population stability index: the divergence of Kullback and Leibler, taken both ways and added.

From 0 (equal) upwards; larger is more drift. Rule of thumb in credit scoring: stable below 0.1, drift above 0.25
(Lewis 1994, as given by Yurdakul and Naranjo 2020); model monitoring has made 0.2 its custom, which is used here. It
knows no sample size: a clean window of n events scores (cells - 1)(1/n + 1/N) on average (Yurdakul 2018), so small
windows need fewer cells or another method. Source of the divergence: Jeffreys 1946.
"""

from __future__ import annotations

import math

import numpy as np

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed
from monitor.drift.sums import dot, log
from monitor.errors import DriftlineError

TITLE = "Population stability index"
KINDS = frozenset({"ordered", "unordered"})
BINS = "coarse"
THRESHOLD = 0.2
DEFAULT = True
RANGE = "0 to ∞"
USE = "Where the number is known by heart, as in credit scoring. It knows no sample size."
COST = 1
ALIASES = {"Evidently": "psi"}


def compute(a: Sample, b: Compared, *, smoothing: float = 0.5) -> Computed:
    """Σ (p - q) ln(p/q), p = (count + smoothing) / (n + smoothing · cells); shape of both: (cells,).

    Half an event per cell (Jeffreys' prior) keeps a cell that one sample lacks large but finite. With `smoothing=0`
    such a cell would be infinite and the statistic is undefined, nan. Here ¾ against ¼ twice, ½ ln 3 + ½ ln 3:

    >>> round(float(compute(*Sample.pair(np.array([1, 0]), np.array([0, 1]))).statistic), 4)
    1.0986
    """
    if not 0 <= smoothing < math.inf:
        raise DriftlineError(f"psi: expected smoothing of at least 0 events in a cell, got {smoothing}")
    if smoothing:
        return Computed(dot(a.smoothed(smoothing) - b.smoothed(smoothing), b.logarithms(smoothing)))
    held = a.counts > 0
    both = held & (b.counts > 0)
    ratios = np.where(both, a.shares, 1.0) / np.where(both, b.shares, 1.0)
    finite = np.logical_and.reduce(both == (held | (b.counts > 0)), axis=-1)
    return Computed(np.where(finite, dot(b.apart, log(ratios)), np.nan))
