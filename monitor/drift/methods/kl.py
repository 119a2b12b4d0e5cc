"""Kullback-Leibler divergence: how surprised one is by the reference who expects the window.

From 0 (equal) upwards, in nats; larger is more drift. Not symmetric, which `psi` and `js` are: a cell that the window
has lost weighs more than one that it has gained. Above 0.1 is drift by custom: the default of Evidently, a number
without a theory. It knows no sample size. Source: Kullback and Leibler 1951.
"""

from __future__ import annotations

import numpy as np

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed
from monitor.drift.sums import dot

TITLE = "Kullback-Leibler divergence"
KINDS = frozenset({"ordered", "unordered"})
BINS = "coarse"
THRESHOLD = 0.1
RANGE = "0 to ∞"
USE = "To go on with numbers of other tools. It is loud about what has vanished; psi takes both ways."
COST = 1
ALIASES = {"Evidently": "kl_div"}


def compute(a: Sample, b: Compared) -> Computed:
    """Σ p ln(p/q), p = (count + ½) / (n + ½ · cells) of the reference, q of the window; shape of both: (cells,).

    Half an event per cell (Jeffreys' prior) keeps it finite. Here ¾ ln 3 + ¼ ln ⅓:

    >>> round(float(compute(*Sample.pair(np.array([1, 0]), np.array([0, 1]))).statistic), 4)
    0.5493
    """
    return Computed(np.maximum(dot(a.smoothed(), b.logarithms()), 0.0))
