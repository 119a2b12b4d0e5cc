"""Jensen-Shannon distance: how well one event tells which of the two samples it came from.

A metric from 0 (equal shares) to 1 (no cell in common); larger is more drift. It is the square root of the divergence
in bits. Above 0.1 is drift by custom: the default of NannyML and of Evidently, a number without a theory. Source:
Lin 1991 for the divergence; Endres and Schindelin 2003 for the root, which makes it a metric.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import rel_entr

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed

TITLE = "Jensen-Shannon distance"
KINDS = frozenset({"ordered", "unordered"})
BINS = "coarse"
THRESHOLD = 0.1
DEFAULT = True
RANGE = "0 to 1"
USE = "Bounded, and gentle with empty cells; the usual choice where no test is wanted."
COST = 2
ALIASES = {"Evidently": "jensenshannon", "NannyML": "jensen_shannon", "scipy": "jensenshannon"}


def compute(a: Sample, b: Compared) -> Computed:
    """√(½ Σ p log₂(p/a) + ½ Σ q log₂(q/a)), a = (p + q)/2, p and q the shares; shape of both: (cells,).

    With half of the events in a common cell, that half tells nothing and the other half one bit each, so √½:

    >>> round(float(compute(*Sample.pair(np.array([1, 1, 0]), np.array([0, 1, 1]))).statistic), 4)
    0.7071
    """
    p, q = a.shares, b.shares
    average = (p + q) / 2
    nats = np.add.reduce(rel_entr(p, average) + rel_entr(q, average), axis=-1)
    return Computed(np.sqrt(np.clip(nats / (2 * math.log(2)), 0.0, 1.0)))  # rounding may leave [0, 1] by 1e-16
