"""L-infinity distance: the largest change of any one category's share.

A metric from 0 (equal shares) to 1 (all events went from one category to another); larger is more drift. It compares
all categories, none of them pooled. Above 0.1 is drift by custom: the number in NannyML's documentation, without a
theory. Source: Chebyshev's distance, as NannyML applies it to shares.
"""

from __future__ import annotations

import numpy as np

from monitor.drift.samples import Compared, Sample
from monitor.drift.scores import Computed

TITLE = "L-infinity distance"
KINDS = frozenset({"unordered"})
BINS = "fine"
THRESHOLD = 0.1
RANGE = "0 to 1"
USE = "The one category that changed most. Blind to many small changes."
COST = 1
ALIASES = {"NannyML": "l_infinity"}


def compute(a: Sample, b: Compared) -> Computed:
    """max |p - q|, p and q the shares; shape of both: (bins,). Here the first category goes from ¾ to ¼:

    >>> float(compute(*Sample.pair(np.array([3, 1, 0]), np.array([1, 1, 2]))).statistic)
    0.5
    """
    return Computed(np.maximum.reduce(np.abs(b.apart), axis=-1))
