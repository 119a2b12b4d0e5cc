"""Kolmogorov-Smirnov distance: the largest difference of the two cumulative shares.

From 0 (equal shares) to 1 (one sample lies wholly below the other); larger is more drift. On bins it is at most one
reference bin's mass below the exact statistic, and the p-value, that of the limit for many events without ties, errs
on the quiet side: on 200 bins a clean window is below 0.05 in about 4 % of all cases. No customary threshold:
`critical` gives it. Source: Smirnov 1939.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import kolmogi, kolmogorov

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed, check_alpha, effective_size

TITLE = "Kolmogorov-Smirnov distance"
KINDS = frozenset({"ordered"})
BINS = "fine"
THRESHOLD = None
DEFAULT = True
RANGE = "0 to 1"
USE = "The test for numbers: the widest gap, most sensitive in the middle of the range."
COST = 1
ALIASES = {"Evidently": "ks", "NannyML": "kolmogorov_smirnov", "Alibi Detect": "KSDrift", "scipy": "ks_2samp"}


def compute(a: Sample, b: Compared) -> Computed:
    """max |P - Q|, P and Q the cumulative shares; shape of both: (bins,). p-value: Kolmogorov's, at √ne · distance.

    ne = nN / (n + N). Here the cumulative shares are ½, 1, 1 and 0, ½, 1:

    >>> float(compute(*Sample.pair(np.array([2, 2, 0]), np.array([0, 2, 2]))).statistic)
    0.5
    """
    distance = np.maximum.reduce(b.gaps, axis=-1)
    return Computed(distance, kolmogorov(np.sqrt(b.size) * distance))


def critical(alpha: float, *, n_reference: int, n_current: int, cells: int, floor: float = 0.0) -> float:
    """The distance that a clean window exceeds with probability `alpha` at most; `floor` is a distance let pass.

    √(q²/ne + floor²), q the Kolmogorov quantile, whatever the `cells`; above 1 where no distance is significant. nan
    for an empty sample. Here 1.358/√50:

    >>> round(critical(0.05, n_reference=100, n_current=100, cells=200), 3)
    0.192
    """
    check_alpha(alpha)
    effective = effective_size(n_reference, n_current)
    return math.sqrt(float(kolmogi(alpha)) ** 2 / effective + floor**2) if effective else math.nan
